package syscalls

import (
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"
)

// structs show what pointers point to. Offsets are those of the kernel's structs on
// x86-64.
var structs = map[string]func(c *call, v uint64, arg int){
	"fds":          (*call).fds,
	"stat":         (*call).stat,
	"statxp":       (*call).statx,
	"statfs":       (*call).statfs,
	"timespec":     func(c *call, v uint64, _ int) { c.time(v, "nsec") },
	"timeval":      func(c *call, v uint64, _ int) { c.time(v, "usec") },
	"timespec2":    func(c *call, v uint64, _ int) { c.times(v, "nsec") },
	"timeval2":     func(c *call, v uint64, _ int) { c.times(v, "usec") },
	"itimerval":    func(c *call, v uint64, _ int) { c.itimer(v, "usec") },
	"itimerspec":   func(c *call, v uint64, _ int) { c.itimer(v, "nsec") },
	"sigset":       (*call).sigset,
	"sigset_arg":   (*call).sigsetArg,
	"sigaction":    (*call).sigaction,
	"sigframe":     (*call).sigframe,
	"stack":        (*call).stack,
	"siginfo":      (*call).siginfo,
	"sockaddr":     func(c *call, v uint64, arg int) { c.sockaddr(v, c.length(arg)) },
	"sockaddr*":    (*call).sockaddrOut,
	"optval":       (*call).optval,
	"optval*":      (*call).optvalOut,
	"iovec":        (*call).iovec,
	"msghdr":       (*call).msghdr,
	"pollfds":      (*call).pollfds,
	"fdset":        (*call).fdset,
	"epoll_event":  func(c *call, v uint64, _ int) { c.epollEvents(v, 1, false) },
	"epoll_events": func(c *call, v uint64, arg int) { c.epollEvents(v, c.length(arg), true) },
	"limits":       (*call).limits,
	"rusage":       (*call).rusage,
	"wstatus":      (*call).wstatus,
	"utsname":      (*call).utsname,
	"sysinfo":      (*call).sysinfo,
	"tms":          (*call).tms,
	"dirents":      (*call).dirents,
	"flockp":       (*call).flock,
	"winsize":      (*call).winsize,
	"termios":      (*call).termios,
	"cpus":         (*call).cpus,
	"clone3":       (*call).clone3,
	"open_how":     (*call).openHow,
	"ptr*":         (*call).indirect,
}

// A field is a part of a struct that is shown as NAME=VALUE.
type field struct {
	name string
	show func(c *call)
}

// record shows a struct, of which abbreviated says whether fields are left out.
func (c *call) record(abbreviated bool, fields ...field) {
	c.add("{")
	for i, f := range fields {
		if i > 0 {
			c.add(", ")
		}
		c.add(f.name, "=")
		f.show(c)
	}
	if abbreviated {
		c.add(", ...")
	}
	c.add("}")
}

func signedField(name string, v int64) field {
	return field{name, func(c *call) { c.signed(v) }}
}

func unsignedField(name string, v uint64) field {
	return field{name, func(c *call) { c.unsigned(v) }}
}

func hexField(name string, v uint64) field { return field{name, func(c *call) { c.hex(v) }} }

func pointerField(name string, v uint64) field { return field{name, func(c *call) { c.pointer(v) }} }

func setField(name, set string, v uint64) field {
	return field{name, func(c *call) { c.set(setOf(set), v) }}
}

// little reads numbers of a struct.
type little []byte

func (l little) u16(at int) uint64 { return uint64(binary.LittleEndian.Uint16(l[at:])) }
func (l little) u32(at int) uint64 { return uint64(binary.LittleEndian.Uint32(l[at:])) }
func (l little) u64(at int) uint64 { return binary.LittleEndian.Uint64(l[at:]) }
func (l little) i32(at int) int64  { return int64(int32(l.u32(at))) }
func (l little) i64(at int) int64  { return int64(l.u64(at)) }

// structure reads a struct of n bytes, or shows its address if it cannot.
func (c *call) structure(addr uint64, n int) (little, bool) {
	data, ok := c.read(addr, n)
	if !ok {
		c.pointer(addr)
	}
	return data, ok
}

// list shows n elements between brackets, at most as many as strings have bytes.
func (c *call) list(n int, show func(i int)) {
	c.add("[")
	for i := range n {
		if i > 0 {
			c.add(", ")
		}
		if !c.d.Whole && i >= c.d.Strings {
			c.add("...")
			break
		}
		show(i)
	}
	c.add("]")
}

func (c *call) indirect(v uint64, _ int) {
	if s, ok := c.structure(v, 8); ok {
		c.add("[")
		c.pointer(s.u64(0))
		c.add("]")
	}
}

func (c *call) fds(v uint64, _ int) {
	if s, ok := c.structure(v, 8); ok {
		c.add("[")
		c.fd(int(s.i32(0)))
		c.add(", ")
		c.fd(int(s.i32(4)))
		c.add("]")
	}
}

func (c *call) time(v uint64, unit string) {
	if s, ok := c.structure(v, 16); ok {
		c.instant(s, unit)
	}
}

func (c *call) instant(s little, unit string) {
	c.add("{tv_sec=")
	c.signed(s.i64(0))
	c.add(", tv_", unit, "=")
	c.signed(s.i64(8))
	c.add("}")
}

// times shows the two times of utimensat, of which each may be special.
func (c *call) times(v uint64, unit string) {
	s, ok := c.structure(v, 32)
	if !ok {
		return
	}
	c.add("[")
	for i := range 2 {
		if i > 0 {
			c.add(", ")
		}
		switch nsec := s.u64(16*i + 8); {
		case unit == "nsec" && nsec == unix.UTIME_NOW:
			c.add("UTIME_NOW")
		case unit == "nsec" && nsec == unix.UTIME_OMIT:
			c.add("UTIME_OMIT")
		default:
			c.instant(s[16*i:], unit)
		}
	}
	c.add("]")
}

func (c *call) itimer(v uint64, unit string) {
	if s, ok := c.structure(v, 32); ok {
		c.record(false,
			field{"it_interval", func(c *call) { c.instant(s, unit) }},
			field{"it_value", func(c *call) { c.instant(s[16:], unit) }})
	}
}

// remaining shows the time that is left of a sleep, which the kernel fills in where a
// signal has ended it.
func (c *call) remaining(v uint64, _ int) {
	if name := Failed(c.ret); name != "EINTR" && name != "ERESTART_RESTARTBLOCK" {
		c.pointer(v)
		return
	}
	c.time(v, "nsec")
}

func (c *call) limits(v uint64, _ int) {
	s, ok := c.structure(v, 16)
	if !ok {
		return
	}
	limit := func(name string, v uint64) field {
		return field{name, func(c *call) {
			switch {
			case v == ^uint64(0):
				c.add("RLIM64_INFINITY")
			case v > 1024 && v%1024 == 0:
				c.unsigned(v / 1024)
				c.add("*1024")
			default:
				c.unsigned(v)
			}
		}}
	}
	c.record(false, limit("rlim_cur", s.u64(0)), limit("rlim_max", s.u64(8)))
}

func (c *call) rusage(v uint64, _ int) {
	s, ok := c.structure(v, 144)
	if !ok {
		return
	}
	fields := []field{{"ru_utime", func(c *call) { c.instant(s, "usec") }}, {"ru_stime", func(c *call) { c.instant(s[16:], "usec") }}}
	if c.d.Whole {
		for i, name := range []string{"ru_maxrss", "ru_ixrss", "ru_idrss", "ru_isrss", "ru_minflt", "ru_majflt", "ru_nswap", "ru_inblock",
			"ru_oublock", "ru_msgsnd", "ru_msgrcv", "ru_nsignals", "ru_nvcsw", "ru_nivcsw"} {
			fields = append(fields, signedField(name, s.i64(32+8*i)))
		}
	}
	c.record(!c.d.Whole, fields...)
}

// wstatus shows how a child ended, if there was one.
func (c *call) wstatus(v uint64, _ int) {
	if c.ret == 0 || v == 0 {
		c.pointer(v)
		return
	}
	s, ok := c.structure(v, 4)
	if !ok {
		return
	}
	switch w := unix.WaitStatus(s.u32(0)); {
	case w.Exited():
		c.add("[{WIFEXITED(s) && WEXITSTATUS(s) == ", strconv.Itoa(w.ExitStatus()), "}]")
	case w.Signaled():
		core := ""
		if w.CoreDump() {
			core = " && WCOREDUMP(s)"
		}
		c.add("[{WIFSIGNALED(s) && WTERMSIG(s) == ", signalText(int(w.Signal())), core, "}]")
	case w.Stopped():
		c.add("[{WIFSTOPPED(s) && WSTOPSIG(s) == ", signalText(int(w.StopSignal())), "}]")
	case w.Continued():
		c.add("[{WIFCONTINUED(s)}]")
	default:
		c.add("[")
		c.hex(s.u32(0))
		c.add("]")
	}
}

func (c *call) utsname(v uint64, _ int) {
	const width = 65
	s, ok := c.structure(v, 6*width)
	if !ok {
		return
	}
	text := func(name string, i int) field { return field{name, func(c *call) { c.text(v+uint64(width*i), width) }} }
	fields := []field{text("sysname", 0), text("nodename", 1)}
	if c.d.Whole {
		fields = append(fields, text("release", 2), text("version", 3), text("machine", 4), text("domainname", 5))
	}
	_ = s
	c.record(!c.d.Whole, fields...)
}

func (c *call) sysinfo(v uint64, _ int) {
	s, ok := c.structure(v, 112)
	if !ok {
		return
	}
	c.record(false, signedField("uptime", s.i64(0)), field{"loads", func(c *call) {
		c.list(3, func(i int) { c.unsigned(s.u64(8 + 8*i)) })
	}}, unsignedField("totalram", s.u64(32)), unsignedField("freeram", s.u64(40)), unsignedField("sharedram", s.u64(48)),
		unsignedField("bufferram", s.u64(56)), unsignedField("totalswap", s.u64(64)), unsignedField("freeswap", s.u64(72)),
		unsignedField("procs", s.u16(80)), unsignedField("totalhigh", s.u64(88)), unsignedField("freehigh", s.u64(96)), unsignedField("mem_unit", s.u32(104)))
}

func (c *call) tms(v uint64, _ int) {
	if s, ok := c.structure(v, 32); ok {
		c.record(false, signedField("tms_utime", s.i64(0)), signedField("tms_stime", s.i64(8)), signedField("tms_cutime", s.i64(16)), signedField("tms_cstime", s.i64(24)))
	}
}

// dirents shows how many names a directory has given.
func (c *call) dirents(v uint64, _ int) {
	const most = 1 << 20
	s, _ := c.read(v, min(c.length(returned), most))
	n := 0
	for len(s) >= 19 {
		size := int(little(s).u16(16))
		if size == 0 || size > len(s) {
			break
		}
		s = s[size:]
		n++
	}
	c.pointer(v)
	c.add(" /* ", strconv.Itoa(n), " entries */")
}

func (c *call) flock(v uint64, _ int) {
	s, ok := c.structure(v, 32)
	if !ok {
		return
	}
	fields := []field{setField("l_type", "locktype", s.u16(0)), setField("l_whence", "whence", s.u16(2)), signedField("l_start", s.i64(8)), signedField("l_len", s.i64(16))}
	if name := nameOf("fcntl", c.args[1]); name == "F_GETLK" || name == "F_OFD_GETLK" {
		fields = append(fields, signedField("l_pid", s.i32(24)))
	}
	c.record(false, fields...)
}

func (c *call) winsize(v uint64, _ int) {
	if s, ok := c.structure(v, 8); ok {
		c.record(false, unsignedField("ws_row", s.u16(0)), unsignedField("ws_col", s.u16(2)), unsignedField("ws_xpixel", s.u16(4)), unsignedField("ws_ypixel", s.u16(6)))
	}
}

func (c *call) termios(v uint64, _ int) {
	if s, ok := c.structure(v, 36); ok {
		c.record(true, hexField("c_iflag", s.u32(0)), hexField("c_oflag", s.u32(4)), hexField("c_cflag", s.u32(8)), hexField("c_lflag", s.u32(12)))
	}
}

// cpus shows a set of CPUs in as many bytes as arg says.
func (c *call) cpus(v uint64, arg int) {
	const most = 1024
	s, ok := c.structure(v, min(c.length(arg), most))
	if !ok {
		return
	}
	c.add("[")
	first := true
	for cpu := range 8 * len(s) {
		if s[cpu/8]>>(cpu%8)&1 != 0 {
			if !first {
				c.add(" ")
			}
			first = false
			c.signed(int64(cpu))
		}
	}
	c.add("]")
}

func (c *call) clone3(v uint64, _ int) {
	s, ok := c.structure(v, 64)
	if !ok {
		return
	}
	flags := s.u64(0)
	fields := []field{{"flags", func(c *call) { c.set(setOf("clone"), flags) }}}
	for _, f := range []struct {
		flag, name string
		at         int
	}{{"CLONE_PIDFD", "pidfd", 8}, {"CLONE_CHILD_SETTID", "child_tid", 16}, {"CLONE_PARENT_SETTID", "parent_tid", 24}} {
		needed := flags & constants[f.flag]
		if f.at == 16 {
			needed |= flags & constants["CLONE_CHILD_CLEARTID"]
		}
		if needed != 0 {
			fields = append(fields, pointerField(f.name, s.u64(f.at)))
		}
	}
	fields = append(fields, field{"exit_signal", func(c *call) { c.add(signalText(int(s.u64(32)))) }}, pointerField("stack", s.u64(40)), hexField("stack_size", s.u64(48)))
	if flags&constants["CLONE_SETTLS"] != 0 {
		fields = append(fields, hexField("tls", s.u64(56)))
	}
	c.record(false, fields...)
}

func (c *call) openHow(v uint64, _ int) {
	s, ok := c.structure(v, 24)
	if !ok {
		return
	}
	fields := []field{{"flags", func(c *call) { c.open(s.u64(0), 0) }}}
	if s.u64(0)&(constants["O_CREAT"]|constants["O_TMPFILE"]) != 0 {
		fields = append(fields, field{"mode", func(c *call) { c.octal(s.u64(8)) }})
	}
	c.record(false, append(fields, hexField("resolve", s.u64(16)))...)
}
