package debuginfo

// A Language is a family of languages whose values are shown alike.
type Language int

const (
	C Language = iota // and assembly, and what is not known
	CPlusPlus
	Go
	Rust
)

// Language returns the language of the unit that the type is in (DWARF 5, 7.12).
func (t *Type) Language() Language {
	for range maxTypes {
		if t.e != nowhere || t.elem == nil {
			break
		}
		t = t.elem
	}
	return t.e.u.family()
}

// Language returns the language of the unit that the function is in.
func (f *Func) Language() Language { return f.u.family() }

func (u *unit) family() Language {
	switch u.language {
	case 0x0004, 0x001a, 0x0021, 0x002b, 0x003a:
		return CPlusPlus
	case 0x0016:
		return Go
	case 0x001c:
		return Rust
	}
	return C
}
