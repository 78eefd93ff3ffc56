package image

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var nmLine = regexp.MustCompile(`(?m)^(.*) (\S) ([0-9a-f]+) ([0-9a-f]*)$`)

// nmSymbols returns the symbols nm finds, but for absolute ones, as strings of
// address, name and size.
func nmSymbols(t testing.TB, path string, flags ...string) map[string]bool {
	symbols := make(map[string]bool)
	for _, m := range nmLine.FindAllStringSubmatch(run(t, "nm", append(flags, "-P", path)...), -1) {
		if strings.ContainsAny(m[2], "aAUwv") && (m[2] != "w" && m[2] != "v" || m[3] == "") {
			continue
		}
		name, _, _ := strings.Cut(m[1], "@")
		addr, _ := strconv.ParseUint(m[3], 16, 64)
		size, _ := strconv.ParseUint(cmp.Or(m[4], "0"), 16, 64)
		symbols[fmt.Sprintf("%#x %s %d", addr, name, size)] = true
	}
	return symbols
}

// TestNM compares the symbols with those nm finds in both tables.
func TestNM(t *testing.T) {
	for name, path := range realFiles(t) {
		t.Run(name, func(t *testing.T) {
			want := nmSymbols(t, path)
			maps.Copy(want, nmSymbols(t, path, "-D"))
			f := mustOpen(t, path)
			if debug, err := f.Debug(); err != nil {
				t.Error(err)
			} else if debug != f {
				maps.Copy(want, nmSymbols(t, debug.Name()))
			} else if !f.hasSymtab() {
				for _, s := range f.findStart() { // TestMainOfStripped compares them
					want[fmt.Sprintf("%#x %s %d", s.Addr, s.Name, s.Size)] = true
				}
			}
			symbols, err := f.Symbols()
			if err != nil {
				t.Fatal(err)
			}
			got := make(map[string]bool)
			for _, s := range symbols {
				if s.Kind == PLT {
					continue
				}
				key := fmt.Sprintf("%#x %s %d", s.Addr, s.Name, s.Size)
				if got[key] {
					t.Errorf("%s twice", key)
				}
				got[key] = true
				if !want[key] {
					t.Errorf("%s (%s %s) is unknown to nm", key, s.Bind, s.Kind)
				}
			}
			for key := range want {
				if !got[key] {
					t.Errorf("%s is known to nm only", key)
				}
			}
			t.Logf("%d symbols", len(got))
		})
	}
}

// TestAt compares At with a search of all symbols, around the start and the
// end of each.
func TestAt(t *testing.T) {
	for name, path := range realFiles(t) {
		t.Run(name, func(t *testing.T) {
			f := mustOpen(t, path)
			symbols, err := f.Symbols()
			if err != nil {
				t.Fatal(err)
			}
			step := 1 + len(symbols)/500 // the search is quadratic
			for i := 0; i < len(symbols); i += step {
				s := &symbols[i]
				for _, addr := range []uint64{s.Addr - 1, s.Addr, s.Addr + 1, s.Addr + s.Size/2, s.Addr + s.Size - 1, s.Addr + s.Size} {
					want, wantOK := slowAt(f, symbols, addr)
					if got, ok := f.At(addr); got != want || ok != wantOK {
						t.Errorf("At(%#x) = %+v, %t; want %+v, %t", addr, got, ok, want, wantOK)
					}
				}
			}
		})
	}
}

// slowAt is At as its documentation has it.
func slowAt(f *File, symbols []Symbol, addr uint64) (best Symbol, ok bool) {
	next := uint64(math.MaxUint64) // the first symbol behind addr
	for _, s := range symbols {
		if s.Kind == TLS {
			continue
		}
		if s.Addr > addr {
			next = min(next, s.Addr)
		} else if addr-s.Addr < s.Size && (!ok || s.Addr > best.Addr || s.Addr == best.Addr && s.better(&best)) {
			best, ok = s, true
		}
	}
	if ok {
		return best, true
	}
	for _, s := range symbols {
		if s.Kind == TLS || s.Addr > addr || addr >= f.sectionEnd(&s) {
			continue
		}
		if !ok || s.Addr > best.Addr || s.Addr == best.Addr && (best.Size != 0 || s.Size == 0 && s.better(&best)) {
			best, ok = s, true
		}
	}
	for _, s := range symbols {
		if s.Kind != TLS && s.Addr <= best.Addr && best.Addr-s.Addr < s.Size {
			return Symbol{}, false // a label within a symbol that has a size
		}
	}
	if !ok || best.Size != 0 {
		return Symbol{}, false
	}
	return best, true
}

func TestAliases(t *testing.T) {
	f := mustOpen(t, build(t, "aliases.s", "-nostdlib", "-static"))
	addr := func(name string) uint64 {
		t.Helper()
		s := f.Lookup(name)
		if len(s) != 1 {
			t.Fatalf("Lookup(%q) = %+v, want one", name, s)
		}
		return s[0].Addr
	}
	for _, test := range []struct {
		start  string
		offset uint64
		want   string
	}{
		{"_start", 0, "_start"},
		{"_start", 1, ""},
		{"bare", 0, "bare"},
		{"bare", 1, "bare"},
		{"bare", 2, "local_bare"},
		{"bare", 15, "local_bare"}, // up to the next symbol
		{"best", 0, "best"},
		{"best", 1, ""},
		{"outer", 0, "outer"},
		{"outer", 1, "outer"}, // not label
		{"outer", 2, "inner"},
		{"outer", 3, "inner"},
		{"outer", 4, "outer"},
		{"outer", 5, "across"},
		{"outer", 6, "across"},
		{"outer", 7, ""},
		{"short", 0, "short"},
		{"short", 1, "long"},
		{"short", 2, ""},
		{"indirect", 0, "indirect"},
		{"last", 0, "last"},
		{"last", 1, "last"},
		{"last", 2, ""}, // the end of the section
		{"other", 0, "other"},
		{"other", 1, ""},
		{"variable", 7, "variable"},
		{"variable", 8, ""},
	} {
		if s, ok := f.At(addr(test.start) + test.offset); s.Name != test.want || ok != (test.want != "") {
			t.Errorf("At(%s+%d) = %+v, %t; want %q", test.start, test.offset, s, ok, test.want)
		}
	}
	for name, want := range map[string]Symbol{
		"indirect":   {Kind: IFunc, Bind: Global, Size: 1},
		"bare":       {Kind: Untyped, Bind: Global},
		"variable":   {Kind: Object, Bind: Global, Size: 8},
		"per_thread": {Kind: TLS, Bind: Global, Size: 8},
		"best_weak":  {Kind: Func, Bind: Weak, Size: 1},
		"b":          {Kind: Func, Bind: Local, Size: 1},
	} {
		s := f.Lookup(name)
		want.Name, want.Addr, want.section = name, s[0].Addr, s[0].section
		if s[0] != want {
			t.Errorf("Lookup(%q) = %+v, want %+v", name, s[0], want)
		}
	}
	if s := f.Lookup("absolute"); s != nil {
		t.Errorf("absolute has the address %#x", s[0].Addr)
	}
	im := New("aliases", f, 0x1000)
	if s := im.Lookup("per_thread"); s[0].Addr != 8 {
		t.Errorf("per_thread has offset %#x, want 8", s[0].Addr)
	}
	if s := im.Match("*ariabl?"); len(s) != 1 || s[0].Addr != addr("variable")+0x1000 {
		t.Errorf("Match = %+v", s)
	}
	if s, ok := im.At(addr("inner") + 0x1001); !ok || s.Name != "inner" || s.Addr != addr("inner")+0x1000 {
		t.Errorf("At(inner+1) = %+v, %t", s, ok)
	}
}

// TestLookupOrder has the symbol most likely meant come first.
func TestLookupOrder(t *testing.T) {
	symbols := []Symbol{
		{Name: "f", Addr: 1, Kind: Func, Bind: Local},
		{Name: "f", Addr: 2, Kind: Func, Bind: Weak, Compat: true},
		{Name: "f", Addr: 3, Kind: Object, Bind: Global},
		{Name: "f", Addr: 4, Kind: IFunc, Bind: Weak},
		{Name: "f", Addr: 5, Kind: Func, Bind: Local},
		{Name: "f", Addr: 5, Kind: Func, Bind: Global},
	}
	f := new(File)
	table := newSymbolTable(f, slices.Clone(symbols))
	f.symbols = func() (*symbolTable, error) { return table, nil }
	var got []uint64
	for _, s := range f.Lookup("f") {
		got = append(got, s.Addr)
	}
	if want := []uint64{4, 5, 2, 3, 1}; !slices.Equal(got, want) {
		t.Errorf("order %v, want %v", got, want)
	}
}

// TestVersions tells the versions of symbols apart by the table of versions
// and by names.
func TestVersions(t *testing.T) {
	for _, test := range []struct{ path, name string }{
		{libc, "memcpy"},
		{libc, "realpath"},
		{build(t, "versions.c", "-shared", "-fPIC", "-Wl,--version-script=testdata/versions.map"), "versioned"},
	} {
		s := mustOpen(t, test.path).Lookup(test.name)
		if len(s) != 2 || s[0].Compat || !s[1].Compat || s[0].Addr == s[1].Addr {
			t.Errorf("%s: Lookup(%q) = %+v, want a current version and an old one", test.path, test.name, s)
		}
	}
}

func TestStripped(t *testing.T) {
	f := mustOpen(t, build(t, "stripped.s", "-s", "-nostdlib", "-static"))
	if s, err := f.Symbols(); len(s) != 0 || err != nil {
		t.Errorf("Symbols = %+v, %v; want none", s, err)
	}
	if s := f.Lookup("main"); s != nil {
		t.Errorf("Lookup = %+v", s)
	}
	if s, ok := f.At(f.Entry()); ok {
		t.Errorf("At = %+v", s)
	}
	if s := f.Match("*"); s != nil {
		t.Errorf("Match = %+v", s)
	}
	if names := f.Near("main"); len(names) != 0 {
		t.Errorf("Near = %q", names)
	}
}

// TestSymbolError keeps what can be read when one of the tables cannot.
func TestSymbolError(t *testing.T) {
	path := build(t, "report.c")
	f := mustOpen(t, path)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range f.sections {
		if elf.SectionType(f.sections[i].Type) == elf.SHT_SYMTAB {
			header := data[f.header.Shoff+uint64(i)*sectionSize:]
			binary.LittleEndian.PutUint64(header[32:], 1<<40) // sh_size
		}
	}
	f, err = Parse(bytes.NewReader(data), int64(len(data)), "bad")
	if err != nil {
		t.Fatal(err)
	}
	const want = "bad: read symbols: 1099511627776 bytes at offset 0x"
	symbols, err := f.Symbols()
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %v, want %s", err, want)
	}
	symbols = slices.DeleteFunc(symbols, func(s Symbol) bool { return s.Kind == PLT })
	if dynamic := nmSymbols(t, path, "-D"); len(symbols) != len(dynamic) {
		t.Errorf("%d symbols, want the %d dynamic ones", len(symbols), len(dynamic))
	}
}

// TestNamesOverlap refuses a table whose names would take time out of
// proportion with its size.
func TestNamesOverlap(t *testing.T) {
	raw := rawTable{names: append(bytes.Repeat([]byte{'a'}, 1<<20), 0)}
	for i := range uint32(1 << 16) {
		raw.entries = binary.LittleEndian.AppendUint32(raw.entries, i)
		raw.entries = append(raw.entries, byte(elf.STT_FUNC), 0, 1, 0)
		raw.entries = append(raw.entries, make([]byte, 16)...)
	}
	if symbols, err := raw.decode(nil); err == nil {
		t.Errorf("got %d symbols", len(symbols))
	}
}

func TestMatch(t *testing.T) {
	for _, test := range []struct {
		pattern, name string
		want          bool
	}{
		{"main", "main", true},
		{"main", "main2", false},
		{"main2", "main", false},
		{"m*", "main", true},
		{"*", "main", true},
		{"*", "", true},
		{"", "", true},
		{"?", "", false},
		{"m??n", "main", true},
		{"m?n", "main", false},
		{"*in", "main", true},
		{"*a*n*", "main", true},
		{"*ab*ab", "abab", true},
		{"*ab*ab", "ab", false},
		{"a*b*c", "aXbXbXc", true},
		{"a*b*c", "aXbXbXcd", false},
		{"encoding/*.(?Decoder).Decode", "encoding/json.(*Decoder).Decode", true},
		{"f[int]", "f[int]", true},
		{"f[int]", "fi", false},
		{strings.Repeat("*a", 30) + "b", strings.Repeat("a", 10000), false},
	} {
		if got := match(test.pattern, test.name); got != test.want {
			t.Errorf("match(%q, %q) = %t, want %t", test.pattern, test.name, got, test.want)
		}
	}
}

func TestNear(t *testing.T) {
	f := mustOpen(t, libc)
	for name, want := range map[string][]string{
		"pirntf":                  {"printf", "dprintf", "fprintf"},
		"mallocc":                 {"malloc", "calloc", "mallopt"},
		"xyzzy_":                  {},
		"":                        {},
		strings.Repeat("a", 1000): {},
	} {
		if got := f.Near(name); !slices.Equal(got, want) {
			t.Errorf("Near(%q) = %q, want %q", name, got, want)
		}
	}
	whole := []string{"main.main", "main.mainly", "ns::parse", "mian", "runtime.mainPC"}
	for name, want := range map[string][]string{"main": {"main.main", "mian"}, "parse": {"ns::parse"}} {
		if got := Near(name, slices.Values(whole)); !slices.Equal(got, want) {
			t.Errorf("Near(%q) = %q, want %q", name, got, want)
		}
	}
	for _, test := range []struct {
		s, t string
		want int
	}{
		{"", "", 0}, {"a", "", 1}, {"", "abc", 3}, {"main", "mian", 1}, {"main", "man", 1}, {"main", "maine", 1},
		{"main", "min", 1}, {"kitten", "sitting", 3}, {"abcdef", "ghijkl", 4}, {"ab", "abcdef", 4},
	} {
		if got := distance(test.s, test.t, 3); min(got, 4) != test.want {
			t.Errorf("distance(%q, %q) = %d, want %d", test.s, test.t, got, test.want)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, path := range []string{"/bin/ls", libc, goExe, strings.TrimSpace(run(b, "gcc", "-print-prog-name=cc1"))} {
		b.Run(filepath.Base(path), func(b *testing.B) {
			data, err := os.ReadFile(path)
			if err != nil {
				b.Fatal(err)
			}
			b.Run("shared", func(b *testing.B) {
				for b.Loop() {
					mustOpen(b, path)
				}
			})
			parse := func() *File {
				f, err := Parse(bytes.NewReader(data), int64(len(data)), path)
				if err != nil {
					b.Fatal(err)
				}
				return f
			}
			b.Run("headers", func(b *testing.B) {
				for b.Loop() {
					parse()
				}
			})
			b.Run("symbols", func(b *testing.B) {
				for b.Loop() {
					parse().Symbols()
				}
			})
			b.Run("name", func(b *testing.B) {
				for b.Loop() {
					parse().Lookup("main")
				}
			})
			b.Run("CFI", func(b *testing.B) {
				for b.Loop() {
					if _, err := parse().CFI(); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("address", func(b *testing.B) {
				for b.Loop() {
					f := parse()
					f.At(f.Entry())
				}
			})
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	f := mustOpen(b, libc)
	for b.Loop() {
		f.Lookup("malloc")
	}
}

func BenchmarkAt(b *testing.B) {
	for _, path := range []string{libc, goExe} {
		b.Run(filepath.Base(path), func(b *testing.B) {
			f := mustOpen(b, path)
			symbols, err := f.Symbols()
			if err != nil {
				b.Fatal(err)
			}
			for i := 0; b.Loop(); i++ {
				f.At(symbols[i*7919%len(symbols)].Addr + 3)
			}
		})
	}
}

func BenchmarkNear(b *testing.B) {
	f := mustOpen(b, goExe)
	for b.Loop() {
		f.Near("runtime.mallocg")
	}
}
