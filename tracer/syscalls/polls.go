package syscalls

// pollRow shows one pollfd.
func (c *call) pollRow(s little, name string, at int) {
	c.record(false, field{"fd", func(c *call) { c.fd(int(s.i32(0))) }}, setField(name, "poll", s.u16(at)))
}

func (c *call) pollfds(v uint64, arg int) {
	const most = 4096
	n := c.length(arg)
	if n > most {
		c.pointer(v)
		return
	}
	if s, ok := c.structure(v, 8*n); ok {
		c.list(n, func(i int) { c.pollRow(s[8*i:], "events", 4) })
	}
}

// polled shows what poll and ppoll have found.
func (c *call) polled() {
	c.signed(c.ret)
	if c.ret == 0 {
		c.add(" (Timeout)")
		return
	}
	const most = 4096
	s, ok := c.read(c.args[0], 8*min(c.length(1), most))
	if !ok {
		return
	}
	c.add(" (")
	rows := make([]little, 0, c.ret)
	for i := 0; i < len(s); i += 8 {
		if row := little(s[i : i+8]); row.u16(6) != 0 {
			rows = append(rows, row)
		}
	}
	c.list(len(rows), func(i int) { c.pollRow(rows[i], "revents", 6) })
	c.add(")")
}

// descriptors returns the numbers in a set of descriptors; ok is false if it cannot be
// read.
func (c *call) descriptors(v uint64) (fds []int, ok bool) {
	const most = 1024
	n := min(c.length(0), most)
	s, ok := c.read(v, (n+63)/64*8)
	for fd := range n {
		if ok && s[fd/8]>>(fd%8)&1 != 0 {
			fds = append(fds, fd)
		}
	}
	return fds, ok
}

func (c *call) fdList(fds []int) {
	c.add("[")
	for i, fd := range fds {
		if i > 0 {
			c.add(" ")
		}
		c.fd(fd)
	}
	c.add("]")
}

func (c *call) fdset(v uint64, _ int) {
	if fds, ok := c.descriptors(v); ok {
		c.fdList(fds)
		return
	}
	c.pointer(v)
}

// selected shows what select and pselect6 have found.
func (c *call) selected() {
	c.signed(c.ret)
	if c.ret == 0 {
		c.add(" (Timeout)")
		return
	}
	sep := " ("
	for i, name := range []string{"in", "out", "except"} {
		if fds, ok := c.descriptors(c.args[1+i]); ok && len(fds) > 0 {
			c.add(sep, name, " ")
			c.fdList(fds)
			sep = ", "
		}
	}
	if c.args[4] != 0 {
		unit := "nsec"
		if Name(c.nr) == "select" {
			unit = "usec"
		}
		c.add(sep, "left ")
		c.time(c.args[4], unit)
		sep = ", "
	}
	if sep == ", " {
		c.add(")")
	}
}

// epollEvents shows events, which are packed (linux/eventpoll.h).
func (c *call) epollEvents(v uint64, n int, listed bool) {
	const most = 4096
	s, ok := c.structure(v, 12*min(n, most))
	if !ok {
		return
	}
	show := func(i int) {
		e := s[12*i:]
		c.record(false, setField("events", "epoll", e.u32(0)), field{"data", func(c *call) {
			c.record(false, unsignedField("u32", e.u32(4)), unsignedField("u64", e.u64(4)))
		}})
	}
	if listed {
		c.list(len(s)/12, show)
	} else {
		show(0)
	}
}
