package triage

import (
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// A rule is one of exploitable's, of which all that hold are tags.
type rule struct {
	name  string
	holds func(x *examination, name string, r *Report) bool
}

// rules are in exploitable's order, from the worst on.
var rules = []rule{
	{"ReturnAv", func(x *examination, _ string, _ *Report) bool { return x.violation() && x.kind() == disasm.Return }},
	{"UseAfterFree", func(_ *examination, _ string, r *Report) bool {
		return r != nil && strings.Contains(r.Type, "use-after-free")
	}},
	{"SegFaultOnPc", func(x *examination, name string, r *Report) bool {
		return x.faulted("execute", false) || x.told(r, name, "execute", false)
	}},
	{"BranchAv", func(x *examination, _ string, _ *Report) bool { return x.branched(false) }},
	{"StackCodeExecution", func(x *examination, _ string, _ *Report) bool {
		m := x.mapping(x.pc)
		return m != nil && m.Path == "[stack]" && !x.benign()
	}},
	{"StackBufferOverflow", func(_ *examination, name string, r *Report) bool {
		return name == "StackGuard" || r != nil && strings.HasPrefix(r.Type, "stack-buffer-overflow")
	}},
	{"PossibleStackCorruption", func(x *examination, name string, r *Report) bool {
		return r == nil && name != "StackOverflow" && !strings.HasSuffix(name, "Panic") && x.corrupt()
	}},
	{"DestAv", func(x *examination, name string, r *Report) bool {
		return x.faulted("write", false) && name != "StackOverflow" || x.told(r, name, "write", false)
	}},
	{"BadInstruction", func(x *examination, name string, _ *Report) bool { return name == "BadInstruction" }},
	{"HeapError", func(x *examination, name string, r *Report) bool {
		if r != nil {
			return slices.Contains([]string{"double-free", "bad-free", "alloc-dealloc-mismatch", "unknown-crash"}, r.Type)
		}
		return name == "HeapError" || x.violation() && x.allocating()
	}},
	{"StackOverflow", func(_ *examination, name string, _ *Report) bool { return name == "StackOverflow" }},
	{"SegFaultOnPcNearNull", func(x *examination, name string, r *Report) bool {
		return x.faulted("execute", true) || x.told(r, name, "execute", true)
	}},
	{"BranchAvNearNull", func(x *examination, _ string, _ *Report) bool { return x.branched(true) }},
	{"BlockMoveAv", func(x *examination, _ string, _ *Report) bool { return x.violation() && x.blockMove() }},
	{"DestAvNearNull", func(x *examination, name string, r *Report) bool {
		return x.faulted("write", true) || x.told(r, name, "write", true)
	}},
	{"SourceAvNearNull", func(x *examination, name string, r *Report) bool {
		return x.faulted("read", true) || x.told(r, name, "read", true)
	}},
	{"FloatingPointException", func(x *examination, _ string, _ *Report) bool { return unix.Signal(x.Signal) == unix.SIGFPE }},
	{"BenignSignal", func(x *examination, _ string, _ *Report) bool { return x.benign() }},
	{"SourceAv", func(x *examination, name string, r *Report) bool {
		return x.faulted("read", false) || x.told(r, name, "read", false)
	}},
	{"AbortSignal", func(x *examination, _ string, _ *Report) bool { return unix.Signal(x.Signal) == unix.SIGABRT }},
	{"AccessViolation", func(x *examination, _ string, _ *Report) bool {
		sig := unix.Signal(x.Signal)
		return sig == unix.SIGSEGV || sig == unix.SIGBUS
	}},
	{"UncategorizedSignal", func(x *examination, name string, r *Report) bool {
		return x.Signal != 0 && name == "Undefined" && r == nil
	}},
}

// tags returns the names of the rules that hold.
func (x *examination) tags(name string, r *Report) []string {
	tags := make([]string, 0, 4)
	for i := range rules {
		if rules[i].holds(x, name, r) {
			tags = append(tags, rules[i].name)
		}
	}
	return tags
}

func (x *examination) kind() disasm.Kind {
	if x.inst == nil {
		return disasm.Other
	}
	return x.inst.Kind
}

// faulted reports whether the fault is of a kind, near the null pointer or not.
func (x *examination) faulted(access string, near bool) bool {
	return x.fault != nil && x.fault.Access == access && x.fault.NearNull == near
}

// told reports whether a sanitizer tells of such a fault, which is all that is known of it.
func (x *examination) told(r *Report, name, access string, near bool) bool {
	if x.fault != nil || r == nil {
		return false
	}
	is := r.Access
	if strings.HasPrefix(name, "SegFaultOnPc") {
		is = "execute"
	}
	return is == access && near == (r.HasAddr && r.Addr < x.near || r.Type == "null-pointer-use")
}

func (x *examination) branched(near bool) bool {
	k := x.kind()
	if x.fault == nil && x.violation() {
		return !near && (k == disasm.Call || k == disasm.Jump) // to a segment that is not permitted
	}
	return x.fault != nil && (k == disasm.Call || k == disasm.Jump) && x.fault.NearNull == near && (x.culprit == nil || !x.culprit.Stack)
}

// corrupt reports whether the stack is not what functions leave: it cannot be
// followed, it leads out of code, or the stack pointer points elsewhere.
func (x *examination) corrupt() bool {
	if x.benign() || x.Signal == 0 || x.Regs == (arch.Regs{}) {
		return false
	}
	m := x.mapping(x.sp)
	if m == nil || m.Perms&procfs.W == 0 || x.Stack.Err != nil && !x.shortened() {
		return true
	}
	frames := x.Stack.Frames
	for i := range frames {
		if i > 0 && x.mapping(frames[i].PC) == nil || frames[i].Guess {
			return true
		}
	}
	return false
}

// shortened reports whether the stack cannot be followed because memory is missing.
func (x *examination) shortened() bool { return x.Stack.Err != nil && x.Missing > 0 }

// benign reports whether the signal is none of a crash.
func (x *examination) benign() bool {
	switch unix.Signal(x.Signal) {
	case unix.SIGTERM, unix.SIGINT, unix.SIGQUIT, unix.SIGKILL, unix.SIGHUP, unix.SIGALRM, unix.SIGVTALRM, unix.SIGPROF, unix.SIGIO, unix.SIGURG,
		unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGCHLD, unix.SIGCONT, unix.SIGSTOP, unix.SIGTSTP:
		return true
	}
	return false
}

// allocating reports whether the allocator was at work.
func (x *examination) allocating() bool {
	return x.calls("free", "cfree", "malloc", "realloc", "calloc", "libc_free", "libc_malloc", "libc_realloc", "libc_calloc", "int_free", "int_malloc",
		"int_realloc", "malloc_consolidate", "malloc_assert", "unlink_chunk", "operator delete", "operator new")
}

// blockMove reports whether the instruction moves blocks of memory: a repeated movs.
func (x *examination) blockMove() bool {
	return len(x.accesses) == 2 && x.inst.Data[len(x.inst.Data)-1]&^1 == 0xa4 && slices.ContainsFunc(x.inst.Data, func(b byte) bool { return b == 0xf2 || b == 0xf3 })
}
