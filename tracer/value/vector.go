package value

import (
	"fmt"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// RegisterType returns the type that a register of the extended state has in
// expressions: for a vector a union of those that it may hold, with gdb's names, such
// as v4_float, and else an array of bytes.
func RegisterType(size int) *debuginfo.Type {
	if size%16 != 0 {
		return debuginfo.ArrayOf(basicTypes["unsigned char"], int64(size))
	}
	var fields []debuginfo.Field
	for _, lane := range []struct{ name, typ string }{
		{"float", "float"}, {"double", "double"},
		{"int8", "int8_t"}, {"int16", "int16_t"}, {"int32", "int32_t"}, {"int64", "int64_t"}, {"int128", "__int128"},
	} {
		t := basicTypes[lane.typ]
		n := int64(size) / t.Size
		if n == 1 {
			fields = append(fields, debuginfo.NewField("uint128", basicTypes["unsigned __int128"]))
			break
		}
		fields = append(fields, debuginfo.NewField(fmt.Sprintf("v%d_%s", n, lane.name), debuginfo.ArrayOf(t, n)))
	}
	return debuginfo.UnionOf(fmt.Sprintf("vec%d", size*8), int64(size), fields)
}
