//go:build linux && amd64

package tracer

import (
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
)

// A rest tells whether processes that run have done what they were asked to: all their
// threads wait again where they did before, or for what only others can bring about. A
// thread that sleeps for a time of its own choice is yet to do something, unless that is
// what it always does.
type rest struct {
	pids   func() []int
	before map[int]procfs.Sleep // by thread ID
}

// How often processes are looked at, and for how long it is waited that they sleep before
// they are asked.
const (
	lookEach  = time.Millisecond
	maxUnrest = 50 * time.Millisecond
)

// note remembers where the threads wait, when all do or some never seem to.
func (r *rest) note() {
	for end := time.Now().Add(maxUnrest); ; time.Sleep(lookEach) {
		r.before = make(map[int]procfs.Sleep)
		awake := false
		r.each(func(tid int, sleep *procfs.Sleep) {
			if sleep == nil {
				awake = true
			} else {
				r.before[tid] = *sleep
			}
		})
		if !awake || !time.Now().Before(end) {
			return
		}
	}
}

// await waits until the processes rest, or a limit has passed; it returns false if the run
// is over before. Two looks have to agree: a thread may wake one that was looked at before
// it.
func (r *rest) await(over <-chan struct{}, limit time.Duration) bool {
	end := time.Now().Add(limit)
	for seen := 0; seen < 2 && time.Now().Before(end); {
		if seen++; !r.holds() {
			seen = 0
		}
		select {
		case <-over:
			return false
		case <-time.After(lookEach):
		}
	}
	return true
}

// holds reports whether the processes rest.
func (r *rest) holds() bool {
	rests := true
	r.each(func(tid int, sleep *procfs.Sleep) {
		if sleep == nil {
			rests = false
		} else if old, ok := r.before[tid]; !ok || old.SP != sleep.SP || old.PC != sleep.PC {
			rests = rests && !timed(sleep.Call)
		}
	})
	return rests
}

// each calls look with where each thread sleeps, or nil if it does not.
func (r *rest) each(look func(tid int, sleep *procfs.Sleep)) {
	for _, pid := range r.pids() {
		tids, _ := procfs.Tasks(pid)
		for _, tid := range tids {
			state, err := procfs.State(tid)
			if err != nil || state == 'Z' || state == 'X' {
				continue // it has ended
			}
			sleep, err := procfs.SleepOf(tid)
			switch {
			case state == 'R' || state == 't' || state == 'D':
				sleep = nil
			case err != nil: // it is not told where
				sleep = new(procfs.Sleep)
			}
			look(tid, sleep)
		}
	}
}

// timed reports whether a system call ends when some time has passed. A nil one, which is
// not known, does not.
func timed(call *procfs.Call) bool {
	if call == nil {
		return false
	}
	switch call.Nr {
	case unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_RESTART_SYSCALL:
		return true
	case unix.SYS_POLL:
		return int32(call.Args[2]) >= 0
	case unix.SYS_EPOLL_WAIT, unix.SYS_EPOLL_PWAIT:
		return int32(call.Args[3]) >= 0
	case unix.SYS_PPOLL, unix.SYS_RT_SIGTIMEDWAIT:
		return call.Args[2] != 0
	case unix.SYS_FUTEX, unix.SYS_FUTEX_WAITV, unix.SYS_EPOLL_PWAIT2, unix.SYS_SEMTIMEDOP:
		return call.Args[3] != 0
	case unix.SYS_SELECT, unix.SYS_PSELECT6, unix.SYS_MQ_TIMEDRECEIVE, unix.SYS_MQ_TIMEDSEND, unix.SYS_IO_GETEVENTS, unix.SYS_IO_PGETEVENTS, unix.SYS_RECVMMSG:
		return call.Args[4] != 0
	}
	return false
}
