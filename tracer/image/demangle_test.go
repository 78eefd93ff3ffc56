package image

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestDemangled(t *testing.T) {
	for _, test := range []struct{ name, full, function string }{
		{"parse", "parse", "parse"},
		{"_Z5parsei", "parse(int)", "parse"},
		{"_Z5parsei@plt", "parse(int)@plt", "parse@plt"},
		{"_ZNK2ns5Class6methodEv.isra.0", "ns::Class::method() const [clone .isra.0]", "ns::Class::method"},
		{"_ZN2ns6sortedIiEEvRT_", "void ns::sorted<int>(int&)", "ns::sorted<int>"},
		{"_ZN4core3fmt9Formatter3pad17h0123456789abcdefE", "core::fmt::Formatter::pad", "core::fmt::Formatter::pad"},
		{"_RNvC5crate4main", "crate::main", "crate::main"},
		{"_Znot_mangled", "_Znot_mangled", "_Znot_mangled"},
		{"_Z", "_Z", "_Z"},
		{"", "", ""},
	} {
		s := Symbol{Name: test.name}
		for range 2 { // the second time from the cache
			if full, function := s.Demangled(), s.Function(); full != test.full || function != test.function {
				t.Errorf("%s: %q and %q, want %q and %q", test.name, full, function, test.full, test.function)
			}
		}
	}
}

// TestLookupDemangled finds functions by what gdb would take for their names.
func TestLookupDemangled(t *testing.T) {
	f := mustOpen(t, build(t, "mangled.s", "-nostdlib", "-static"))
	for name, want := range map[string]string{
		"parse":                      "_Z5parsei _ZN2ns5parseEPKc",
		"parse(int)":                 "_Z5parsei",
		"parse(char const*)":         "_ZN2ns5parseEPKc",
		"ns::parse":                  "_ZN2ns5parseEPKc",
		"ns::parse( char const * )":  "_ZN2ns5parseEPKc",
		"ns::Class::method":          "_ZNK2ns5Class6methodEv",
		"ns::Class::method()":        "_ZNK2ns5Class6methodEv",
		"ns::Class::method() const":  "_ZNK2ns5Class6methodEv",
		"Class::method":              "_ZNK2ns5Class6methodEv",
		"method":                     "_ZNK2ns5Class6methodEv",
		"ns::Class::Class":           "_ZN2ns5ClassC1Ev",
		"ns::Class::~Class()":        "_ZN2ns5ClassD2Ev",
		"Class":                      "_ZN2ns5ClassC1Ev",
		"ns::sorted":                 "_ZN2ns6sortedISt6vectorIiSaIiEEEEvRT_ _ZN2ns6sortedIiEEvRT_",
		"sorted<int>":                "_ZN2ns6sortedIiEEvRT_",
		"ns::sorted<int>(int&)":      "_ZN2ns6sortedIiEEvRT_",
		"void ns::sorted<int>(int&)": "_ZN2ns6sortedIiEEvRT_",
		"sorted<std::vector<int, std::allocator<int>>>": "_ZN2ns6sortedISt6vectorIiSaIiEEEEvRT_",
		"ns::operator==":                     "_ZN2nseqERKNS_5ClassES2_",
		"operator ==":                        "_ZN2nseqERKNS_5ClassES2_",
		"vtable for ns::Class":               "_ZTVN2ns5ClassE",
		"(anonymous namespace)::hidden(int)": "_ZN12_GLOBAL__N_16hiddenEi.isra.0",
		"hidden":                             "_ZN12_GLOBAL__N_16hiddenEi.isra.0",
		"std::string::append":                "_ZNSs6appendEPKc",
		"append":                             "_ZNSs6appendEPKc",
		"core::fmt::Formatter::pad":          "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
		"Formatter::pad":                     "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
		"<std::path::PathBuf>::new":          "_RNvMsr_NtCs3ssYzQotkvD_3std4pathNtB5_7PathBuf3newCs15kBYyAo9fc_7mycrate",
		"arse":                               "",
		"s::parse":                           "",
		"ns":                                 "",
		"":                                   "",
		"::":                                 "",
	} {
		var got []string
		for _, s := range f.LookupDemangled(name) {
			got = append(got, s.Name)
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("LookupDemangled(%q) = %q, want %q", name, got, want)
		}
	}
	for pattern, want := range map[string]int{"ns::*": 8, "*::parse": 1, "*parse*": 3, "ns::sorted<*>": 2, "_ZN2ns*": 6} {
		if got := f.Match(pattern); len(got) != want {
			t.Errorf("Match(%q) = %+v, want %d", pattern, got, want)
		}
	}
}

// TestTellingWord checks that the words by which names are looked up are in the
// mangled names of a library that uses much of the language.
// TestLookupGo finds symbols of a Go program without the path before their packages.
func TestLookupGo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gofixture")
	run(t, "go", "build", "-o", path, "../debuginfo/testdata/gofixture")
	f := mustOpen(t, path)
	for short, full := range map[string]string{
		"poll.(*FD).Write": "internal/poll.(*FD).Write",
		"fmtsort.Sort":     "internal/fmtsort.Sort",
		"ll.(*FD).Write":   "",
		"fmt.Println":      "", // it is the whole name
	} {
		found := f.LookupDemangled(short)
		if full == "" && len(found) > 0 || full != "" && (len(found) != 1 || found[0].Name != full) {
			t.Errorf("%s is %v, want %q", short, found, full)
		}
	}
}

func TestTellingWord(t *testing.T) {
	f := mustOpen(t, strings.TrimSpace(run(t, "gcc", "-print-file-name=libstdc++.so.6")))
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	telling := 0
	for _, s := range symbols {
		full := s.Demangled()
		if full == s.Name || s.Kind == PLT {
			continue
		}
		word := tellingWord(full)
		if word != "" {
			telling++
		}
		if !strings.Contains(s.Name, word) || !s.means(squeeze(full)) {
			t.Errorf("%s is %q, which tells %q", s.Name, full, word)
		}
	}
	if telling < 3000 {
		t.Errorf("%d names tell a word", telling)
	}
}

// FuzzDemangle translates names that no compiler made, and finds each again by
// what was made of it.
func FuzzDemangle(f *testing.F) {
	for _, s := range mustSymbols(f, build(f, "mangled.s", "-nostdlib", "-static")) {
		f.Add(s.Name)
	}
	f.Add("_Z" + strings.Repeat("P", 100) + "i")
	f.Add("_Z1fI" + strings.Repeat("S_S_", 50) + "E")
	f.Fuzz(func(t *testing.T, name string) {
		s := Symbol{Name: name}
		full := demangleTo(name)
		if !isMangled(name) {
			return
		}
		if want := squeeze(full); want != "" && !s.means(want) {
			t.Errorf("%q does not mean %q", name, full)
		}
		s.matches("*a*b?c*")
	})
}

func mustSymbols(t testing.TB, path string) []Symbol {
	t.Helper()
	symbols, err := mustOpen(t, path).Symbols()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(symbols)
}
