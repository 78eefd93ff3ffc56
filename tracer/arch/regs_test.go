package arch

import "testing"

func TestSubRegisters(t *testing.T) {
	for _, test := range []struct {
		name string
		set  uint64
		want uint64 // rax afterwards
		get  uint64
	}{
		{"rax", 0x1122334455667788, 0x1122334455667788, 0x1122334455667788},
		{"eax", 0x1, 0x1, 0x1},
		{"ax", 0x12345, 0xffffffffffff2345, 0x2345},
		{"al", 0x7f, 0xffffffffffffff7f, 0x7f},
		{"ah", 0x7f, 0xffffffffffff7fff, 0x7f},
	} {
		var r Regs
		r[RAX] = ^uint64(0)
		d := Lookup(test.name)
		d.Set(&r, test.set)
		if r[RAX] != test.want || d.Get(&r) != test.get {
			t.Errorf("%s = %#x: rax = %#x, %s = %#x; want %#x, %#x", test.name, test.set, r[RAX], test.name, d.Get(&r), test.want, test.get)
		}
	}
}

func TestFlags(t *testing.T) {
	var r Regs
	r[EFLAGS] = 0x246
	for name, want := range map[string]uint64{"zf": 1, "cf": 0, "pf": 1, "if": 1, "iopl": 0} {
		if got := LookupFlag(name).Get(&r); got != want {
			t.Errorf("%s = %d, want %d", name, got, want)
		}
	}
	LookupFlag("zf").Set(&r, 0)
	if r[EFLAGS] != 0x206 {
		t.Errorf("eflags = %#x after zf = 0, want 0x206", r[EFLAGS])
	}
}

// TestTableIsWhole checks that every index has exactly one whole register.
func TestTableIsWhole(t *testing.T) {
	seen := make(map[Reg]string)
	for _, d := range Registers {
		if other, dup := seen[d.Reg]; dup {
			t.Errorf("%s and %s share index %d", d.Name, other, d.Reg)
		}
		seen[d.Reg] = d.Name
		if d.Reg.String() != d.Name {
			t.Errorf("Reg(%d).String() = %s, want %s", d.Reg, d.Reg, d.Name)
		}
	}
	if len(seen) != NumRegs {
		t.Errorf("%d registers named, want %d", len(seen), NumRegs)
	}
}
