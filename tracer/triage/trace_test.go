package triage

import (
	"slices"
	"strings"
	"testing"
)

// stackOf returns a stack of functions, of which each word is one: name, or name@file.
func stackOf(words string) Stack {
	var s Stack
	for i, word := range strings.Fields(words) {
		name, file, _ := strings.Cut(word, "@")
		s.Frames = append(s.Frames, Frame{Level: i, Function: name, File: file})
	}
	return s
}

func names(frames []Frame) string {
	var list []string
	for i := range frames {
		list = append(list, frames[i].Function)
	}
	return strings.Join(list, " ")
}

func TestTrace(t *testing.T) {
	for _, c := range []struct{ stack, want string }{
		{"f g main", "f g main"},
		{"__GI_raise abort __assert_fail f main __libc_start_call_main __libc_start_main _start", "f main"},
		{"__memcpy_avx_unaligned_erms f main", "f main"},
		{"__memmove_chk_avx512_no_vzeroupper __strcasecmp_l_avx2_rtm __strtok_r strchr_sse2_no_bsf __rust_alloc_zeroed f main", "f main"},
		{"strdup_escaped memcpy_ring rust_parse main", "strdup_escaped memcpy_ring rust_parse main"},
		{"f main start before", "f main"}, // what has no name in a stripped program
		{"__interceptor_free f main", "f main"},
		{"std::vector<int>::at(unsigned_long) f main", "f main"},
		{"core::panicking::panic_fmt rust_begin_unwind f main", "f main"},
		{"runtime.gopanic main.f main.main runtime.main runtime.goexit", "main.f main.main"},
		{"f LLVMFuzzerTestOneInput fuzzer::Fuzzer::ExecuteCallback main", "f LLVMFuzzerTestOneInput"},
		{"x@./malloc/malloc.c f@/src/malloc/malloc.c main", "f main"},
		{"start memory strange debug_read", "start memory strange debug_read"},
		{"abort raise", "abort raise"}, // rather than nothing
		{"f f f g main", "f g main"},
		{"f g f g f g h main", "f g h main"},
		{"a b c b c d b c b c d main", "a b c d main"},
		{"f g f main", "f g f main"},
	} {
		if got := names(own().trace(stackOf(c.stack), false)); got != c.want {
			t.Errorf("%s: %s, want %s", c.stack, got, c.want)
		}
	}
}

// TestTraceOfRecursion checks that where a recursion ends, and how many frames of it
// are left out, does not matter.
func TestTraceOfRecursion(t *testing.T) {
	round := []string{"list", "item", "value"}
	want := "item value list main"
	for depth := 200; depth < 210; depth++ {
		for first := range 3 {
			var words []string
			for i := range depth {
				words = append(words, round[(i+first)%3])
			}
			whole := stackOf("memset " + strings.Join(words, " ") + " main")
			if got := own().trace(whole, true); names(got) != want {
				t.Errorf("%d frames from %s: %s, want %s", depth, round[first], names(got), want)
			}
			// The middle is left out.
			ends := Stack{Frames: slices.Concat(whole.Frames[:60], whole.Frames[len(whole.Frames)-30:]), After: 60, Elided: len(whole.Frames) - 90}
			for _, exhausted := range []bool{false, true} {
				if a, b := names(own().trace(ends, exhausted)), names(own().trace(whole, exhausted)); a != b {
					t.Errorf("%d frames from %s: the ends have %s, the whole stack %s", depth, round[first], a, b)
				}
			}
		}
	}
}

func TestPatterns(t *testing.T) {
	for text, want := range map[string]string{
		"variable x": `line 1: "variable" is no kind of pattern, want function, file or image`,
		"\nfunction": "line 2: the pattern for a function is empty",
		"file (":     "line 1: error parsing regexp: missing closing ): `^(?:()$`",
	} {
		if _, err := ParsePatterns(text); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestClasses checks that the table has CASR's 75 classes, and two of panics.
func TestClasses(t *testing.T) {
	count := make(map[Severity]int)
	seen := make(map[string]bool)
	for _, c := range classes {
		if seen[c.name] || c.description == "" {
			t.Errorf("%s is there twice, or says nothing", c.name)
		}
		seen[c.name] = true
		if !strings.HasSuffix(c.name, "Panic") {
			count[c.severity]++
		}
	}
	if count[Exploitable] != 18 || count[ProbablyExploitable] != 22 || count[NotExploitable] != 34 || count[Undefined] != 1 {
		t.Errorf("%v", count)
	}
}
