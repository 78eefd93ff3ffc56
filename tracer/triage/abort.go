package triage

import (
	"encoding/binary"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"
)

// This file knows the ends that programs choose themselves, by the message that the C
// library keeps of them and by the functions that lead there.

// maxMessage bounds the bytes of a message.
const maxMessage = 1 << 12

// aborted is the verdict on SIGABRT.
func (x *examination) aborted() *verdict {
	if unix.Signal(x.Signal) != unix.SIGABRT {
		return nil
	}
	msg, nameless := x.abortMessage(), x.nameless()
	if msg == "" && nameless {
		msg = x.printed()
	}
	v := say("AbortSignal", "The process was ended by SIGABRT in %s.", x.place())
	switch {
	case x.calls("stack_chk_fail") || strings.Contains(msg, "stack smashing detected"):
		guilty := "a function"
		if f := x.callerOf("stack_chk_fail"); f != nil && f.Function != "" {
			guilty = f.Function
		}
		v = say("StackGuard", "The stack protector found that the canary of %s was overwritten.", guilty)
	case isHeapMessage(msg):
		v = say("HeapError", "The allocator gave up: %s%s.", firstLine(msg), x.heapCall())
	case x.calls("chk_fail", "fortify_fail") || fortified(msg):
		v = say("SafeFunctionCheck", "A checked function of the C library gave up%s.", quoted(msg, x.callerOf("chk_fail")))
	case x.calls("cxa_pure_virtual"), nameless && strings.Contains(x.Output, pureVirtual):
		v.why = "A pure virtual method was called" + by(x.callerOf("cxa_pure_virtual")) + ": a constructor or destructor of the base class was running, or the object was gone."
		msg = orElse(msg, pureVirtual)
	case x.calls("std::__glibcxx_assert_fail", "std::__replacement_assert"):
		msg = assertion().FindString(x.Output)
		v.why = "An assertion of the C++ library failed" + quoted(msg, x.user("std::__glibcxx_assert_fail", "std::__replacement_assert")) + "."
	case x.calls("assert_fail", "assert_perror_fail", "assert", "g_assertion_message", "g_assertion_message_expr"), nameless && msg != "" && assertion().MatchString(msg):
		msg = orElse(orElse(msg, x.globalText("__glib_assert_msg")), x.printed())
		v.why = "An assertion failed" + by(x.callerOf("assert_fail", "assert_perror_fail", "assert", "g_assertion_message_expr", "g_assertion_message")) + "."
		if msg != "" {
			v.why = fmt.Sprintf("An assertion failed: %s", strings.TrimSpace(firstLine(msg)))
		}
	case x.calls("malloc_printerr", "malloc_assert", "libc_free", "cfree", "free", "realloc", "int_free", "int_malloc"):
		v = say("HeapError", "The allocator gave up%s.", x.heapCall())
	case x.calls("cxa_throw", "cxa_rethrow", "std::terminate", "std::terminate()", "cxxabiv1::__terminate"):
		e := x.exception()
		if said := x.uncaught(); e == "" || strings.HasPrefix(said, e+": ") {
			e = said // what() of types that are not known
		}
		if e != "" {
			v.why, msg = "A C++ exception was not caught: "+firstLine(e)+by(x.user("cxa_throw"))+".", e
		} else {
			v.why = "std::terminate was called" + by(x.user("std::terminate", "std::terminate()")) + "."
		}
	case nameless && x.uncaught() != "":
		msg = x.uncaught()
		v.why = "A C++ exception was not caught: " + msg + "."
	case nameless && strings.Contains(x.Output, noException):
		msg = noException
		v.why = "std::terminate was called."
	case x.Code <= 0 && x.Sender != 0 && !x.calls("abort", "GI_abort", "raise", "gsignal", "pthread_kill", "pthread_kill_implementation"):
		v.why = fmt.Sprintf("SIGABRT was sent by %s while the process was in %s.", x.sender(), x.place())
	case x.callerOf("abort", "GI_abort") != nil:
		v.why = "abort was called" + by(x.user("abort", "GI_abort")) + "."
		if said := x.printed(); assertion().MatchString(said) {
			v.why, msg = v.why+" Before that the program wrote: "+said, said
		}
	}
	v.message = strings.TrimSpace(msg)
	return v
}

// calls reports whether one of the innermost frames is of a function with one of the
// names, but for leading underscores.
func (x *examination) calls(names ...string) bool { return x.frameOf(names...) >= 0 }

// frameOf returns the index of the outermost of the innermost frames that is of a
// function with one of the names, but for leading underscores, or -1.
func (x *examination) frameOf(names ...string) int {
	frames := x.Stack.Frames
	for i := min(len(frames), 32) - 1; i >= 0; i-- {
		f := strings.TrimLeft(frames[i].Function, "_")
		for _, name := range names {
			if f == name {
				return i
			}
		}
	}
	return -1
}

// callerOf returns the frame that called one of the functions, or nil.
func (x *examination) callerOf(names ...string) *Frame {
	i := x.frameOf(names...)
	if i < 0 || i+1 >= len(x.Stack.Frames) {
		return nil
	}
	return &x.Stack.Frames[i+1]
}

// user returns the innermost frame that is the program's own of those that called one of the
// functions, or the one that called it, or nil.
func (x *examination) user(names ...string) *Frame {
	f := x.callerOf(names...)
	if f == nil {
		return nil
	}
	for i := x.frameOf(names...) + 1; i < len(x.Stack.Frames); i++ {
		if x.own(x.Stack.Frames[i]) {
			return &x.Stack.Frames[i]
		}
	}
	return f
}

func by(f *Frame) string {
	if f == nil || f.Function == "" {
		return ""
	}
	return " in " + f.Function
}

func quoted(msg string, f *Frame) string {
	if msg == "" {
		return by(f)
	}
	return by(f) + ": " + strings.TrimSpace(firstLine(msg))
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// heapCall says which call of the allocator found the corruption.
func (x *examination) heapCall() string {
	for _, name := range []string{"free", "realloc", "calloc", "malloc", "cfree", "reallocarray", "memalign", "posix_memalign", "aligned_alloc"} {
		if f := x.user(name); f != nil {
			return fmt.Sprintf(", in a call of %s%s", name, by(f))
		}
	}
	return ""
}

// heapMessages begin what the allocators of glibc say of a heap that they find
// corrupt (malloc/malloc.c, malloc_printerr).
var heapMessages = lazy(`^(free\(\)|malloc\(\)|realloc\(\)|calloc\(\)|malloc_consolidate\(\)|munmap_chunk\(\)|mremap_chunk\(\)|malloc_check_get_size|` +
	`double free or corruption|corrupted |break adjusted to free malloc space|invalid fastbin|unaligned (fastbin|tcache)|chunk_main_arena|malloc: |memory clobbered|` +
	`.*malloc\.c:\d+: |Fatal glibc error: malloc)`)

func isHeapMessage(msg string) bool { return heapMessages().MatchString(msg) }

// fortified reports whether a message is of a check of the C library (_FORTIFY_SOURCE).
func fortified(msg string) bool {
	return strings.HasPrefix(msg, "*** ") && strings.Contains(msg, " detected") || strings.Contains(msg, "fdelt_chk")
}

// abortMessage returns what the C library has said at last, which glibc keeps for
// debuggers in __abort_msg, and Bionic in a like place: a size, then the text.
func (x *examination) abortMessage() string {
	p, ok := x.global("__abort_msg")
	if !ok || p == 0 {
		return ""
	}
	return x.cstring(p+4, maxMessage)
}

// global returns the word in a variable of the libraries.
func (x *examination) global(name string) (uint64, bool) {
	for _, im := range x.images {
		for _, s := range im.Lookup(name) {
			if v, ok := x.word(s.Addr); ok {
				return v, true
			}
		}
	}
	return 0, false
}

// globalText returns the string that a variable of the libraries points to, or "".
func (x *examination) globalText(name string) string {
	p, ok := x.global(name)
	if !ok || p == 0 {
		return ""
	}
	return x.cstring(p, maxMessage)
}

// cstring returns the string at addr, up to max bytes of it, or "" where there is no
// memory.
func (x *examination) cstring(addr uint64, max int) string {
	var text []byte
	for len(text) < max {
		chunk := make([]byte, min(256-int(addr%256), max-len(text)))
		n, err := x.p.ReadAt(addr, chunk)
		if i := strings.IndexByte(string(chunk[:n]), 0); i >= 0 {
			return string(append(text, chunk[:i]...))
		}
		text = append(text, chunk[:n]...)
		addr += uint64(n)
		if err != nil || n < len(chunk) {
			break
		}
	}
	return string(text)
}

func (x *examination) word(addr uint64) (uint64, bool) {
	var b [8]byte
	n, _ := x.p.ReadAt(addr, b[:])
	return binary.LittleEndian.Uint64(b[:]), n == len(b)
}
