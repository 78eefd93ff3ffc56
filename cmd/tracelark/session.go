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

// reactions are what a session does at signals instead of ending at once.
type reactions struct {
	// interrupt is called for each interrupt, which the session outlives. It reports
	// whether it was called before to no effect.
	interrupt func(*script.Session) (again bool)
	// finish is called for the first other signal, and has f come to its end.
	finish func(*script.Session)
}

// withSession calls f with a new session, which has the standard library and which
// signals can end: whatever happens, targets must be let go of in an orderly way,
// or they would keep our breakpoints.
func withSession(opts *script.Options, react reactions, f func(*script.Session) error) error {
	var s *script.Session
	opts.Stuck = func(cause error) {
		s.Abandon()
		stuck(cause)
	}
	s, err := script.New(opts)
	if err != nil {
		return err
	}
	w := watcher{quit: s.Quit, abandon: s.Abandon}
	if react.interrupt != nil {
		w.interrupt = func() bool { return react.interrupt(s) }
	}
	if react.finish != nil {
		w.finish = func() { react.finish(s) }
	}
	return w.run(func() error {
		err := f(s)
		if closeErr := s.Close(); closeErr != nil {
			fmt.Fprintf(os.Stderr, "tracelark: %v\n", closeErr)
			err = errors.Join(err, closeErr)
		}
		return err
	})
}

// withSignals calls f, which signals have quit end.
func withSignals(quit func(), f func() error) error {
	w := watcher{quit: quit}
	return w.run(f)
}

// A watcher acts upon signals. Functions that are nil are not called.
type watcher struct {
	quit      func()      // ends what is run
	interrupt func() bool // what reactions have
	finish    func()
	abandon   func() // called before the process ends, where what is run does not end

	ended atomic.Int32 // the signal that ended what is run, or 0
}

// run calls f while signals are watched.
func (w *watcher) run(f func() error) error {
	signals := make(chan os.Signal, 16)
	// A write to a closed pipe then fails, where else it would end the process.
	signal.Notify(signals, unix.SIGPIPE)
	for _, sig := range []os.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT} {
		if !signal.Ignored(sig) { // as in the background, or by nohup
			signal.Notify(signals, sig)
		}
	}
	go w.watch(signals)
	err := f()
	if sig := w.ended.Load(); sig != 0 {
		return &signalError{unix.Signal(sig), err}
	}
	return err
}

// watch acts upon signals for ever. The first that is to end the session does so in
// an orderly way, however long that takes; the second takes effect in any case.
func (w *watcher) watch(signals <-chan os.Signal) {
	var last time.Time // an interrupt
	for received := range signals {
		sig := received.(unix.Signal)
		again := false
		switch {
		case sig == unix.SIGPIPE:
			continue
		case sig == unix.SIGINT && w.interrupt != nil:
			again = w.interrupt() && time.Since(last) < patience
			last = time.Now()
			if !again {
				continue
			}
		}
		first := w.ended.CompareAndSwap(0, int32(sig))
		if first && !again && w.finish != nil {
			w.finish()
			continue
		}
		w.quit()
		if again || !first {
			time.AfterFunc(patience, func() {
				if w.abandon != nil {
					w.abandon()
				}
				fmt.Fprintln(os.Stderr, "tracelark: the script does not stop; a process that it attached to may keep watchpoints")
				os.Exit(128 + int(w.ended.Load()))
			})
		}
	}
}
