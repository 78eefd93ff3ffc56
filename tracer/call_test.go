//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// call calls a function by name, which is to return.
func inferior(t testing.TB, th *Thread, fn string, args ...Arg) uint64 {
	t.Helper()
	value, err := th.Call(addrOf(t, th.p, fn), args, &MoveOptions{Timeout: 30 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func addrOf(t testing.TB, p *Process, loc string) uint64 {
	t.Helper()
	addr, err := p.Addr(loc)
	if err != nil {
		t.Fatal(err)
	}
	return addr
}

func TestCall(t *testing.T) {
	p := injectableAt(t, "plain", "here")
	th, stop := p.Thread(), p.Stop()
	before := look(t, th)
	if got := inferior(t, th, "ten", Words(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)...); got != 385 {
		t.Errorf("ten(1, ..., 10) = %d, want 385", got)
	}
	text := Arg{Data: []byte("hello")}
	for _, fn := range []string{"libc!strlen", "libc!strnlen"} { // both indirect
		if got := inferior(t, th, fn, text, Arg{Word: 100}); got != 5 {
			t.Errorf("%s(hello) = %d, want 5", fn, got)
		}
	}
	for n := range 9 {
		if got := inferior(t, th, "aligned", append(make([]Arg, n), text)...); got != 0 {
			t.Errorf("with %d arguments the frame is %d above a multiple of 16", n+1, got)
		}
	}
	room := inferior(t, th, "libc!malloc", Words(64)...)
	if n := inferior(t, th, "libc!sprintf", Words(room)[0], Arg{Data: []byte("%s %d%%")}, text, Arg{Word: 42}); n != 9 {
		t.Errorf("sprintf says %d, want 9", n)
	}
	out := make([]byte, 10)
	if _, err := p.ReadAt(room, out); err != nil || string(out) != "hello 42%\x00" {
		t.Errorf("sprintf wrote %q, %v", out, err)
	}
	inferior(t, th, "libc!free", Words(room)...)
	inferior(t, th, "smash")
	wantSame(t, th, before)
	if p.Stop() != stop || p.Thread() != th || !th.atReported() || len(p.sites) != 1 {
		t.Errorf("stop %+v afterwards, %d sites", p.Stop(), len(p.sites))
	}
	inferior(t, th, "blocks", Words(uint64(unix.SIGUSR2))...)
	if mask := look(t, th).mask; mask != uint64(sigsetOf(unix.SIGUSR2)) {
		t.Errorf("mask %#x, want SIGUSR2 alone", mask)
	}
	wantExit(t, p, 3)
}

// TestCallUndone checks that what comes between is told, and the thread is where it
// was.
func TestCallUndone(t *testing.T) {
	p := injectableAt(t, "plain", "here")
	th := p.Thread()
	before := look(t, th)
	work := breakAt(t, p, "work", nil)
	for _, test := range []struct {
		fn    string
		arg   uint64
		limit time.Duration
		want  string
	}{
		{"poke", 16, 0, "undone by SIGSEGV at 0x[0-9a-f]+ poke in inject$"},
		{"0x8", 0, 0, "undone by SIGSEGV at 0x8$"},
		{"twice", 16, 0, fmt.Sprintf("undone by breakpoint %d at %#x work in inject$", work.ID, addrOf(t, p, "work"))},
		{"forever", 0, 10 * time.Millisecond, "undone by timeout at 0x[0-9a-f]+ forever in inject$"},
		{"send", uint64(unix.SIGUSR2), 0, "undone by SIGUSR2 at 0x.* in libc"},
	} {
		fn := addrOf(t, p, test.fn)
		_, err := th.Call(fn, Words(test.arg), &MoveOptions{Timeout: test.limit})
		want := regexp.MustCompile(fmt.Sprintf(`^call \[%d\] at %#x: %s`, th.TID, fn, test.want))
		if err == nil || !want.MatchString(err.Error()) {
			t.Errorf("%s: %v, want %s", test.fn, err, want)
		}
		wantSame(t, th, before)
	}
	// A signal that was sent is not lost.
	if stop := cont(t, p); stop.Signal != int(unix.SIGUSR2) {
		t.Fatalf("stop = %s, want SIGUSR2", stop.Reason)
	}
	th.signal = 0
	wantExit(t, p, 3)
}

func TestCallInterrupted(t *testing.T) {
	p := injectableAt(t, "plain", "here")
	before := look(t, p.Thread())
	p.tr.Interrupt()
	_, err := p.Call(addrOf(t, p, "forever"), nil, nil)
	if err == nil || !strings.Contains(err.Error(), "undone by interrupt at ") {
		t.Errorf("Call: %v", err)
	}
	wantSame(t, p.Thread(), before)
	wantExit(t, p, 3)
}

func TestCallEndsProcess(t *testing.T) {
	p := injectableAt(t, "plain", "here")
	if _, err := p.Call(addrOf(t, p, "quit"), Words(44), nil); !errors.Is(err, ErrExited) {
		t.Errorf("Call: %v, want %v", err, ErrExited)
	}
	if code, ok := p.ExitCode(); !ok || code != 44 {
		t.Errorf("exit code %d, %t, want 44", code, ok)
	}
	if _, err := p.Call(0, nil, nil); !errors.Is(err, ErrExited) {
		t.Errorf("Call of a dead process: %v", err)
	}
	p = injectableAt(t, "plain", "here")
	if _, err := p.Call(addrOf(t, p, "libc!execl"), []Arg{{Data: []byte(p.Exe())}, {Data: []byte("new")}, {Data: []byte("plain")}, {}}, nil); err == nil || !strings.Contains(err.Error(), "another program") {
		t.Errorf("Call: %v", err)
	}
	if stop := p.Stop(); stop.Reason != ReasonExec || p.Argv()[0] != "new" {
		t.Errorf("stop = %s, argv %q", stop.Reason, p.Argv())
	}
	cont(t, p)
	wantExit(t, p, 3)
}

// TestCallDetached lets the process go from within a call.
func TestCallDetached(t *testing.T) {
	p := injectableAt(t, "plain", "here")
	breakAt(t, p, "work", func(*Stop) (bool, error) { return false, p.Kill() })
	if _, err := p.Call(addrOf(t, p, "work"), nil, nil); !errors.Is(err, ErrExited) {
		t.Errorf("Call: %v, want %v", err, ErrExited)
	}
	p, _ = asleep(t, "read")
	breakAt(t, p, "work", func(*Stop) (bool, error) { return false, p.Detach(0) })
	if _, err := p.Call(addrOf(t, p, "work"), nil, nil); err == nil {
		t.Error("Call of a process that was let go")
	}
}

// TestCallFromHandlers makes calls in handlers, also of a breakpoint within a call.
func TestCallFromHandlers(t *testing.T) {
	p := launch(t, "loop", "20")
	var values []uint64
	work := addrOf(t, p, "work")
	depth := 0
	breakAt(t, p, "work", func(s *Stop) (bool, error) {
		if depth++; depth <= 3 {
			before := look(t, s.Thread)
			value, err := s.Thread.Call(work, Words(uint64(depth)), nil)
			if err != nil {
				t.Error(err)
			}
			values = append(values, value)
			wantSame(t, s.Thread, before)
		}
		return false, nil
	})
	second := 0
	breakAt(t, p, "work", func(s *Stop) (bool, error) { second++; return false, nil })
	// The sum is that of the loop and of three calls.
	wantExit(t, p, 1)
	if fmt.Sprint(values) != "[6 4 2]" || second != 23 {
		t.Errorf("values %v, %d hits of the second breakpoint, want [6 4 2], 23", values, second)
	}
}

// TestCallEndsInHandler moves a process to the end of the call from a handler.
func TestCallEndsInHandler(t *testing.T) {
	p := injectableAt(t, "plain", "here")
	breakAt(t, p, "work", func(s *Stop) (bool, error) {
		_, err := s.Thread.Finish(nil)
		return false, err
	})
	before := look(t, p.Thread())
	if got := inferior(t, p.Thread(), "work", Words(21)...); got != 42 {
		t.Errorf("work(21) = %d, want 42", got)
	}
	wantSame(t, p.Thread(), before)
	failed := errors.New("handler failed")
	breakAt(t, p, "forever", func(s *Stop) (bool, error) { return false, failed })
	if _, err := p.Call(addrOf(t, p, "forever"), nil, nil); !errors.Is(err, failed) {
		t.Errorf("Call: %v, want the handler's error", err)
	}
	wantSame(t, p.Thread(), before)
	wantExit(t, p, 3)
}

// TestCallDoesNotDisturb makes calls where a system call is to be restarted, in a
// string instruction, and where a signal is pending.
func TestCallDoesNotDisturb(t *testing.T) {
	for _, name := range []string{"nap", "pollnap"} {
		p, target := asleep(t, name)
		before := look(t, p.Thread())
		inferior(t, p.Thread(), "work", Words(1)...)
		wantSame(t, p.Thread(), before)
		if err := p.Detach(0); err != nil {
			t.Fatal(err)
		}
		if status := target.Wait(); status.ExitStatus() != 0 {
			t.Errorf("%s: the sleep ended with status %#x, want 0", name, status)
		}
	}

	p := injectableAt(t, "copy", "copying")
	if err := p.Breakpoints()[0].Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Thread().Step(100, nil); err != nil {
		t.Fatal(err)
	}
	before := look(t, p.Thread())
	inferior(t, p.Thread(), "smash")
	wantSame(t, p.Thread(), before)
	wantExit(t, p, 0)

	p = injectableAt(t, "queued", "here")
	for n := range 3 {
		stop := cont(t, p)
		before = look(t, stop.Thread)
		value, err := stop.Thread.Call(addrOf(t, p, "work"), Words(1), nil)
		// Another of those that wait comes between, but for the last.
		if n < 2 && (err == nil || !strings.Contains(err.Error(), "undone by SIG34")) || n == 2 && (err != nil || value != 2) {
			t.Errorf("%d: work(1) = %d, %v", n, value, err)
		}
		wantSame(t, stop.Thread, before)
		if info, err := stop.Thread.Siginfo(); err != nil || *info != *stop.Siginfo() {
			t.Errorf("siginfo % x, %v; was % x", info, err, stop.Siginfo())
		}
	}
	// All have come, but not in their order.
	wantExit(t, p, 2)
}

// TestCallInThreads calls in each thread, with the others running and held.
func TestCallInThreads(t *testing.T) {
	p := injectableAt(t, "threads", "here")
	for _, only := range []bool{true, false} {
		for _, th := range p.Threads() {
			before := look(t, th)
			value, err := th.Call(addrOf(t, p, "twice"), Words(uint64(th.TID)), &MoveOptions{Only: only})
			if err != nil || value != 4*uint64(th.TID) {
				t.Errorf("only %t: twice(%d) = %d, %v", only, th.TID, value, err)
			}
			wantSame(t, th, before)
		}
	}
	th := p.Threads()[2]
	th.Suspend()
	if got := inferior(t, th, "work", Words(4)...); got != 8 || !th.Suspended() {
		t.Errorf("in a suspended thread: work(4) = %d, suspended %t", got, th.Suspended())
	}
	th.Resume()
	wantExit(t, p, 0)
}

func TestCallRefusals(t *testing.T) {
	p := injectableAt(t, "plain", "here")
	th := p.Thread()
	work := addrOf(t, p, "work")
	before := look(t, th)
	if err := th.SetReg(arch.Lookup("rsp"), 64); err != nil {
		t.Fatal(err)
	}
	if _, err := th.Call(work, Words(1), nil); !errors.Is(err, unix.EFAULT) {
		t.Errorf("Call without a stack: %v", err)
	}
	if err := th.SetReg(arch.Lookup("rsp"), before.regs[arch.RSP]); err != nil {
		t.Fatal(err)
	}
	before.regs[arch.OrigRAX] = reg(t, th, arch.OrigRAX)
	wantSame(t, th, before)
	wantExit(t, p, 3)

	p, target := asleep(t, "read")
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	unix.Kill(target.PID, unix.SIGSTOP)
	tracertest.WaitState(t, target.PID, "T")
	p = attach(t, target.PID)
	if _, err := p.Call(addrOf(t, p, "work"), nil, nil); err == nil || !strings.Contains(err.Error(), "job control") {
		t.Errorf("Call in a group-stop: %v", err)
	}
	if err := p.Detach(0); err != nil {
		t.Fatal(err)
	}
	tracertest.WaitState(t, target.PID, "T")
}

// TestStepsEndMovements has a thread step whenever the process goes on: what was begun
// ends there, and a function that has not returned has no result.
func TestStepsEndMovements(t *testing.T) {
	p := launch(t, "loop", "3")
	breakAt(t, p, "work", nil)
	th := cont(t, p).Thread
	th.SetStep()
	if v, err := th.Call(addrOf(t, p, "recurse"), Words(3), nil); err == nil || !strings.Contains(err.Error(), "undone by step") {
		t.Errorf("call = %d, %v", v, err)
	}
	if stop, err := th.Finish(nil); err != nil || stop.Reason != ReasonStep || stop.Finished {
		t.Errorf("finish = %+v, %v", stop, err)
	}
}
