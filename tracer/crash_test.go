//go:build linux && amd64

package tracer

import (
	"slices"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
	"github.com/tracelark/tracelark/tracer/triage"
)

// A bug is one of those in testdata/bugs.c, and what is to be said of it.
type bug struct {
	name     string // of the bug
	class    string
	severity triage.Severity
	tags     string // those that must be there
	says     string // in the explanation
	guilty   string // how the stack begins, "" being the bug's name
}

const (
	exploitable = triage.Exploitable
	probably    = triage.ProbablyExploitable
	not         = triage.NotExploitable
)

var bugs = []bug{
	{"write_null", "DestAvNearNull", probably, "DestAvNearNull AccessViolation", "writes 8 bytes at 0x0, where nothing is mapped", ""},
	{"write_far", "DestAv", exploitable, "DestAv AccessViolation", "writes 8 bytes at 0x123456789000", ""},
	{"write_wild", "DestAv", exploitable, "DestAv", "at 0x4141414141414141, which is not canonical", ""},
	{"read_null", "SourceAvNearNull", not, "SourceAvNearNull", "reads 8 bytes at 0x0", ""},
	{"read_far", "SourceAv", not, "SourceAv", "reads 8 bytes at 0x123456789000", ""},
	{"read_wild", "SourceAv", not, "SourceAv", "at 0x4141414141414141, which is not canonical", ""},

	{"add_far", "DestAv", exploitable, "DestAv", "writes 8 bytes", ""},
	{"xchg_far", "DestAv", exploitable, "DestAv", "writes 8 bytes", ""},
	{"stos_far", "DestAv", exploitable, "DestAv", "writes a byte", ""},
	{"movs_far", "DestAv", exploitable, "DestAv BlockMoveAv", "writes a byte", ""},
	{"sse_far", "DestAv", exploitable, "DestAv", "writes 16 bytes", ""},
	{"set_far", "DestAv", exploitable, "DestAv", "writes a byte", ""},
	{"pop_far", "DestAv", exploitable, "DestAv", "writes 8 bytes", ""},
	{"cmp_far", "SourceAv", not, "SourceAv", "reads 8 bytes", ""},
	{"push_far", "SourceAv", not, "SourceAv", "reads 8 bytes", ""},
	{"test_null", "SourceAvNearNull", not, "SourceAvNearNull", "reads a byte at 0x8", ""},
	{"scas_far", "SourceAv", not, "SourceAv", "reads a byte", ""},
	{"inc_null", "DestAvNearNull", probably, "DestAvNearNull", "writes 4 bytes at 0x4", ""},
	{"fst_far", "DestAv", exploitable, "DestAv", "writes 8 bytes", ""},
	{"own_code", "DestAv", exploitable, "DestAv", "in memory that is r-xp", ""},
	{"misaligned", "AccessViolation", not, "AccessViolation", "no multiple of 16", ""},
	{"index_wild", "DestAv", exploitable, "DestAv", "is 0xfffffffffffff00", ""},
	{"stack_wild", "DestAv", exploitable, "DestAv", "rbp is 0x4141414141414141", ""},
	{"below_stack", "DestAv", exploitable, "DestAv", "writes 8 bytes", ""},

	{"bits_far", "DestAv", exploitable, "DestAv", "writes 8 bytes at 0x123456789000", ""},
	{"gather_wild", "SourceAv", not, "SourceAv", "at 0x4141414141414141, which is not canonical", ""},
	{"save_odd", "AccessViolation", not, "DestAv", "no multiple of 16", ""},
	{"checked_odd", "AccessViolation", not, "SourceAv", "reads 8 bytes at 0x", ""},
	{"flags_bad", "BadInstruction", probably, "BadInstruction", "the memory that it accesses is not the reason", ""},
	{"jump_segment", "BranchAv", exploitable, "BranchAv", "the segment that it goes to is not permitted", ""},
	{"return_segment", "ReturnAv", exploitable, "ReturnAv", "the segment that it goes to is not permitted", ""},
	{"pivot", "ReturnAv", exploitable, "SourceAv", "rbp becomes the stack pointer of a return", ""},
	{"cut_code", "SegFaultOnPc", exploitable, "SegFaultOnPc", "fff goes on at 0x", ""},

	{"taint_write", "DestAvTainted", exploitable, "SourceAv", "is the address of a write at", ""},
	{"taint_call", "CallAvTainted", exploitable, "SourceAv", "is called at", ""},
	{"taint_jump", "BranchAvTainted", exploitable, "SourceAv", "is jumped to at", ""},
	{"taint_cleared", "SourceAv", not, "SourceAv", "reads 8 bytes", ""},

	{"call_null", "SegFaultOnPcNearNull", probably, "SegFaultOnPcNearNull", "The program counter is 0x0", ""},
	{"call_far", "SegFaultOnPc", exploitable, "SegFaultOnPc", "The program counter is 0x123456789000", ""},
	{"call_data", "SegFaultOnPc", exploitable, "SegFaultOnPc", "in memory that is rw-p", ""},
	{"call_wild", "CallAv", exploitable, "BranchAv", "goes to 0x4141414141414141, which is not canonical", ""},
	{"call_memory", "CallAv", exploitable, "BranchAv", "reads 8 bytes at 0x123456789000", ""},
	{"call_memory_null", "CallAvNearNull", probably, "BranchAvNearNull", "reads 8 bytes at 0x10", ""},
	{"jump_wild", "BranchAv", exploitable, "BranchAv", "goes to 0x4141414141414141", ""},
	{"jump_memory", "BranchAv", exploitable, "BranchAv", "reads 8 bytes at 0x123456789000", ""},
	{"jump_memory_null", "BranchAvNearNull", probably, "BranchAvNearNull", "reads 8 bytes at 0x10", ""},
	{"return_wild", "ReturnAv", exploitable, "ReturnAv", "goes to 0x4141414141414141", ""},
	{"return_lost", "ReturnAv", exploitable, "ReturnAv PossibleStackCorruption", "pops 8 bytes at 0x123456789000", ""},
	{"on_stack", "SegFaultOnPc", exploitable, "SegFaultOnPc StackCodeExecution", "in memory that is rw-p ([stack])", ""},

	{"illegal", "BadInstruction", probably, "BadInstruction", "(SIGILL)", ""},
	{"privileged", "BadInstruction", probably, "BadInstruction", "is not permitted", ""},
	{"trap", "TrapSignal", not, "", "(int3)", ""},
	{"divide", "FPE", not, "FloatingPointException", "Integer division by zero", ""},
	{"bad_syscall", "BadInstruction", probably, "BadInstruction", "SIGSYS", ""},

	{"recursion", "StackOverflow", not, "StackOverflow", "below [stack]", "deep"},
	{"mutual", "StackOverflow", not, "StackOverflow", "below [stack]", "ping"},
	{"big_frame", "StackOverflow", not, "StackOverflow", "below [stack]", ""},
	{"thread_stack", "StackOverflow", not, "StackOverflow", "below the stack", "deep"},
	{"alt_stack", "StackOverflow", not, "StackOverflow", "below the stack", "deep"},

	{"smash", "StackGuard", probably, "StackBufferOverflow AbortSignal", "canary of smash", ""},
	{"fortify", "SafeFunctionCheck", not, "AbortSignal", "buffer overflow detected", ""},
	{"double_free", "HeapError", probably, "HeapError AbortSignal", "free(): double free detected in tcache 2, in a call of free in double_free", ""},
	{"bad_free", "HeapError", probably, "HeapError", "free(): invalid pointer, in a call of free in bad_free", ""},
	{"overflow", "HeapError", probably, "HeapError", "The allocator gave up", ""},
	{"top_size", "HeapError", probably, "HeapError", "malloc(): corrupted top size, in a call of malloc in top_size", ""},
	{"assertion", "AbortSignal", not, "AbortSignal", "bugs.c:", "check"},
	{"aborts", "AbortSignal", not, "AbortSignal", "abort was called in aborts", ""},
	{"killed_abort", "AbortSignal", not, "AbortSignal", "SIGABRT was sent by itself while", ""},
	{"sent_segv", "AccessViolation", not, "AccessViolation", "SIGSEGV was sent by itself while", ""},
	{"past_file", "SourceAv", not, "SourceAv", "behind the end of the file", ""},
	{"handled_segv", "DestAv", exploitable, "DestAv", "The program handled that, and was then sent SIGSEGV by itself", "write_far"},
	{"handled_wild", "SourceAv", not, "SourceAv", "at 0x4141414141414141, which is not canonical", "read_wild"},
	{"handled_call", "SegFaultOnPc", exploitable, "SegFaultOnPc", "The program counter is 0x123456789000", "call_far"},
	{"handled_abort", "DestAv", exploitable, "DestAv", "The program's own handler of SIGSEGV then ended it with SIGABRT", "write_far"},
	{"handled_divide", "FPE", not, "FloatingPointException", "is 0x0. The program's own handler of SIGFPE then", "divide"},
	{"handled_deep", "StackOverflow", not, "StackOverflow", "below [stack]", "deep"},
	{"handled_nowhere", "DestAv", exploitable, "DestAv", "pushes 8 bytes at 0x123456788ff8, where nothing is mapped. rsp is 0x123456789000. The program has a handler", ""},
	{"handled_here", "StackOverflow", not, "StackOverflow", "below [stack]", "deep"},
	{"sent_ill", "BadInstruction", probably, "BadInstruction", "SIGILL was sent by itself while", ""},
	{"sent_timer", "AccessViolation", not, "AccessViolation", "SIGSEGV was sent by a timer while", ""},
	{"quotient", "FPE", not, "FloatingPointException", "A quotient that is too large", ""},
	{"checked", "BadInstruction", probably, "BadInstruction", "-fsanitize-trap, a shift is out of bounds", ""},
	{"trapped", "BadInstruction", probably, "BadInstruction", "is one that compilers put where a program must not go on", ""},
	{"write_constant", "DestAv", exploitable, "DestAv", "in memory that is r--p", ""},
}

// TestCrash checks what is said of crashes, of the process and of its core.
func TestCrash(t *testing.T) {
	for _, level := range []string{"-O0", "-O2"} {
		path := tracertest.Build(t, "testdata/bugs.c", bugFlags(level)...)
		for _, b := range bugs {
			t.Run(b.name+level, func(t *testing.T) {
				if level == "-O0" && b.name == "fortify" {
					return // which needs the optimiser
				}
				live := crashOf(t, path, b.name, b.name == "mutual")
				b.check(t, live)
				again := crashOf(t, path, b.name, true)
				if again.Keys != live.Keys || again.Name != live.Name {
					t.Errorf("another run has %s %+v %q, the first %s %+v %q", again.Name, again.Keys, again.Trace, live.Name, live.Keys, live.Trace)
				}
				tr := newTracer(t)
				c, err := tr.OpenCore(tracertest.Core(t, path, b.name), nil)
				if err != nil {
					t.Fatal(err)
				}
				post, err := c.Crash(nil)
				if err != nil {
					t.Fatal(err)
				}
				b.check(t, post)
				if post.Keys != live.Keys || !slices.Equal(post.Trace, live.Trace) || !slices.Equal(post.Tags, live.Tags) {
					t.Errorf("the core has %q %+v %q, the process %q %+v %q", post.Tags, post.Keys, post.Trace, live.Tags, live.Keys, live.Trace)
				}
			})
		}
	}
}

func bugFlags(level string) []string {
	return []string{level, "-fstack-protector-all", "-D_FORTIFY_SOURCE=2", "-Wno-cpp", "-fno-optimize-sibling-calls", "-fcf-protection=none"}
}

func (b *bug) check(t *testing.T, c *triage.Crash) {
	t.Helper()
	if c.Name != b.class || c.Severity != b.severity || !strings.Contains(c.Explanation, b.says) {
		t.Errorf("%s (%s): %s\nwant %s (%s) ... %s", c.Name, c.Severity, c.Explanation, b.class, b.severity, b.says)
	}
	if c.Name == "StackOverflow" && slices.Contains(c.Tags, "DestAv") {
		t.Errorf("tags %q, though the write is where functions make their frames", c.Tags)
	}
	for _, tag := range strings.Fields(b.tags) {
		if !slices.Contains(c.Tags, tag) {
			t.Errorf("tags %q, want %s", c.Tags, tag)
		}
	}
	guilty := b.guilty
	if guilty == "" {
		guilty = b.name
	}
	if len(c.Trace) == 0 || !strings.HasPrefix(c.Trace[0], guilty) {
		t.Errorf("stack %q, want it to begin with %s", c.Trace, guilty)
	}
}

// crashOf runs a program to its death and looks at that.
func crashOf(t *testing.T, path, arg string, aslr bool) *triage.Crash {
	t.Helper()
	c, err := stopAt(t, path, arg, aslr).Crash(nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCrashOfMany checks that the thread that crashed is among those that are shown.
func TestCrashOfMany(t *testing.T) {
	c := crashOf(t, tracertest.Build(t, "testdata/crowd.c", "-pthread"), "", false)
	i := slices.IndexFunc(c.Threads, func(t triage.Thread) bool { return t.Crashed })
	if i < 0 || len(c.Threads) != maxOthers+1 || c.Threads[i].Stack.Frames[0].Function != "crashes" {
		t.Errorf("of %d threads, %d is said to have crashed", len(c.Threads), i)
	}
}

// stopAt runs a program to the signal that is to kill it.
func stopAt(t testing.TB, path, arg string, aslr bool) *Stop {
	t.Helper()
	tr := newTracer(t)
	p, err := tr.Launch([]string{path, arg}, &LaunchOptions{ASLR: aslr})
	if err != nil {
		t.Fatal(err)
	}
	for {
		s, err := p.Cont(nil)
		if err != nil {
			t.Fatal(err)
		}
		if s.Gone() {
			t.Fatalf("the process ended by %s", s.Reason)
		}
		if s.Fatal() {
			return s
		}
	}
}

// TestCrashEnds compares the ends of deep stacks with those of the whole stacks.
func TestCrashEnds(t *testing.T) {
	for _, level := range []string{"-O0", "-O2"} {
		path := tracertest.Build(t, "testdata/bugs.c", bugFlags(level)...)
		for _, name := range []string{"recursion", "mutual", "uneven", "thread_stack", "write_null"} {
			p := stopAt(t, path, name, false).Process
			all, allErr := p.Thread().Frames(1 << 20)
			ends := p.Thread().ends(firstFrames, lastFrames)
			if ends.Err != nil || allErr != nil {
				t.Errorf("%s%s: %v, the whole stack %v", name, level, ends.Err, allErr)
			}
			if len(ends.Frames)+ends.Elided != len(all) || ends.Elided > 0 && (ends.After != firstFrames || len(ends.Frames) != firstFrames+lastFrames) {
				t.Errorf("%s%s: %d frames and %d left out behind %d, the whole stack has %d", name, level, len(ends.Frames), ends.Elided, ends.After, len(all))
				continue
			}
			for i, f := range ends.Frames {
				g := all[f.Level]
				if i >= ends.After && i+ends.Elided != f.Level || f.PC != g.PC || f.SP != g.SP || f.CFA != g.CFA || f.Function != g.Function() {
					t.Errorf("%s%s: frame %d is %s at %#x, the whole stack has %s at %#x", name, level, i, &f, f.SP, g, g.SP)
					break
				}
			}
		}
	}
}

// BenchmarkCrash looks at a crash, and at one of a stack that is used up.
func BenchmarkCrash(b *testing.B) {
	path := tracertest.Build(b, "testdata/bugs.c", bugFlags("-O0")...)
	for _, name := range []string{"write_null", "recursion", "mutual", "uneven"} {
		b.Run(name, func(b *testing.B) {
			s := stopAt(b, path, name, false)
			for b.Loop() {
				if _, err := s.Crash(nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
