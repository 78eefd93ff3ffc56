package value

import (
	"strings"
	"testing"
)

// TestTypeNamed has names of types that need no debug information.
func TestTypeNamed(t *testing.T) {
	for name, want := range map[string]string{
		"int":                              "int",
		" long  unsigned int ":             "unsigned long",
		"void":                             "void",
		"const char *":                     "char *",
		"char const * const *":             "char **",
		"uint8_t [16]":                     "unsigned char [16]",
		"int [2][3]":                       "int [2][3]",
		"int (*)[3]":                       "int (*)[3]",
		"int (**)(int, char *)":            "int (**)(int, char *)",
		"void (*[2])(void)":                "void (*[2])(void)",
		"double &":                         "double &",
		"int )":                            `"int )": column 5: unexpected ")", want the end of the type`,
		"nothing *":                        "not found",
		"int [x]":                          `"int [x]": column 6: `,
		"":                                 "unexpected end, want a name",
		"void [3]":                         "void has no values",
		strings.Repeat("*", 5000):          "the name of a type has more than 4096 bytes",
		"int " + strings.Repeat("*", 4000): `"int ` + strings.Repeat("*", 76) + `...": column`,
	} {
		got := "void"
		typ, err := TypeNamed(&fake{}, name)
		if err != nil {
			got = err.Error()
		} else if typ != nil {
			got = typ.String()
		}
		if got != want && (err == nil || !strings.HasPrefix(got, want)) {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

func FuzzTypeNamed(f *testing.F) {
	for _, name := range []string{"int (*)[3]", "a::b<c, 3> *", "void (*[2])(char, ...)", "'x' [9]", "(anonymous namespace)::x"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		typ, err := TypeNamed(&fake{}, name)
		if typ != nil && err != nil {
			t.Fatalf("%q: got %s and %v", name, typ, err)
		}
		if typ != nil && typ.String() == "" {
			t.Fatalf("%q: a type without a name", name)
		}
	})
}
