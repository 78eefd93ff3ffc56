package image

import (
	"hash/maphash"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/ianlancetaylor/demangle"
)

// This file translates the names that compilers of C++ and Rust give to linkers.
// Nothing is translated before somebody asks, and to look a name up only the few
// symbols are that have its words.

// Demangled returns the name as its language writes it, such as
// "ns::parse(char const*)", which is Name itself in C.
func (s *Symbol) Demangled() string { return demangled(s.Name).full }

// Function returns the name as Demangled does, without parameters and what a
// compiler made of the function ("[clone .isra.0]").
func (s *Symbol) Function() string { return demangled(s.Name).function }

type demangledName struct {
	name           string
	full, function string
}

// demangledNames remembers names by a hash. One takes the slot of another, which then
// takes that beside it, so that the cache stays small and needs no lock.
var (
	demangledNames [1 << 12]atomic.Pointer[demangledName]
	demangledSeed  = maphash.MakeSeed()
)

func demangled(name string) demangledName {
	if !isMangled(name) {
		return demangledName{name, name, name}
	}
	i := maphash.String(demangledSeed, name) % uint64(len(demangledNames))
	slot, second := &demangledNames[i], &demangledNames[i^1]
	last := slot.Load()
	if last != nil && last.name == name {
		return *last
	}
	if d := second.Load(); d != nil && d.name == name {
		return *d
	}
	stem, suffix := name, ""
	if s, ok := strings.CutSuffix(name, pltSuffix); ok {
		stem, suffix = s, pltSuffix
	}
	d := &demangledName{name, demangleTo(stem) + suffix, demangleTo(stem, demangle.NoParams) + suffix}
	second.Store(last)
	slot.Store(d)
	return *d
}

// maxMangled limits the names that are translated: that recurses, and a hostile
// name may be nothing but nesting.
const maxMangled = 1 << 14

// isMangled reports whether name may have been mangled (Itanium C++ ABI 5.1.2;
// Rust RFC 2603).
func isMangled(name string) bool {
	return len(name) > 2 && name[0] == '_' && (name[1] == 'Z' || name[1] == 'R') && len(name) <= maxMangled
}

func demangleTo(name string, options ...demangle.Option) string {
	return demangle.Filter(name, append(options, demangle.MaxLength(16))...)
}

// LookupDemangled returns the symbols that a name in C++ or Rust means, in the
// order of Symbols: "ns::Class::method" with or without parameters, with or
// without the arguments of templates, and without any of its qualifiers, as gdb
// takes it. In Go it is a name without the path before its package, "http.Get" for
// net/http.Get.
func (f *File) LookupDemangled(name string) []Symbol {
	t, _ := f.symbols()
	if f.section(".gopclntab") != nil && strings.Contains(name, ".") {
		return slices.DeleteFunc(slices.Clone(t.symbols), func(s Symbol) bool {
			path, ok := strings.CutSuffix(s.Name, name)
			return !ok || !strings.HasSuffix(path, "/") || strings.ContainsAny(path, "[(") || s.Kind == PLT
		})
	}
	want := squeeze(name)
	if want == "" {
		return nil
	}
	word := tellingWord(name)
	var found []Symbol
	for _, i := range t.mangled() {
		s := &t.symbols[i]
		if strings.Contains(s.Name, word) && s.means(want) {
			found = append(found, *s)
		}
	}
	return found
}

// means reports whether s is what name, which has been squeezed, stands for.
func (s *Symbol) means(name string) bool {
	full := demangleTo(s.Name)
	if squeeze(full) == name {
		return true
	}
	// Parts of functions, virtual tables, thunks and guards have names of their
	// own, which end in those of others.
	if strings.Contains(s.Name, ".cold") || strings.HasPrefix(s.Name, "_ZT") || strings.HasPrefix(s.Name, "_ZG") {
		return false
	}
	function := demangleTo(s.Name, demangle.NoParams)
	forms := []string{function, demangleTo(s.Name, demangle.NoParams, demangle.NoTemplateParams)}
	if i := strings.Index(full, function+"("); i >= 0 { // behind the type of a template's result
		params := full[i:]
		params, _, _ = strings.Cut(params, " [clone ")
		forms = append(forms, params, strings.TrimSuffix(params, " const"))
	}
	for _, form := range forms {
		if outer, ok := strings.CutSuffix(squeeze(form), name); ok && (outer == "" || strings.HasSuffix(outer, "::")) {
			return true
		}
	}
	return false
}

// matches reports whether the demangled name matches pattern, with its parameters
// or without.
func (s *Symbol) matches(pattern string) bool {
	return match(pattern, demangleTo(s.Name)) || match(pattern, demangleTo(s.Name, demangle.NoParams))
}

// findMangled returns the indexes of the symbols whose names can be demangled. A
// stub is not looked for by a name that it shares with its function.
func findMangled(symbols []Symbol) []int32 {
	var found []int32
	for i := range symbols {
		if isMangled(symbols[i].Name) && symbols[i].Kind != PLT {
			found = append(found, int32(i))
		}
	}
	return found
}

// squeeze removes the spaces that do not divide words: "> >" and ">>" are the
// same.
func squeeze(name string) string {
	if !strings.Contains(name, " ") {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		if name[i] == ' ' && !(i > 0 && i+1 < len(name) && isWord(name[i-1]) && isWord(name[i+1])) {
			continue
		}
		b.WriteByte(name[i])
	}
	return b.String()
}

func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}

// tellingWord returns the longest word in name that a mangled name must spell to
// mean it, or "".
func tellingWord(name string) string {
	longest := ""
	for _, word := range strings.FieldsFunc(name, func(r rune) bool { return r >= 0x80 || !isWord(byte(r)) }) {
		if len(word) > len(longest) && !('0' <= word[0] && word[0] <= '9') && !strings.Contains(unspelled, word) {
			longest = word
		}
	}
	return longest
}

// unspelled has the words of demangled names that mangled ones have codes for.
const unspelled = `
	void wchar_t bool char signed unsigned short int long __int128 float double __float128 half auto decltype nullptr_t
	decimal32 decimal64 decimal128 char8_t char16_t char32_t _Float16 _Float32 _Float64 _Float128 bfloat16_t std
	allocator basic_string string char_traits basic_istream basic_ostream basic_iostream istream ostream iostream
	anonymous namespace lambda unnamed type structured binding block invoke requires concept module
	vtable VTT for typeinfo name guard variable reference temporary construction in hidden alias transaction clone
	non virtual thunk covariant return to thread local wrapper routine init function initialization
	template parameter object inheriting constructor destructor array java resource
	operator new delete co_await sizeof alignof typeid throw dynamic_cast static_cast const_cast reinterpret_cast noexcept
	const volatile restrict _Complex _Imaginary complex imaginary this true false enable_if typename global constructors
	destructors keyed literal default arg unsized extern unsafe fn dyn as impl mut str closure shim
	abi alloc_token friend __uuidof __vector __alignof__ _Accum _Fract _Sat _BitInt transaction_safe pixel boolean
	constraint string before pack expansion cv field with special substitution unknown value vendor version
	u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize f16 f32 f64 f128 `
