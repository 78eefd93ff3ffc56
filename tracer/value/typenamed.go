package value

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// TypeNamed returns the type that a name means, as casts write it: "struct item *",
// "unsigned char [16]", "int (*)[3]". "void" is nil. The types of C need no debug
// information. A name that is none of C's, such as "[]uint8", may have stars behind it.
func TypeNamed(in Context, name string) (*debuginfo.Type, error) {
	if len(name) > 4096 {
		return nil, errors.New("the name of a type has more than 4096 bytes")
	}
	name = strings.TrimSpace(name)
	whole := strings.TrimRight(name, "* ")
	if list, err := in.Types(whole); err == nil && len(list) > 0 {
		t := list[0]
		for range strings.Count(name[len(whole):], "*") {
			t = debuginfo.PointerTo(t)
		}
		return t, nil
	}
	toks, err := tokenize(name)
	if err != nil {
		return nil, fmt.Errorf("type %s: %w", name, err)
	}
	p := &parser{text: name, toks: toks, names: func(name string) meaning {
		if _, err := typeNamed(in, name); err != nil {
			return unknown
		}
		return isType
	}}
	n := p.typeName()
	if t := p.peek(); t.kind != tokEnd {
		p.fail(t.start, "unexpected %s, want the end of the type", t)
	}
	if p.err != nil {
		return nil, p.err
	}
	return typeOf(in, n)
}
