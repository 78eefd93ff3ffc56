//go:build linux && amd64

package tracer

import (
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestRest asks a program that keeps house for something, and looks whether it is done when
// its main thread is seen to be about that.
func TestRest(t *testing.T) {
	prog := tracertest.Build(t, "testdata/rest.c")
	for _, c := range []struct {
		asked string
		call  int // in which its main thread is then, or -1
		rests bool
	}{
		{"x", unix.SYS_READ, true},
		{"p", unix.SYS_PAUSE, true},
		{"s", unix.SYS_CLOCK_NANOSLEEP, false},
		{"l", -1, false},
	} {
		in, out, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		p, err := newTracer(t).Launch([]string{prog}, &LaunchOptions{Stdin: in})
		in.Close()
		if err != nil {
			t.Fatal(err)
		}
		where := func() int {
			if sleep, err := procfs.SleepOf(p.PID); err == nil && sleep != nil && sleep.Call != nil {
				return sleep.Call.Nr
			}
			return -1
		}
		rests := false
		stop, err := p.ContFatal(&RunOptions{Timeout: time.Minute, Talk: func(over <-chan struct{}, _, _ func()) bool {
			for where() != unix.SYS_READ { // it is being loaded
				if _, err := procfs.State(p.PID); err != nil {
					return false
				}
			}
			r := &rest{pids: func() []int { return []int{p.PID} }}
			r.note()
			out.WriteString(c.asked)
			for where() != c.call {
				time.Sleep(time.Millisecond)
			}
			for range 100 { // the other thread is now and then not where it was
				if rests = r.holds(); rests {
					break
				}
				time.Sleep(time.Millisecond)
			}
			return true
		}})
		if err != nil || stop.Reason != ReasonInterrupt {
			t.Fatalf("%s: the run ends with %+v, %v", c.asked, stop, err)
		}
		if rests != c.rests {
			t.Errorf("%s: it rests: %t, want %t", c.asked, rests, c.rests)
		}
		if err := p.Kill(); err != nil {
			t.Error(err)
		}
	}
}
