package debuginfo

import (
	"slices"
	"testing"
)

func TestSpellings(t *testing.T) {
	for name, want := range map[string][]string{
		"std::array<long, 4ul>":       {"std::array<long int, 4>", "std::array<long, 4UL>"},
		"box<unsigned long, short>":   {"box<long unsigned int, short int>"},
		"a::long4<int, b<char>, -1l>": {"a::long4<int, b<char>, -1>", "a::long4<int, b<char>, -1L>"},
		"box<unsigned long long*>":    {"box<long long unsigned int*>"},
		"box<int>":                    {},
		"long":                        nil,
		"box<long ":                   {"box<long int "},
	} {
		if got := spellings(name); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
