package syscalls

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// sockaddr shows an address of n bytes.
func (c *call) sockaddr(v uint64, n int) {
	if n < 2 || n > 128 {
		c.pointer(v)
		return
	}
	s, ok := c.structure(v, n)
	if !ok {
		return
	}
	port := func() string { return strconv.Itoa(int(s[2])<<8 | int(s[3])) }
	switch family := s.u16(0); {
	case family == unix.AF_UNIX && n > 2:
		c.add("{sa_family=AF_UNIX, sun_path=")
		path := s[2:]
		if path[0] == 0 {
			c.add("@")
			c.quote(path[1:])
		} else {
			for i, b := range path {
				if b == 0 {
					path = path[:i]
					break
				}
			}
			c.quote(path)
		}
		c.add("}")
	case family == unix.AF_UNIX:
		c.add("{sa_family=AF_UNIX}")
	case family == unix.AF_INET && n >= 16:
		c.add("{sa_family=AF_INET, sin_port=htons(", port(), `), sin_addr=inet_addr("`, netip.AddrFrom4([4]byte(s[4:8])).String(), `")}`)
	case family == unix.AF_INET6 && n >= 24:
		c.add("{sa_family=AF_INET6, sin6_port=htons(", port(), "), sin6_flowinfo=htonl(", strconv.Itoa(int(binary.BigEndian.Uint32(s[4:]))),
			`), inet_pton(AF_INET6, "`, netip.AddrFrom16([16]byte(s[8:24])).String(), `", &sin6_addr)`)
		if n >= 28 {
			c.add(", sin6_scope_id=", strconv.FormatUint(s.u32(24), 10))
		}
		c.add("}")
	case family == unix.AF_NETLINK && n >= 12:
		c.add("{sa_family=AF_NETLINK, nl_pid=", strconv.FormatInt(s.i32(4), 10), ", nl_groups=", fmt.Sprintf("%08x", s.u32(8)), "}")
	default:
		c.add("{sa_family=")
		c.set(setOf("family"), family)
		if n > 2 {
			c.add(", sa_data=")
			c.quote(s[2:])
		}
		c.add("}")
	}
}

// valueAt returns the int that argument arg points to, or -1.
func (c *call) valueAt(arg int) int {
	data, ok := c.read(c.args[arg], 4)
	if !ok {
		return -1
	}
	return int(int32(binary.LittleEndian.Uint32(data)))
}

// sockaddrOut shows an address whose length argument arg points to.
func (c *call) sockaddrOut(v uint64, arg int) {
	if v == 0 {
		c.add("NULL")
		return
	}
	c.sockaddr(v, c.valueAt(arg))
}

// optval shows the value of a socket's option, which is mostly an int.
func (c *call) optval(v uint64, arg int) { c.option(v, c.length(arg)) }

func (c *call) optvalOut(v uint64, arg int) { c.option(v, c.valueAt(arg)) }

func (c *call) option(v uint64, n int) {
	level, name := uint32(c.args[1]), uint32(c.args[2])
	switch {
	case n == 8 && level == unix.SOL_SOCKET && name == unix.SO_LINGER:
		if s, ok := c.structure(v, 8); ok {
			c.record(false, signedField("l_onoff", s.i32(0)), signedField("l_linger", s.i32(4)))
		}
	case n == 12 && level == unix.SOL_SOCKET && name == unix.SO_PEERCRED:
		if s, ok := c.structure(v, 12); ok {
			c.record(false, signedField("pid", s.i32(0)), signedField("uid", s.i32(4)), signedField("gid", s.i32(8)))
		}
	case n == 4:
		c.word(v, 4)
	case n > 0:
		c.part(v, n, (*call).quote)
	default:
		c.pointer(v)
	}
}

// iovec shows buffers, as many as argument arg says. Those that a call has read into
// hold as many bytes in all as it returned.
func (c *call) iovec(v uint64, arg int) {
	left := 1 << 30
	if name := Name(c.nr); name == "readv" || name == "preadv" || name == "preadv2" {
		left = c.length(returned)
	}
	c.buffers(v, c.length(arg), left)
}

func (c *call) buffers(v uint64, n, left int) {
	const most = 1024 // IOV_MAX
	if n > most {
		c.pointer(v)
		return
	}
	s, ok := c.structure(v, 16*n)
	if !ok {
		return
	}
	c.list(n, func(i int) {
		base, size := s.u64(16*i), s.u64(16*i+8)
		c.record(false, field{"iov_base", func(c *call) {
			filled := int(min(size, uint64(left)))
			left -= filled
			c.part(base, filled, (*call).quote)
		}}, unsignedField("iov_len", size))
	})
}

func (c *call) msghdr(v uint64, _ int) {
	s, ok := c.structure(v, 56)
	if !ok {
		return
	}
	left := 1 << 30
	if Name(c.nr) == "recvmsg" {
		left = c.length(returned)
	}
	fields := []field{
		{"msg_name", func(c *call) {
			if n := int(s.u32(8)); n > 0 && s.u64(0) != 0 {
				c.sockaddr(s.u64(0), n)
			} else {
				c.pointer(s.u64(0))
			}
		}},
		signedField("msg_namelen", s.i32(8)),
		{"msg_iov", func(c *call) { c.buffers(s.u64(16), int(min(s.u64(24), 1<<20)), left) }},
		unsignedField("msg_iovlen", s.u64(24)),
	}
	if n := s.u64(40); n > 0 && s.u64(32) != 0 {
		fields = append(fields, field{"msg_control", func(c *call) { c.control(s.u64(32), n) }})
	}
	fields = append(fields, unsignedField("msg_controllen", s.u64(40)), setField("msg_flags", "msg", s.u32(48)))
	c.record(false, fields...)
}

// control shows control messages.
func (c *call) control(v, n uint64) {
	const header, most = 16, 4096
	s, ok := c.structure(v, int(min(n, most)))
	if !ok {
		return
	}
	c.add("[")
	for first := true; len(s) >= header; first = false {
		size := int(min(s.u64(0), uint64(len(s))))
		if size < header {
			break
		}
		if !first {
			c.add(", ")
		}
		level, kind, data := s.u32(8), s.u32(12), s[header:size]
		c.add("{cmsg_len=", strconv.Itoa(size), ", cmsg_level=")
		c.set(setOf("level"), level)
		c.add(", cmsg_type=")
		switch {
		case level == unix.SOL_SOCKET && kind == unix.SCM_RIGHTS:
			c.add("SCM_RIGHTS, cmsg_data=")
			c.list(len(data)/4, func(i int) { c.fd(int(data.i32(4 * i))) })
		case level == unix.SOL_SOCKET && kind == unix.SCM_CREDENTIALS && len(data) >= 12:
			c.add("SCM_CREDENTIALS, cmsg_data=")
			c.record(false, signedField("pid", data.i32(0)), signedField("uid", data.i32(4)), signedField("gid", data.i32(8)))
		default:
			c.hex(kind)
		}
		c.add("}")
		s = s[min(len(s), (size+7)&^7):]
	}
	c.add("]")
}
