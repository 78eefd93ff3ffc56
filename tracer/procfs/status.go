package procfs

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A TaskStatus is the part of /proc/PID/status that a debugger needs. Masks
// have the bit n-1 set for signal n.
type TaskStatus struct {
	Name      string // as Comm
	State     byte   // as State
	Tgid      int    // thread group ID: the process ID
	PPid      int    // process ID of the parent
	TracerPid int    // thread ID of the tracer, or 0
	Uid       int    // real user ID
	Threads   int    // number of threads of the process
	SigPnd    uint64 // signals pending for the thread
	ShdPnd    uint64 // signals pending for the process
	SigBlk    uint64 // signals the thread blocks
	SigIgn    uint64 // signals the process ignores
	SigCgt    uint64 // signals the process has handlers for
	Seccomp   int    // 1 if few system calls are allowed, 2 if filters decide, or 0
	Filters   int    // number of those, from Linux 5.9 on
}

// Status returns the status of a thread.
func Status(tid int) (*TaskStatus, error) {
	return read(tid, "status", ParseStatus)
}

// ParseStatus parses the contents of /proc/PID/status (proc_pid_status(5)).
// Lines it does not know are passed over.
func ParseStatus(data []byte) (*TaskStatus, error) {
	var s TaskStatus
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ":\t")
		if err := s.set(key, value); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
	}
	if s.State == 0 || s.Tgid == 0 {
		return nil, errors.New("state or thread group ID missing")
	}
	return &s, nil
}

// unescape undoes what the kernel does to names in status (proc_task_name).
var unescape = strings.NewReplacer(`\n`, "\n", `\\`, `\`)

func (s *TaskStatus) set(key, value string) (err error) {
	switch key {
	case "Name":
		s.Name = unescape.Replace(value)
	case "State":
		if value == "" {
			return errors.New("no value")
		}
		s.State = value[0]
	case "Tgid":
		s.Tgid, err = strconv.Atoi(value)
	case "PPid":
		s.PPid, err = strconv.Atoi(value)
	case "TracerPid":
		s.TracerPid, err = strconv.Atoi(value)
	case "Uid":
		uid, _, _ := strings.Cut(value, "\t")
		s.Uid, err = strconv.Atoi(uid)
	case "Threads":
		s.Threads, err = strconv.Atoi(value)
	case "SigPnd":
		s.SigPnd, err = strconv.ParseUint(value, 16, 64)
	case "ShdPnd":
		s.ShdPnd, err = strconv.ParseUint(value, 16, 64)
	case "SigBlk":
		s.SigBlk, err = strconv.ParseUint(value, 16, 64)
	case "SigIgn":
		s.SigIgn, err = strconv.ParseUint(value, 16, 64)
	case "Seccomp":
		s.Seccomp, err = strconv.Atoi(value)
	case "Seccomp_filters":
		s.Filters, err = strconv.Atoi(value)
	case "SigCgt":
		s.SigCgt, err = strconv.ParseUint(value, 16, 64)
	}
	return err
}

// State returns the state of a thread as a letter: R running, S sleeping,
// D in a sleep that signals do not end, T stopped, t stopped by its tracer,
// Z a zombie, X dead, I an idle kernel thread. It costs less than Status.
func State(tid int) (byte, error) {
	return read(tid, "stat", parseState)
}

// parseState finds the state in /proc/PID/stat (proc_pid_stat(5)). It follows
// the name, which stands in parentheses and may hold some itself.
func parseState(stat []byte) (byte, error) {
	i := bytes.LastIndexByte(stat, ')')
	if i < 0 || i+2 >= len(stat) {
		return 0, errors.New("no state after the name")
	}
	return stat[i+2], nil
}

// IsKernelThread reports whether pid is a thread of the kernel, which has no
// program and cannot be traced.
func IsKernelThread(pid int) (bool, error) { return read(pid, "stat", parseKernelThread) }

// parseKernelThread looks for PF_KTHREAD (linux/sched.h) in the flags, the seventh
// field after the name.
func parseKernelThread(stat []byte) (bool, error) {
	const field, kthread = 6, 0x00200000
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) <= field {
		return false, errors.New("no flags")
	}
	flags, err := strconv.ParseUint(string(fields[field]), 10, 32)
	return err == nil && flags&kthread != 0, err
}

// CPUTime returns how long a thread has run on CPUs.
func CPUTime(tid int) (time.Duration, error) { return read(tid, "schedstat", parseCPUTime) }

// parseCPUTime parses the contents of /proc/PID/schedstat: the time spent on CPUs and
// waiting for them, both in nanoseconds, and how often it was given one
// (Documentation/scheduler/sched-stats.rst).
func parseCPUTime(data []byte) (time.Duration, error) {
	fields := bytes.Fields(data)
	if len(fields) != 3 {
		return 0, fmt.Errorf("%d fields, want 3", len(fields))
	}
	n, err := strconv.ParseUint(string(fields[0]), 10, 63)
	if err != nil {
		return 0, err
	}
	return time.Duration(n), nil
}

// A Call is a system call in which a thread sleeps.
type Call struct {
	Nr   int
	Args [6]uint64
}

// A Sleep is where a thread sleeps.
type Sleep struct {
	Call   *Call // or nil if it sleeps elsewhere than in a system call, as for a page
	SP, PC uint64
}

// SleepOf returns where a thread sleeps, or nil if it runs. Only who may trace the thread
// may know.
func SleepOf(tid int) (*Sleep, error) { return read(tid, "syscall", parseSyscall) }

// Syscall returns the system call in which a thread sleeps; it is an error if it
// runs or sleeps elsewhere. Only who may trace the thread may know.
func Syscall(tid int) (*Call, error) {
	sleep, err := SleepOf(tid)
	if err == nil && (sleep == nil || sleep.Call == nil) {
		return nil, errors.New("not in a system call")
	}
	if err != nil {
		return nil, err
	}
	return sleep.Call, nil
}

// parseSyscall parses the contents of /proc/PID/syscall (proc_pid_syscall(5)): "running",
// or the number of the call, its arguments, the stack pointer and the pc; without
// arguments if the number is -1.
func parseSyscall(data []byte) (*Sleep, error) {
	fields := strings.Fields(string(data))
	if len(fields) == 1 && fields[0] == "running" {
		return nil, nil
	}
	if len(fields) != 9 && len(fields) != 3 {
		return nil, fmt.Errorf("%d fields, want 1, 3 or 9", len(fields))
	}
	nr, err := strconv.Atoi(fields[0])
	if err != nil {
		return nil, err
	}
	words := make([]uint64, len(fields)-1)
	for i := range words {
		if words[i], err = strconv.ParseUint(fields[i+1], 0, 64); err != nil {
			return nil, err
		}
	}
	n := len(words) - 2
	s := &Sleep{SP: words[n], PC: words[n+1]}
	if n > 0 {
		s.Call = &Call{Nr: nr, Args: [6]uint64(words)}
	}
	return s, nil
}
