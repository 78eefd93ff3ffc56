package value

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// builtinTypes are those of C that programs without debug information have too.
var builtinTypes = func() map[string]*debuginfo.Type {
	m := make(map[string]*debuginfo.Type)
	for _, t := range []struct {
		names    string
		size     int64
		encoding uint64
	}{
		{"char", 1, encSignedChar}, {"signed char,int8_t", 1, encSignedChar}, {"unsigned char,uint8_t", 1, encUnsignedChar},
		{"short,short int,int16_t", 2, encSigned}, {"unsigned short,short unsigned int,uint16_t", 2, encUnsigned},
		{"int,signed,signed int,int32_t", 4, encSigned}, {"unsigned int,unsigned,uint32_t", 4, encUnsigned},
		{"long,long int,int64_t,intptr_t,ssize_t", 8, encSigned}, {"unsigned long,long unsigned int,uint64_t,uintptr_t,size_t", 8, encUnsigned},
		{"long long,long long int", 8, encSigned}, {"unsigned long long,long long unsigned int", 8, encUnsigned},
		{"__int128", 16, encSigned}, {"unsigned __int128", 16, encUnsigned},
		{"float", 4, encFloat}, {"double", 8, encFloat}, {"long double", 16, encFloat}, {"_Bool,bool", 1, encBoolean},
	} {
		names := strings.Split(t.names, ",")
		for _, name := range names {
			m[name] = debuginfo.NewBase(names[0], t.size, t.encoding)
		}
	}
	return m
}()

// TypeNamed returns the type that a name with stars and brackets behind it means, such
// as "struct item *" or "unsigned char [16]". "void" is nil. The types of C need no
// debug information.
func TypeNamed(in Context, name string) (*debuginfo.Type, error) {
	if len(name) > 4096 {
		return nil, errors.New("the name of a type has more than 4096 bytes")
	}
	whole := strings.TrimSpace(name)
	rest := whole
	var suffixes []string
	for {
		rest = strings.TrimSpace(rest)
		if base, ok := strings.CutSuffix(rest, "*"); ok {
			suffixes, rest = append(suffixes, "*"), base
			continue
		}
		if i := strings.LastIndexByte(rest, '['); i > 0 && strings.HasSuffix(rest, "]") {
			suffixes, rest = append(suffixes, rest[i+1:len(rest)-1]), rest[:i]
			continue
		}
		if base, ok := strings.CutSuffix(rest, " const"); ok {
			rest = base
			continue
		}
		break
	}
	for _, q := range []string{"const ", "volatile "} {
		rest = strings.TrimSpace(strings.TrimPrefix(rest, q))
	}
	var t *debuginfo.Type
	if rest != "void" {
		types, err := in.Types(rest)
		switch {
		case len(types) > 0:
			t = types[0]
		case builtinTypes[rest] != nil:
			t = builtinTypes[rest]
		case err == nil:
			err = debuginfo.ErrNotFound
			fallthrough
		default:
			return nil, fmt.Errorf("type %s: %w", whole, err)
		}
	}
	// The last of several brackets is the innermost dimension, so that of the suffixes,
	// which are here from the last to the first, brackets go in this order and stars
	// before them.
	var stars int
	for _, s := range suffixes {
		if s == "*" {
			stars++
		}
	}
	for range stars {
		t = debuginfo.PointerTo(t)
	}
	for _, s := range suffixes {
		if s == "*" {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(s), 0, 62)
		if err != nil {
			return nil, fmt.Errorf("type %s: %q is no number of elements", whole, s)
		}
		if t == nil {
			return nil, fmt.Errorf("type %s: void has no arrays", whole)
		}
		t = debuginfo.ArrayOf(t, int64(n))
	}
	return t, nil
}
