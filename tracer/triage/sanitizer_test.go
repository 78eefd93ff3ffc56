package triage

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// A sanitized is an error of testdata/errors.c, what a sanitizer says of it, and what
// class that is.
type sanitized struct {
	name, typ, access string
	size              int
	class             string
	severity          Severity
	frames            string // innermost functions: where it happened, was released, was allocated
}

var addressErrors = []sanitized{
	{"heap_write", "heap-buffer-overflow", "write", 1, "heap-buffer-overflow(write)", Exploitable, "heap_write main; ; allocate heap_write"},
	{"heap_read", "heap-buffer-overflow", "read", 4, "heap-buffer-overflow(read)", NotExploitable, "heap_read main; ; allocate heap_read"},
	{"use_after_free", "heap-use-after-free", "write", 1, "heap-use-after-free(write)", Exploitable, "use_after_free main; release use_after_free; allocate use_after_free"},
	{"read_after_free", "heap-use-after-free", "read", 1, "heap-use-after-free(read)", NotExploitable, "read_after_free main; release read_after_free; allocate read_after_free"},
	{"double_free", "double-free", "", 0, "double-free", NotExploitable, "release double_free; release double_free; allocate double_free"},
	{"bad_free", "bad-free", "", 0, "bad-free", NotExploitable, "release bad_free; ; allocate bad_free"},
	{"global_read", "global-buffer-overflow", "read", 4, "global-buffer-overflow(read)", NotExploitable, "global_read main; ; "},
	{"stack_write", "stack-buffer-overflow", "write", 1, "stack-buffer-overflow(write)", Exploitable, "stack_write main; ; "},
	{"scope", "stack-use-after-scope", "write", 1, "stack-use-after-scope(write)", Exploitable, "scope main; ; "},
	{"overlap", "param-overlap", "", 0, "param-overlap", Exploitable, "overlap main; ; "},
	{"negative", "negative-size-param", "", 0, "negative-size-param", ProbablyExploitable, "negative main; ; "},
	{"null_write", "SEGV", "write", 0, "DestAvNearNull", ProbablyExploitable, "null_write main; ; "},
	{"wild_read", "SEGV", "read", 0, "SourceAv", NotExploitable, "wild_read main; ; "},
	{"exhausted", "stack-overflow", "", 0, "StackOverflow", NotExploitable, "recursion; ; "},
	{"huge", "allocation-size-too-big", "", 0, "allocation-size-too-big", NotExploitable, "huge main; ; "},
	{"leak", "memory-leaks", "", 100, "memory-leaks", NotExploitable, "allocate leak; ; allocate leak"},
	{"aborted", "ABRT", "", 0, "AbortSignal", NotExploitable, "aborted main; ; "},
	{"calloc_overflow", "calloc-overflow", "", 0, "calloc-overflow", ProbablyExploitable, "calloc_overflow main; ; "},
	{"reallocarray_overflow", "reallocarray-overflow", "", 0, "reallocarray-overflow", ProbablyExploitable, "reallocarray_overflow main; ; "},
	{"pvalloc_overflow", "pvalloc-overflow", "", 0, "pvalloc-overflow", ProbablyExploitable, "pvalloc_overflow main; ; "},
	{"aligned", "invalid-aligned-alloc-alignment", "", 0, "invalid-aligned-alloc-alignment", NotExploitable, "aligned main; ; "},
	{"posix_aligned", "invalid-posix-memalign-alignment", "", 0, "invalid-posix-memalign-alignment", NotExploitable, "posix_aligned main; ; "},
	{"memory_aligned", "invalid-allocation-alignment", "", 0, "invalid-allocation-alignment", NotExploitable, "memory_aligned main; ; "},
	{"usable", "bad-malloc_usable_size", "", 0, "bad-malloc_usable_size", NotExploitable, "usable main; ; "},
	{"dynamic", "dynamic-stack-buffer-overflow", "write", 1, "dynamic-stack-buffer-overflow(write)", Exploitable, "dynamic main; ; "},
	{"returned", "stack-use-after-return", "write", 4, "stack-use-after-return(write)", Exploitable, "returned main; ; "},
	{"poison", "use-after-poison", "read", 1, "use-after-poison", ProbablyExploitable, "poison main; ; allocate poison"},
}

var undefinedErrors = []sanitized{
	{"overflow", "signed-integer-overflow", "", 0, "signed-integer-overflow", NotExploitable, ""},
	{"shift", "shift-exponent", "", 0, "shift-exponent", NotExploitable, ""},
	{"divide", "division-by-zero", "", 0, "FPE", NotExploitable, ""},
	{"bounds", "index-out-of-bounds", "", 0, "index-out-of-bounds", NotExploitable, ""},
	{"misaligned", "misaligned-pointer-use", "read", 0, "misaligned-pointer-use", NotExploitable, ""},
	{"null_load", "null-pointer-use", "read", 0, "null-pointer-use", NotExploitable, ""},
}

var taggedErrors = []sanitized{
	{"use_after_free", "heap-use-after-free", "write", 1, "heap-use-after-free(write)", Exploitable, "use_after_free main; release use_after_free; allocate use_after_free"},
	{"read_after_free", "heap-use-after-free", "read", 1, "heap-use-after-free(read)", NotExploitable, "read_after_free main; release read_after_free; allocate read_after_free"},
	{"heap_read", "heap-buffer-overflow", "read", 4, "heap-buffer-overflow(read)", NotExploitable, "heap_read main; ; allocate heap_read"},
	{"heap_write", "heap-buffer-overflow", "write", 1, "heap-buffer-overflow(write)", Exploitable, "heap_write main; ; allocate heap_write"},
	{"double_free", "double-free", "", 0, "double-free", NotExploitable, "release double_free; release double_free; allocate double_free"},
	{"null_write", "SEGV", "write", 0, "DestAvNearNull", ProbablyExploitable, "null_write main; ; "},
	{"huge", "allocation-size-too-big", "", 0, "allocation-size-too-big", NotExploitable, "huge main; ; "},
}

// TestSanitizers checks what is said of the reports of real runs.
func TestSanitizers(t *testing.T) {
	for _, c := range []struct {
		tool, compiler, flag, options string
		errors                        []sanitized
		more                          []string // flags
	}{
		{"asan", "gcc", "address", "handle_abort=1:detect_stack_use_after_return=1:detect_leaks=1", addressErrors, nil},
		{"asan", "clang", "address", "handle_abort=1:detect_stack_use_after_return=1:detect_leaks=1", addressErrors, nil},
		{"ubsan", "gcc", "undefined", "print_stacktrace=1", undefinedErrors, nil},
		{"ubsan", "clang", "undefined", "print_stacktrace=0", undefinedErrors, nil},
		{"tsan", "gcc", "thread", "", []sanitized{{"race", "data-race", "", 4, "data-race", NotExploitable, "racer"}}, nil},
		{"tsan", "clang", "thread", "", []sanitized{{"race", "data-race", "", 4, "data-race", NotExploitable, "racer"}}, nil},
		{"msan", "clang", "memory", "", []sanitized{{"uninitialized", "use-of-uninitialized-value", "", 0, "use-of-uninitialized-value", NotExploitable, "uninitialized main"}}, nil},
		{"hwasan", "clang", "hwaddress", "", taggedErrors, []string{"-fsanitize-hwaddress-experimental-aliasing"}}, // of the heap alone, as x86-64 has no tags
	} {
		program := compile(t, c.compiler, append([]string{"-fsanitize=" + c.flag}, c.more...)...)
		for _, want := range c.errors {
			t.Run(c.tool+" "+c.compiler+" "+want.name, func(t *testing.T) {
				text := run(t, program, want.name, c.options)
				r := ParseReport(text)
				if r == nil {
					t.Fatalf("no report in\n%s", text)
				}
				tool := c.tool
				if want.name == "leak" {
					tool = "lsan"
				}
				access := r.Access
				if tool == "tsan" {
					access = "" // either thread may come first
				}
				if r.Tool != tool || r.Type != want.typ || access != want.access || r.Size != want.size || r.Summary == "" {
					t.Errorf("%s %s %q size %d summary %q, want %s %s %q size %d of\n%s", r.Tool, r.Type, access, r.Size, r.Summary, tool, want.typ, want.access, want.size, text)
				}
				if strings.Contains(want.class, "(") != r.HasAddr && want.access != "" && tool == "asan" {
					if !strings.HasSuffix(want.class, "Av") && !strings.HasSuffix(want.class, "NearNull") && want.class != "use-after-poison" {
						t.Errorf("address %#x, %t, of\n%s", r.Addr, r.HasAddr, text)
					}
				}
				for i, functions := range strings.Split(want.frames, ";") {
					frames := [][]Frame{r.Frames, r.Freed, r.Alloc}[i]
					if got := innermost(frames); !slices.Equal(got[:min(len(got), len(strings.Fields(functions)))], strings.Fields(functions)) || strings.TrimSpace(functions) == "" && len(want.frames) > 0 && len(frames) > 0 {
						t.Errorf("stack %d is %q, want %q, of\n%s", i, got, functions, text)
					}
				}
				crash, err := FromOutput(text, nil)
				if err != nil || crash == nil {
					t.Fatalf("no crash: %v", err)
				}
				if crash.Name != want.class || crash.Severity != want.severity || !strings.Contains(crash.Explanation, c.tool) && tool == c.tool {
					t.Errorf("%s (%s): %s, want %s (%s)", crash.Name, crash.Severity, crash.Explanation, want.class, want.severity)
				}
				if len(crash.Trace) == 0 || !strings.Contains(crash.Trace[0], "errors.c:") {
					t.Errorf("stack %q", crash.Trace)
				}
			})
		}
	}
}

// TestAllocators checks what is said of the reports of hardened allocators, of real runs.
func TestAllocators(t *testing.T) {
	program := compile(t, "clang", "-fsanitize=scudo")
	for name, want := range map[string]struct {
		tool, class  string
		severity     Severity
		freed, alloc bool
	}{
		"double_free":     {"scudo", "double-free", NotExploitable, false, false},
		"bad_free":        {"scudo", "bad-free", NotExploitable, false, false},
		"spoiled":         {"scudo", "HeapError", ProbablyExploitable, false, false},
		"calloc_overflow": {"scudo", "calloc-overflow", ProbablyExploitable, false, false},
		"use_after_free":  {"gwp-asan", "heap-use-after-free", ProbablyExploitable, true, true},
		"outside":         {"gwp-asan", "heap-buffer-overflow", ProbablyExploitable, false, true},
	} {
		options := map[string]string{"scudo": "GWP_ASAN_OPTIONS=Enabled=0", "gwp-asan": "GWP_ASAN_OPTIONS=Enabled=1:SampleRate=1"}
		cmd := exec.Command(program, name)
		cmd.Env = append(os.Environ(), options[want.tool], "SCUDO_OPTIONS=dealloc_type_mismatch=1")
		text, err := cmd.CombinedOutput()
		if err == nil {
			t.Fatalf("%s: no error in\n%s", name, text)
		}
		c, err := FromOutput(string(text), nil)
		if err != nil || c == nil || c.Name != want.class || c.Severity != want.severity || c.Sanitizer.Tool != want.tool {
			t.Errorf("%s is %+v, %v, want %s of\n%s", name, c, err, want.class, text)
			continue
		}
		in := func(frames []Frame, function string) bool {
			return slices.ContainsFunc(frames, func(f Frame) bool { return f.Function == function })
		}
		if r := c.Sanitizer; in(r.Freed, "release") != want.freed || in(r.Alloc, "allocate") != want.alloc {
			t.Errorf("%s was released in %+v, allocated in %+v, of\n%s", name, r.Freed, r.Alloc, text)
		}
	}
}

// TestLibFuzzer checks what is said of the errors that libFuzzer finds itself, of real runs.
func TestLibFuzzer(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "fuzzed")
	if out, err := exec.Command(tracertest.Tool(t, "clang++"), "-g", "-fsanitize=fuzzer", "-o", program, "testdata/fuzzed.cc").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for does, want := range map[string]struct {
		class    string
		severity Severity
		stack    bool // it is the target's
	}{
		"T": {"timeout", NotExploitable, true}, "O": {"out-of-memory", NotExploitable, false}, "E": {"fuzz target exited", NotExploitable, true},
		"W": {"overwrites-const-input", ProbablyExploitable, false}, "A": {"AbortSignal", NotExploitable, true},
	} {
		input := filepath.Join(dir, does)
		if err := os.WriteFile(input, []byte(does), 0o666); err != nil {
			t.Fatal(err)
		}
		limit := "-timeout=60"
		if does == "T" {
			limit = "-timeout=1"
		}
		cmd := exec.Command(program, limit, "-rss_limit_mb=200", input)
		cmd.Dir = dir
		text, err := cmd.CombinedOutput()
		if err == nil {
			t.Fatalf("%s: no error in\n%s", does, text)
		}
		c, err := FromOutput(string(text), nil)
		if err != nil || c == nil || c.Name != want.class || c.Severity != want.severity || c.Sanitizer.Tool != "libfuzzer" {
			t.Errorf("%s is %+v, %v, want %s of\n%s", does, c, err, want.class, text)
		} else if want.stack && !strings.HasPrefix(c.Trace[0], "LLVMFuzzerTestOneInput at fuzzed.cc:") {
			t.Errorf("%s has the stack %q", does, c.Trace)
		}
	}
}

// innermost returns the functions of a stack that are the program's own.
func innermost(frames []Frame) (names []string) {
	for _, f := range frames {
		if strings.HasSuffix(f.File, "errors.c") {
			names = append(names, f.Function)
		}
	}
	return names
}

// compile returns the path of testdata/errors.c as a compiler makes it.
func compile(t *testing.T, compiler string, flags ...string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "errors")
	args := append([]string{"-g", "-O0", "-fno-omit-frame-pointer", "-pthread", "-w", "-o", program, "testdata/errors.c"}, flags...)
	if out, err := exec.Command(tracertest.Tool(t, compiler), args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", compiler, strings.Join(args, " "), err, out)
	}
	return program
}

// run returns what a program writes to its standard error.
func run(t *testing.T, program, arg, options string) string {
	t.Helper()
	cmd := exec.Command(program, arg)
	var text strings.Builder
	cmd.Stderr = &text
	symbolizer, _ := exec.LookPath("llvm-symbolizer")
	cmd.Env = append(os.Environ(), "ASAN_OPTIONS="+options, "UBSAN_OPTIONS="+options, "ASAN_SYMBOLIZER_PATH="+symbolizer)
	cmd.Run() // which fails, or does not, as the sanitizer has it
	return text.String()
}

// FuzzParseReport checks that any text has a report that can be shown, or none.
func FuzzParseReport(f *testing.F) {
	files, _ := filepath.Glob("testdata/reports/*.txt")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := ParseReport(text)
		if r == nil {
			return
		}
		if r.Tool == "" || r.Type == "" || len(r.Frames) > maxStack+1 || len(r.Text) > maxLines {
			t.Errorf("%+v", r)
		}
		c, err := FromOutput(text, nil)
		if err != nil || c == nil || c.Name == "" || c.Severity == "" {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

// TestReports checks what is said of reports as other versions write them, and of those of the
// programs that stand beside them.
func TestReports(t *testing.T) {
	for _, c := range []struct {
		file, tool, typ, class, access string
		size                           int
		trace                          []string
		alloc                          int
	}{
		{"libfuzzer", "asan", "heap-buffer-overflow", "heap-buffer-overflow(read)", "read", 8, []string{
			"parse::(anonymous namespace)::next(std::vector<long, std::allocator<long> > const&, int) at parse.cc:11:81", "LLVMFuzzerTestOneInput at parse.cc:21:11"}, 16},
		{"hwasan", "hwasan", "heap-use-after-free", "heap-use-after-free(read)", "read", 1, []string{"main at use.c:7:9"}, 4},
		{"nested", "asan", "SEGV", "SourceAv", "read", 0, []string{"load at nest.c:8:62", "main at nest.c:13:9"}, 0},
		{"called_null", "asan", "SEGV", "SegFaultOnPcNearNull", "read", 0, []string{"main at call.c:10:9"}, 0},
		{"thread_leak", "tsan", "thread-leak", "thread-leak", "", 0, []string{"main at leak.c:12:24"}, 0},
		{"thread_null", "tsan", "SEGV", "DestAvNearNull", "write", 0, []string{"wr at null.c:2:65", "main at null.c:5:2"}, 0},
	} {
		text, err := os.ReadFile("testdata/reports/" + c.file + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		r := ParseReport(string(text))
		crash, err := FromOutput(string(text), nil)
		if r == nil || err != nil {
			t.Fatalf("%s: %v, %v", c.file, r, err)
		}
		if r.Tool != c.tool || r.Type != c.typ || crash.Name != c.class || r.Access != c.access || r.Size != c.size || len(r.Alloc) != c.alloc || !slices.Equal(crash.Trace, c.trace) {
			t.Errorf("%s: %+v, stack %q", c.file, r, crash.Trace)
		}
	}
	// What stands in front of a report in its line, and the colours of a terminal, are not its own.
	for _, text := range []string{
		"reading ... ==7==WARNING: MemorySanitizer: use-of-uninitialized-value\n    #0 0x10 in parse a.c:3:4\n",
		"\x1b[1m\x1b[31m==7==WARNING: MemorySanitizer: use-of-uninitialized-value\x1b[1m\x1b[0m\n    #0 0x10 in \x1b[1mparse\x1b[0m a.c:3:4\n",
	} {
		if r := ParseReport(text); r == nil || r.Text[0] != "==7==WARNING: MemorySanitizer: use-of-uninitialized-value" || len(r.Frames) != 1 || r.Frames[0].Function != "parse" {
			t.Errorf("%q: %+v", text, r)
		}
	}
	// Of several reports, that of the process counts.
	others := "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1 at pc 0x1\n    #0 0x1 in f a.c:1\n"
	e := &Event{PID: 22, Output: others + "==22==ERROR: AddressSanitizer: heap-use-after-free on address 0x1 at pc 0x1\n    #0 0x1 in g a.c:2\n"}
	x := &examination{Event: e}
	if r := x.reportOf(e); r == nil || r.Type != "heap-use-after-free" {
		t.Errorf("%+v", r)
	}
	e.PID = 333 // in another namespace
	if r := x.reportOf(e); r == nil || r.Type != "heap-buffer-overflow" {
		t.Errorf("%+v", r)
	}
	e.Signal, e.Code = int(unix.SIGSEGV), 1 // of a program without the sanitizer
	if r := x.reportOf(e); r != nil {
		t.Errorf("%+v", r)
	}
	for text, want := range map[string]string{
		"signed integer overflow: 1 + 2147483647 cannot be represented in type 'int'":                                          "signed-integer-overflow",
		"unsigned integer overflow: 4294967295 + 1 cannot be represented in type 'unsigned int'":                               "unsigned-integer-overflow",
		"negation of 5 cannot be represented in type 'uint32_t' (aka 'unsigned int')":                                          "unsigned-integer-overflow",
		"negation of -2147483648 cannot be represented in type 'int'; cast to an unsigned type to negate this value to itself": "signed-integer-overflow",
	} {
		if r := ParseReport("a.c:3:4: runtime error: " + text + "\n"); r == nil || r.Type != want {
			t.Errorf("%s: %+v, want %s", text, r, want)
		}
	}
	const object = "==1==ERROR: AddressSanitizer: SEGV on unknown address 0x1 (pc 0x1 bp 0x2 sp 0x3 T0)\n" +
		"    #0 0x1 in printf_common(void*, char const*) asan_interceptors.cpp.o\n    #1 0x2 in main a.c:3:4\n"
	if c, err := FromOutput(object, nil); err != nil || !slices.Equal(c.Trace, []string{"main at a.c:3:4"}) || c.Sanitizer.Frames[0].Function != "printf_common(void*, char const*)" {
		t.Errorf("%+v, %v", c, err)
	}
	const shift = "shift exponent 40 is too large for 32-bit type 'int'"
	if c, err := FromOutput("a.c:3:4: runtime error: "+shift+"\nSUMMARY: UndefinedBehaviorSanitizer: undefined-behavior a.c:3:4 in \n", nil); err != nil || c.Description != shift {
		t.Errorf("%+v, %v", c, err)
	}
	if c, err := FromOutput("AddressSanitizer:DEADLYSIGNAL\nAddressSanitizer: nested bug in the same thread, aborting.\n", nil); err != nil || c == nil || c.Name != "unknown-crash" {
		t.Errorf("without a report: %+v, %v", c, err)
	}
	for _, text := range []string{"", "ERROR", "==1==ERROR: AddressSanitizer: nested bug in the same thread", "Sanitizer", "a.c:3: runtime warning: x"} {
		if r := ParseReport(text); r != nil {
			t.Errorf("%q: %+v", text, r)
		}
	}
}

// TestPanics checks what is said of the panics that Rust and Go print.
func TestPanics(t *testing.T) {
	for text, want := range map[string][2]string{
		"thread 'main' panicked at src/main.rs:6:9:\nindex out of bounds: the len is 0 but the index is 10\nnote: run with": {"RustPanic", "index out of bounds: the len is 0 but the index is 10"},
		"thread '<unnamed>' (4242) panicked at src/main.rs:6:9:\ncalled `Option::unwrap()` on a `None` value\n":             {"RustPanic", "called `Option::unwrap()` on a `None` value"},
		"thread 'main' panicked at 'no such key', src/main.rs:6:9\n":                                                        {"RustPanic", "no such key"},
		"panic: runtime error: slice bounds out of range [5:3]\n\ngoroutine 1 [running]:\nmain.f()\n":                       {"GoPanic", "runtime error: slice bounds out of range [5:3]"},
		"fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1 [chan receive]:\nmain.f()\n":                     {"GoPanic", "all goroutines are asleep - deadlock!"},
	} {
		c, err := FromOutput(text, nil)
		if err != nil || c == nil || c.Name != want[0] || c.Message != want[1] || c.Severity != NotExploitable || !strings.Contains(c.Explanation, want[1]) {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
	if c, err := FromOutput("don't panic: all is well\n", nil); c != nil || err != nil {
		t.Errorf("%+v, %v", c, err)
	}
}

// TestTagsOfReports checks the rules where a sanitizer's report is all there is.
func TestTagsOfReports(t *testing.T) {
	for _, c := range []struct{ report, class, tag string }{
		{"SEGV on unknown address 0x123456789000 (pc 0x123456789000 bp 0x7ffe sp 0x7ffe T0)\n==1==The signal is caused by a READ memory access.", "SegFaultOnPc", "SegFaultOnPc"},
		{"SEGV on unknown address 0x000000000000 (pc 0x000000000000 bp 0x7ffe sp 0x7ffe T0)\n==1==Hint: pc points to the zero page.\n==1==The signal is caused by a READ memory access.", "SegFaultOnPcNearNull", "SegFaultOnPcNearNull"},
		{"SEGV on unknown address 0x000000000010 (pc 0x401000 bp 0x7ffe sp 0x7ffe T0)\n==1==The signal is caused by a WRITE memory access.", "DestAvNearNull", "DestAvNearNull"},
		{"SEGV on unknown address 0x123456789000 (pc 0x401000 bp 0x7ffe sp 0x7ffe T0)\n==1==The signal is caused by a READ memory access.", "SourceAv", "SourceAv"},
	} {
		crash, err := FromOutput("==1==ERROR: AddressSanitizer: "+c.report+"\n", nil)
		if err != nil {
			t.Fatal(err)
		}
		if crash.Name != c.class || !slices.Equal(crash.Tags, []string{c.tag}) || !slices.Equal(crash.Trace, []string{"??"}) {
			t.Errorf("%s: %s, tags %q, stack %q, want %s, %s", c.report, crash.Name, crash.Tags, crash.Trace, c.class, c.tag)
		}
	}
}
