package syscalls

import (
	"encoding/binary"
	"strconv"

	"golang.org/x/sys/unix"
)

// kinds show arguments, by the names that signatureLines has for them. arg is the
// parameter of the kind.
var kinds map[string]func(c *call, v uint64, arg int)

func init() {
	// strace shows the arguments of clone in another order.
	kinds = map[string]func(c *call, v uint64, arg int){
		"int":      func(c *call, v uint64, _ int) { c.signed(int64(int32(v))) },
		"uint":     func(c *call, v uint64, _ int) { c.unsigned(uint64(uint32(v))) },
		"long":     func(c *call, v uint64, _ int) { c.signed(int64(v)) },
		"size":     func(c *call, v uint64, _ int) { c.unsigned(v) },
		"hex":      func(c *call, v uint64, _ int) { c.hex(v) },
		"offset":   func(c *call, v uint64, _ int) { c.hex(v) },
		"ptr":      func(c *call, v uint64, _ int) { c.pointer(v) },
		"mode":     func(c *call, v uint64, _ int) { c.octal(v & 0xffff) },
		"sig":      func(c *call, v uint64, _ int) { c.add(signalText(int(int32(v)))) },
		"fd":       func(c *call, v uint64, _ int) { c.fd(int(int32(v))) },
		"dirfd":    func(c *call, v uint64, _ int) { c.fd(int(int32(v))) },
		"path":     (*call).path,
		"name":     (*call).path,
		"data":     (*call).data,
		"bytes":    (*call).bytes,
		"open":     (*call).open,
		"oflags":   (*call).openFlags,
		"argv":     (*call).argv,
		"envp":     (*call).envp,
		"socktype": (*call).socktype,
		"protocol": (*call).protocol,
		"sockopt":  (*call).sockopt,
		"futex":    (*call).futex,
		"futex_op": (*call).futexOp,
		"futex_bits": func(c *call, v uint64, _ int) {
			if uint32(v) == 0xffffffff {
				c.add("FUTEX_BITSET_MATCH_ANY")
				return
			}
			c.hex(uint64(uint32(v)))
		},
		"ioctl":       (*call).ioctl,
		"personality": func(c *call, v uint64, _ int) { c.personality(uint32(v)) },
		"statx_flags": func(c *call, v uint64, _ int) {
			if v&(unix.AT_STATX_FORCE_SYNC|unix.AT_STATX_DONT_SYNC) == 0 { // which has a name
				c.add("AT_STATX_SYNC_AS_STAT")
				if v == 0 {
					return
				}
				c.add("|")
			}
			c.set(setOf("statx_at"), v)
		},
		"clone_stack":  func(c *call, _ uint64, _ int) { c.add("child_stack="); c.pointer(c.args[1]) },
		"clone_flags":  func(c *call, _ uint64, _ int) { c.add("flags="); c.cloneFlags(c.args[0]) },
		"clone_parent": func(c *call, _ uint64, _ int) { c.add("parent_tid="); c.word(c.args[2], 4) },
		"clone_child":  func(c *call, _ uint64, _ int) { c.add("child_tidptr="); c.pointer(c.args[3]) },
		"clone_tls":    func(c *call, _ uint64, _ int) { c.add("tls="); c.hex(c.args[4]) },
		"int*":         func(c *call, v uint64, _ int) { c.word(v, 4) },
		"long*":        func(c *call, v uint64, _ int) { c.word(v, 8) },
		"len*":         func(c *call, v uint64, _ int) { c.word(v, 4) },
		"rem":          (*call).remaining,
	}
	for name, show := range structs {
		kinds[name] = show
	}
}

// results show what a call returns that has not failed, where that is no plain number.
var results = map[string]func(c *call){
	"fd":   func(c *call) { c.fd(int(c.ret)) },
	"ptr":  func(c *call) { c.hex(uint64(c.ret)) },
	"mode": func(c *call) { c.octal(uint64(c.ret)) },
	"getfd": func(c *call) {
		c.hex(uint64(c.ret))
		if c.ret != 0 {
			c.add(" (flags ")
			c.set(setOf("fdflags"), uint64(c.ret))
			c.add(")")
		}
	},
	"getfl": func(c *call) {
		c.hex(uint64(c.ret))
		c.add(" (flags ")
		c.open(uint64(c.ret), 0)
		c.add(")")
	},
	"personality": func(c *call) {
		c.hex(uint64(c.ret))
		c.add(" (")
		c.personality(uint32(c.ret))
		c.add(")")
	},
	"poll":   (*call).polled,
	"select": (*call).selected,
}

// mostArgv is how many arguments of a program are shown, and mostRead how many bytes of
// one path or argument.
const (
	mostArgv = 32
	mostRead = 4096
)

// read returns n bytes of memory; ok is false if not all can be read.
func (c *call) read(addr uint64, n int) (data []byte, ok bool) {
	if addr == 0 || n < 0 {
		return nil, false
	}
	data = make([]byte, n)
	got, _ := c.d.Memory.ReadAt(addr, data)
	return data[:got], got == n
}

// word shows a number that a pointer points to, of 4 or 8 bytes.
func (c *call) word(addr uint64, size int) {
	data, ok := c.read(addr, size)
	switch {
	case !ok:
		c.pointer(addr)
	case size == 4:
		c.add("[", strconv.FormatInt(int64(int32(binary.LittleEndian.Uint32(data))), 10), "]")
	default:
		c.add("[", strconv.FormatInt(int64(binary.LittleEndian.Uint64(data)), 10), "]")
	}
}

// fd shows a descriptor, and what it stands for.
func (c *call) fd(fd int) {
	if fd == unix.AT_FDCWD {
		c.add("AT_FDCWD")
	} else {
		c.signed(int64(fd))
	}
	if c.d.Path == nil || fd < 0 && fd != unix.AT_FDCWD {
		return
	}
	if path := c.d.Path(fd); path != "" {
		c.add("<")
		for i := range len(path) {
			if b := path[i]; b < ' ' || b > '~' || b == '<' || b == '>' {
				c.add(`\`)
				c.b = strconv.AppendUint(c.b, uint64(b), 8)
			} else {
				c.b = append(c.b, b)
			}
		}
		c.add(">")
	}
}

// cstring returns the string at an address without its end; ok is false if that
// cannot be read.
func (c *call) cstring(addr uint64, most int) (text []byte, cut, ok bool) {
	if addr == 0 {
		return nil, false, false
	}
	var buf [256]byte
	for len(text) < most {
		n, _ := c.d.Memory.ReadAt(addr+uint64(len(text)), buf[:min(len(buf), most+1-len(text))])
		for i, b := range buf[:n] {
			if b == 0 {
				text = append(text, buf[:i]...)
				if len(text) > most {
					return text[:most], true, true
				}
				return text, false, true
			}
		}
		text = append(text, buf[:n]...)
		if n < len(buf) && len(text) <= most {
			return nil, false, false
		}
	}
	return text[:most], true, true
}

// path shows a string that is a name. It is shown whole.
func (c *call) path(v uint64, _ int) { c.text(v, mostRead) }

// text shows a string up to a length.
func (c *call) text(v uint64, most int) {
	text, cut, ok := c.cstring(v, most)
	if !ok {
		c.pointer(v)
		return
	}
	c.quote(text)
	if cut {
		c.add("...")
	}
}

// length returns how long something is: the argument that arg is the number of, or
// what was returned.
func (c *call) length(arg int) int {
	n := c.ret
	if arg != returned {
		n = int64(c.args[arg])
	}
	return int(min(max(n, 0), 1<<30))
}

// data shows bytes, arg being their number.
func (c *call) data(v uint64, arg int) { c.part(v, c.length(arg), (*call).quote) }

// bytes is data, all of it in hexadecimal.
func (c *call) bytes(v uint64, arg int) {
	c.part(v, c.length(arg), func(c *call, data []byte) {
		c.add(`"`)
		for _, b := range data {
			c.b = append(c.b, '\\', 'x', "0123456789abcdef"[b>>4], "0123456789abcdef"[b&15])
		}
		c.add(`"`)
	})
}

// part shows the first of n bytes.
func (c *call) part(addr uint64, n int, quote func(*call, []byte)) {
	data, ok := c.read(addr, min(n, c.d.Strings))
	if !ok {
		c.pointer(addr)
		return
	}
	quote(c, data)
	if n > len(data) {
		c.add("...")
	}
}

// open shows the flags of open: the access mode, which is a number, and bits.
func (c *call) open(v uint64, _ int) {
	mode := [...]string{"O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"}[v&3]
	c.add(mode)
	if rest := v &^ 3; rest != 0 {
		c.add("|")
		c.openFlags(rest, 0)
	}
}

func (c *call) openFlags(v uint64, _ int) { c.set(setOf("open"), uint64(uint32(v))) }

// argv shows a list of strings.
func (c *call) argv(v uint64, _ int) {
	most := mostArgv
	if c.d.Whole {
		most = 1 << 16
	}
	if v == 0 {
		c.add("NULL")
		return
	}
	c.add("[")
	for i := 0; ; i++ {
		word, ok := c.read(v+uint64(i)*8, 8)
		if !ok {
			if i > 0 {
				c.add(", ")
			}
			c.add("...")
			break
		}
		p := binary.LittleEndian.Uint64(word)
		if p == 0 {
			break
		}
		if i > 0 {
			c.add(", ")
		}
		if i == most {
			c.add("...")
			break
		}
		c.text(p, c.d.Strings)
	}
	c.add("]")
}

// envp shows how many variables there are, or all of them.
func (c *call) envp(v uint64, arg int) {
	if c.d.Whole || v == 0 {
		c.argv(v, arg)
		return
	}
	c.pointer(v)
	const most = 1 << 16
	n, words := 0, 512
	for n < most {
		data, _ := c.read(v+uint64(n)*8, 8*min(words, int(512-(v/8+uint64(n))%512))) // to the page's end
		for i := 0; i+8 <= len(data); i += 8 {
			if binary.LittleEndian.Uint64(data[i:]) == 0 {
				c.add(" /* ", strconv.Itoa(n), " vars */")
				return
			}
			n++
		}
		if len(data) < 8 {
			break
		}
	}
	c.add(" /* ", strconv.Itoa(n), " vars, unterminated */")
}

func (c *call) socktype(v uint64, _ int) {
	flags := constants["SOCK_CLOEXEC"] | constants["SOCK_NONBLOCK"]
	c.set(setOf("socktype"), v&^flags)
	if v&flags != 0 {
		c.add("|")
		c.set(setOf("sockflag"), v&flags)
	}
}

// protocol shows a protocol of the family that argument 0 names.
func (c *call) protocol(v uint64, _ int) {
	switch uint32(c.args[0]) {
	case unix.AF_INET, unix.AF_INET6:
		c.set(setOf("ipproto"), v)
	case unix.AF_NETLINK:
		c.set(setOf("netlink"), v)
	case unix.AF_PACKET:
		c.add("htons(")
		c.hex(uint64(uint16(v)<<8 | uint16(v)>>8))
		c.add(")")
	default:
		c.signed(int64(int32(v)))
	}
}

// sockopt shows the name of an option at the level that an argument names.
func (c *call) sockopt(v uint64, arg int) {
	switch uint32(c.args[arg]) {
	case unix.SOL_SOCKET:
		c.set(setOf("so"), v)
	case unix.IPPROTO_TCP:
		c.set(setOf("so_tcp"), v)
	case unix.IPPROTO_IP:
		c.set(setOf("so_ip"), v)
	case unix.IPPROTO_IPV6:
		c.set(setOf("so_ipv6"), v)
	default:
		c.hex(uint64(uint32(v)))
	}
}

// futexModifiers are FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME.
const futexModifiers = 128 | 256

func (c *call) futex(v uint64, _ int) {
	c.set(setOf("futex"), v&^futexModifiers)
	if v&128 != 0 {
		c.add("_PRIVATE")
	}
	if v&256 != 0 {
		c.add("|FUTEX_CLOCK_REALTIME")
	}
}

// futexOp shows what FUTEX_WAKE_OP does (linux/futex.h).
func (c *call) futexOp(v uint64, _ int) {
	ops := [...]string{"FUTEX_OP_SET", "FUTEX_OP_ADD", "FUTEX_OP_OR", "FUTEX_OP_ANDN", "FUTEX_OP_XOR"}
	cmps := [...]string{"FUTEX_OP_CMP_EQ", "FUTEX_OP_CMP_NE", "FUTEX_OP_CMP_LT", "FUTEX_OP_CMP_LE", "FUTEX_OP_CMP_GT", "FUTEX_OP_CMP_GE"}
	name := func(names []string, i uint64) {
		if i < uint64(len(names)) {
			c.add(names[i])
		} else {
			c.hex(i)
		}
	}
	c.add("{")
	if v>>31&1 != 0 {
		c.add("FUTEX_OP_OPARG_SHIFT|")
	}
	name(ops[:], v>>28&7)
	c.add(", ")
	c.hex(v >> 12 & 0xfff)
	c.add(", ")
	name(cmps[:], v>>24&15)
	c.add(", ")
	c.hex(v & 0xfff)
	c.add("}")
}

// ioctl shows a request, or what its number is made of (asm-generic/ioctl.h).
func (c *call) ioctl(v uint64, _ int) {
	v = uint64(uint32(v))
	if name := nameOf("ioctl", v); name != "" {
		c.add(name)
		return
	}
	dirs := [...]string{"_IOC_NONE", "_IOC_WRITE", "_IOC_READ", "_IOC_READ|_IOC_WRITE"}
	c.add("_IOC(", dirs[v>>30], ", ")
	for i, part := range []uint64{v >> 8 & 0xff, v & 0xff, v >> 16 & 0x3fff} {
		if i > 0 {
			c.add(", ")
		}
		c.hex(part)
	}
	c.add(")")
}

func (c *call) personality(v uint32) {
	if v == 0xffffffff {
		c.add("0xffffffff")
		return
	}
	if v&0xff != 0 {
		c.hex(uint64(v))
		return
	}
	c.add("PER_LINUX")
	if v != 0 {
		c.add("|")
		c.set(setOf("personality"), uint64(v))
	}
}

func (c *call) cloneFlags(v uint64) {
	begin := len(c.b)
	rest := c.flags(setOf("clone"), v&^0xff, begin)
	if rest != 0 {
		if len(c.b) > begin {
			c.add("|")
		}
		c.hex(rest)
	}
	if sig := int(v & 0xff); sig != 0 || len(c.b) == begin {
		if len(c.b) > begin {
			c.add("|")
		}
		c.add(signalText(sig))
	}
}
