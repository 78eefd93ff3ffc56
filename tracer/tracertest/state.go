package tracertest

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// State returns the letter of the state of a process or thread, as
// proc_pid_stat(5) has it: 'R' running, 'S' sleeping, 'T' stopped by a signal,
// 't' stopped by its tracer, 'Z' a zombie; or 0 if there is no such thread.
func State(id int) byte {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	if err != nil {
		return 0
	}
	_, state, ok := bytes.Cut(stat[bytes.LastIndexByte(stat, ')')+1:], []byte(" "))
	if !ok || len(state) == 0 {
		return 0
	}
	return state[0]
}

// Alive reports whether a process or thread has not ended. One that ended and
// was not waited for is not alive; neither is a leader that left its threads.
func Alive(id int) bool {
	switch State(id) {
	case 0, 'X', 'Z':
		return false
	}
	return true
}

// WaitState waits until State returns one of states for a process or thread,
// such as "S", or "ZX\x00" for its end, and fails the test if that never happens.
func WaitState(tb testing.TB, id int, states string) {
	tb.Helper()
	if err := AwaitState(id, states); err != nil {
		tb.Fatal(err)
	}
}

// WaitEnd waits until a process is not alive, and fails the test if that never happens.
func WaitEnd(tb testing.TB, pid int) {
	tb.Helper()
	for end := time.Now().Add(hung); Alive(pid); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			tb.Fatalf("process %d has not ended, it is in state %q", pid, State(pid))
		}
	}
}

// AwaitState is WaitState for goroutines other than the test's.
func AwaitState(id int, states string) error {
	for end := time.Now().Add(hung); ; time.Sleep(time.Millisecond) {
		state := State(id)
		if strings.IndexByte(states, state) >= 0 {
			return nil
		}
		if state == 0 || time.Now().After(end) {
			return fmt.Errorf("wait for state %q of [%d]: it is %q", states, id, state)
		}
	}
}
