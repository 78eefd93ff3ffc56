//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/script"
)

// patience is how long a session that was told twice to end may take. Two
// interrupts within it tell an interactive session to end.
const patience = 2 * time.Second

// A signalError is the end of a session by a signal.
type signalError struct {
	signal unix.Signal
	err    error // of the script
}

func (e *signalError) Error() string {
	return fmt.Sprintf("ended by %s", unix.SignalName(e.signal))
}

func (e *signalError) Unwrap() error { return e.err }

// withSession calls f with a new session, which has the standard library and which
// signals can end: whatever happens, targets must be let go of in an orderly way,
// or they would keep our breakpoints. A session outlives interrupts for which it has a
// function: that is called, and reports whether it was before to no effect.
func withSession(opts *script.Options, interrupt func(*script.Session) (again bool), f func(*script.Session) error) error {
	var s *script.Session
	opts.Stuck = func(cause error) {
		s.Abandon()
		stuck(cause)
	}
	s, err := script.New(opts)
	if err != nil {
		return err
	}
	var interrupted func() bool
	if interrupt != nil {
		interrupted = func() bool { return interrupt(s) }
	}
	return withSignals(s.Quit, interrupted, s.Abandon, func() error {
		err := f(s)
		if closeErr := s.Close(); closeErr != nil {
			fmt.Fprintf(os.Stderr, "tracelark: %v\n", closeErr)
			err = errors.Join(err, closeErr)
		}
		return err
	})
}

// withSignals calls f, which signals have quit end, and interrupts interrupt if it is
// not nil. Where f does not end for all that, abandon is called, if it is not nil, before
// the process ends.
func withSignals(quit func(), interrupt func() bool, abandon func(), f func() error) error {
	signals := make(chan os.Signal, 16)
	// A write to a closed pipe then fails, where else it would end the process.
	signal.Notify(signals, unix.SIGPIPE)
	for _, sig := range []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT} {
		if !signal.Ignored(sig) { // as in the background, or by nohup
			signal.Notify(signals, sig)
		}
	}
	var ended atomic.Int32 // the signal that ended the session, or 0
	go watch(signals, quit, interrupt, abandon, &ended)
	err := f()
	if sig := ended.Load(); sig != 0 {
		return &signalError{unix.Signal(sig), err}
	}
	return err
}

// watch acts upon signals for ever. The first that is to end the session does so in
// an orderly way, however long that takes; the second takes effect in any case.
func watch(signals <-chan os.Signal, quit func(), interrupt func() bool, abandon func(), ended *atomic.Int32) {
	var last time.Time // an interrupt
	for received := range signals {
		sig := received.(unix.Signal)
		again := false
		switch {
		case sig == unix.SIGPIPE:
			continue
		case sig == unix.SIGINT && interrupt != nil:
			again = interrupt() && time.Since(last) < patience
			last = time.Now()
			if !again {
				continue
			}
		}
		first := ended.CompareAndSwap(0, int32(sig))
		quit()
		if again || !first {
			time.AfterFunc(patience, func() {
				if abandon != nil {
					abandon()
				}
				fmt.Fprintln(os.Stderr, "tracelark: the script does not stop; a process that it attached to may keep watchpoints")
				os.Exit(128 + int(ended.Load()))
			})
		}
	}
}
