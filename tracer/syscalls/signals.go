package syscalls

import (
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// signalSet shows the signals of a set. One that has most of them is shown by those
// that it lacks.
func (c *call) signalSet(set uint64) {
	n := 0
	for i := range 64 {
		n += int(set >> i & 1)
	}
	if n > 42 {
		c.add("~")
		set = ^set
	}
	c.add("[")
	first := true
	for sig := 1; sig <= 64; sig++ {
		if set>>(sig-1)&1 == 0 {
			continue
		}
		if !first {
			c.add(" ")
		}
		first = false
		c.add(signalText(sig)[3:])
	}
	c.add("]")
}

func (c *call) sigset(v uint64, arg int) {
	if c.length(arg) != 8 {
		c.pointer(v)
		return
	}
	if s, ok := c.structure(v, 8); ok {
		c.signalSet(s.u64(0))
	}
}

// sigsetArg shows the last argument of pselect6, a pointer to a set and its size.
func (c *call) sigsetArg(v uint64, _ int) {
	s, ok := c.structure(v, 16)
	if !ok {
		return
	}
	c.record(false, field{"sigmask", func(c *call) {
		if set, ok := c.structure(s.u64(0), 8); ok {
			c.signalSet(set.u64(0))
		}
	}}, unsignedField("sigsetsize", s.u64(8)))
}

// sigframe shows the mask in the ucontext on the stack.
func (c *call) sigframe(uint64, int) {
	const mask = 296 // uc_sigmask
	if s, ok := c.structure(c.d.Stack+mask, 8); ok {
		c.record(false, field{"mask", func(c *call) { c.signalSet(s.u64(0)) }})
	}
}

func (c *call) sigaction(v uint64, _ int) {
	s, ok := c.structure(v, 32)
	if !ok {
		return
	}
	fields := []field{
		{"sa_handler", func(c *call) {
			switch s.u64(0) {
			case 0:
				c.add("SIG_DFL")
			case 1:
				c.add("SIG_IGN")
			default:
				c.hex(s.u64(0))
			}
		}},
		{"sa_mask", func(c *call) { c.signalSet(s.u64(24)) }},
		setField("sa_flags", "sa", s.u64(8)),
	}
	if s.u64(8)&constants["SA_RESTORER"] != 0 {
		fields = append(fields, hexField("sa_restorer", s.u64(16)))
	}
	c.record(false, fields...)
}

func (c *call) stack(v uint64, _ int) {
	if s, ok := c.structure(v, 24); ok {
		c.record(false, pointerField("ss_sp", s.u64(0)), setField("ss_flags", "altstack", s.u32(8)), unsignedField("ss_size", s.u64(16)))
	}
}

func (c *call) siginfo(v uint64, _ int) {
	if s, ok := c.structure(v, 128); ok {
		c.b = append(c.b, SignalText([128]byte(s))...)
	}
}

// codeSets are the sets of si_code by signal.
var codeSets = map[int64]string{
	int64(unix.SIGCHLD): "si_chld", int64(unix.SIGSEGV): "si_segv", int64(unix.SIGBUS): "si_bus", int64(unix.SIGILL): "si_ill",
	int64(unix.SIGFPE): "si_fpe", int64(unix.SIGTRAP): "si_trap",
}

// SignalText shows the kernel's record of a signal as strace does, such as
// "{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=NULL}".
func SignalText(info [128]byte) string {
	s := little(info[:])
	c := new(call)
	sig, code := s.i32(0), s.i32(8)
	fields := []field{{"si_signo", func(c *call) { c.add(signalText(int(sig))) }}, {"si_code", func(c *call) {
		if name := nameOf("si_user", uint64(code)); name != "" && (code <= 0 || code == 0x80) {
			c.add(name)
		} else if set := codeSets[sig]; set != "" && code > 0 {
			c.set(setOf(set), uint64(code))
		} else {
			c.hex(uint64(uint32(code)))
		}
	}}}
	if errno := s.i32(4); errno != 0 {
		fields = append(fields, signedField("si_errno", errno))
	}
	sender := []field{signedField("si_pid", s.i32(16)), signedField("si_uid", s.i32(20))}
	switch fault := codeSets[sig] != "" && sig != int64(unix.SIGCHLD); {
	case sig == int64(unix.SIGCHLD) && code > 0:
		fields = append(append(fields, sender...),
			field{"si_status", func(c *call) {
				if code == 1 { // CLD_EXITED
					c.signed(s.i32(24))
				} else {
					c.add(signalText(int(s.i32(24))))
				}
			}},
			ticks("si_utime", s.i64(32)), ticks("si_stime", s.i64(40)))
	case code == -2: // SI_TIMER
		fields = append(fields, hexField("si_timerid", s.u32(16)), signedField("si_overrun", s.i32(20)), signedField("si_int", s.i32(24)), pointerField("si_ptr", s.u64(24)))
	case code == -1: // SI_QUEUE
		fields = append(append(fields, sender...), signedField("si_int", s.i32(24)), pointerField("si_ptr", s.u64(24)))
	case code <= 0:
		fields = append(fields, sender...)
	case fault && code != 0x80:
		fields = append(fields, pointerField("si_addr", s.u64(16)))
	case fault:
		fields = append(fields, pointerField("si_addr", s.u64(16)))
	}
	c.record(false, fields...)
	return string(c.b)
}

// ticks is a field of a time in hundredths of seconds.
func ticks(name string, v int64) field {
	return field{name, func(c *call) {
		c.signed(v)
		if v != 0 {
			c.add(fmt.Sprintf(" /* %.2f s */", float64(v)/100))
		}
	}}
}

// signalText returns the name of a signal as strace has it, such as "SIGRT_3".
func signalText(sig int) string {
	if name := unix.SignalName(unix.Signal(sig)); name != "" {
		return name
	}
	if sig == 32 {
		return "SIGRTMIN"
	}
	if sig > 32 && sig <= 64 {
		return "SIGRT_" + strconv.Itoa(sig-32)
	}
	return strconv.Itoa(sig)
}
