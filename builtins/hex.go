package builtins

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"
)

// maxWidth bounds the width that hex pads to.
const maxWidth = 1 << 10

// hex formats an int.
func (e *Env) hex(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Int
	var width int
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "x", &x, "width?", &width); err != nil {
		return nil, err
	}
	if width < 0 || width > maxWidth {
		return nil, fmt.Errorf("%s: width is %d, want 0 to %d", b.Name(), width, maxWidth)
	}
	digits := x.BigInt().Text(16)
	sign := ""
	if x.Sign() < 0 {
		sign, digits = "-", digits[1:]
	}
	return starlark.String(sign + "0x" + strings.Repeat("0", max(0, width-len(digits))) + digits), nil
}

// hexdump formats bytes as hexdump -C does.
func (e *Env) hexdump(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var data blob
	var addr address
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "data", &data, "addr?", &addr); err != nil {
		return nil, err
	}
	if len(data) > maxDump {
		return nil, fmt.Errorf("%s: got %d bytes, want at most %d", b.Name(), len(data), maxDump)
	}
	return starlark.String(dump(string(data), uint64(addr))), nil
}

// maxDump bounds what hexdump formats: the text is five times as long.
const maxDump = 64 << 20

// dump formats data, which is at addr, sixteen bytes a line.
func dump(data string, addr uint64) string {
	const digits = "0123456789abcdef"
	var b strings.Builder
	for len(data) > 0 {
		line := data[:min(16, len(data))]
		data = data[len(line):]
		fmt.Fprintf(&b, "%016x ", addr)
		for i := range 16 {
			if i%8 == 0 {
				b.WriteByte(' ')
			}
			if i < len(line) {
				b.Write([]byte{digits[line[i]>>4], digits[line[i]&15], ' '})
			} else {
				b.WriteString("   ")
			}
		}
		b.WriteString(" |")
		for _, c := range []byte(line) {
			if c < ' ' || c > '~' {
				c = '.'
			}
			b.WriteByte(c)
		}
		b.WriteByte('|')
		if len(data) > 0 {
			b.WriteByte('\n')
		}
		addr += 16
	}
	return b.String()
}
