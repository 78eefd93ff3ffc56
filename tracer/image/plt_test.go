package image

import (
	"bytes"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestPLT compares stubs with those that nm finds, in the forms that linkers
// make.
func TestPLT(t *testing.T) {
	paths := realFiles(t)
	for name, flags := range map[string]string{
		"lazy":       "-Wl,-z,lazy",
		"now":        "-Wl,-z,now",
		"IBT":        "-fcf-protection -Wl,-z,lazy -Wl,-z,ibtplt",
		"IBT now":    "-fcf-protection -Wl,-z,now -Wl,-z,ibtplt",
		"full RELRO": "-Wl,-z,relro -Wl,-z,now -no-pie",
		"gold":       "-fuse-ld=gold",
		"no PLT":     "-fno-plt",
	} {
		paths[name] = build(t, "report.c", strings.Fields(flags)...)
		paths[name+", stripped"] = filepath.Join(t.TempDir(), "stripped")
		run(t, "strip", "-o", paths[name+", stripped"], paths[name])
	}
	for name, path := range paths {
		t.Run(name, func(t *testing.T) {
			want := make(map[uint64]string)
			for _, m := range nmLine.FindAllStringSubmatch(run(t, "nm", "-D", "-P", "--synthetic", path), -1) {
				if stub, ok := strings.CutSuffix(m[1], pltSuffix); ok {
					addr, _ := strconv.ParseUint(m[3], 16, 64)
					stub, _, _ = strings.Cut(stub, "@")
					want[addr] = stub + pltSuffix
				}
			}
			f := mustOpen(t, path)
			symbols, err := f.Symbols()
			if err != nil {
				t.Fatal(err)
			}
			var last Symbol
			n := 0
			for _, s := range symbols {
				if s.Kind != PLT {
					continue
				}
				n++
				// nm does not know the names of resolvers, nor the stubs of static
				// programs.
				if w, ok := want[s.Addr]; ok && !strings.HasPrefix(w, "*ABS*+0x") {
					if s.Name != w {
						t.Errorf("%#x is %s, nm has %q", s.Addr, s.Name, w)
					}
				} else if !slices.ContainsFunc(f.Lookup(strings.TrimSuffix(s.Name, pltSuffix)), func(r Symbol) bool {
					return r.Kind == IFunc && len(f.ResolvedBy(r.Addr)) > 0
				}) {
					t.Errorf("%s at %#x is not that of a resolver", s.Name, s.Addr)
				}
				if s.Size < 8 || s.Size > 16 || s.Addr < last.Addr+last.Size {
					t.Errorf("%s at %#x has %d bytes and follows %s at %#x", s.Name, s.Addr, s.Size, last.Name, last.Addr)
				}
				if at, ok := f.At(s.Addr + s.Size - 1); !ok || at != s {
					t.Errorf("At(%#x) = %+v, want %+v", s.Addr+s.Size-1, at, s)
				}
				delete(want, s.Addr)
				last = s
			}
			for addr, name := range want {
				if !strings.HasPrefix(name, "*ABS*+0x") {
					t.Errorf("%s at %#x is known to nm only", name, addr)
				}
			}
			t.Logf("%d stubs", n)
		})
	}
}

func TestStubSlot(t *testing.T) {
	for _, test := range []struct {
		code string
		slot uint64
	}{
		{"\xff\x25\x10\x00\x00\x00", 0x1016},
		{"\xf2\xff\x25\x10\x00\x00\x00", 0x1017},
		{"\xf3\x0f\x1e\xfa\xff\x25\xf6\xff\xff\xff", 0x1000},
		{"\xf3\x0f\x1e\xfa\xf2\xff\x25\x00\x00\x00\x00", 0x100b},
		{"\xf3\x0f\x1e\xfa\x41\xbb\x01\x00\x00\x00\xff\x25\x00\x00\x00\x00", 0x1010},
		{"\xff\x25\x10\x00\x00", 0},
		{"\xff\x35\x10\x00\x00\x00", 0},
		{"\x41\xbb\x01", 0},
		{"", 0},
	} {
		if slot, ok := stubSlot([]byte(test.code), 0x1000); slot != test.slot || ok != (slot != 0) {
			t.Errorf("% x: slot %#x, %v; want %#x", test.code, slot, ok, test.slot)
		}
	}
}

// TestResolvers finds the words that an IFUNC's address is written to, with and
// without sections.
func TestResolvers(t *testing.T) {
	for _, flags := range [][]string{nil, {"-static"}, {"-no-pie", "-Wl,-z,now"}, {"-shared", "-fPIC"}} {
		path := build(t, "ifunc.c", flags...)
		f := mustOpen(t, path)
		s := f.Lookup("chosen")
		if len(s) != 1 || s[0].Kind != IFunc {
			t.Fatalf("%q: Lookup = %+v, want an IFUNC", flags, s)
		}
		slots := slices.Concat(f.ResolvedBy(s[0].Addr), f.Slots("chosen"))
		if len(slots) == 0 {
			t.Errorf("%q: no slots", flags)
		}
		if slices.Contains(flags, "-static") {
			continue // it has no dynamic section
		}
		data := withoutSections(t, path)
		bare, err := Parse(bytes.NewReader(data), int64(len(data)), path)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Concat(bare.ResolvedBy(s[0].Addr), bare.Slots("chosen")); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(slots))) {
			t.Errorf("%q: slots %#x without sections, want %#x", flags, got, slots)
		}
	}
}
