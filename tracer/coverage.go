//go:build linux && amd64

package tracer

import "slices"

// A Coverage notes which of many addresses a process executes. Each has an int3 until
// it is reached for the first time, so what is reached often costs once. It ends with
// exec; children of the process do not take part.
type Coverage struct {
	b       *Breakpoint
	left    int
	reached []uint64
}

// Cover begins to note which of the addresses are executed. They must be those of
// instructions: an int3 within one, or in data, makes the program another one.
func (p *Process) Cover(addrs []uint64) (*Coverage, error) {
	if err := p.held(); err != nil {
		return nil, &Error{Op: "cover", TID: p.PID, Err: err}
	}
	c := new(Coverage)
	if err := p.exposure(); err != nil {
		return nil, &Error{Op: "cover", TID: p.PID, Err: err}
	}
	c.b = &Breakpoint{p: p, internal: true, handler: c.reach}
	addrs = slices.Clone(addrs)
	slices.Sort(addrs)
	for rest := slices.Compact(addrs); len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n]/pageSize == rest[0]/pageSize {
			n++
		}
		if err := c.plant(rest[:n]); err != nil {
			c.Remove()
			return nil, err
		}
		rest = rest[n:]
	}
	c.left = len(c.b.addrs)
	return c, nil
}

// plant makes sites of addresses in one page, which are sorted, with one write.
func (c *Coverage) plant(addrs []uint64) error {
	p, first := c.b.p, addrs[0]
	code := make([]byte, addrs[len(addrs)-1]-first+1)
	if n, err := p.readRaw(first, code); n < len(code) {
		return &Error{Op: "cover", TID: p.PID, Addr: first + uint64(n), At: true, Err: cause(err)}
	}
	sites := make([]site, len(addrs))
	for i, addr := range addrs {
		sites[i] = site{addr: addr, saved: code[addr-first]}
		p.tr.salvage.note(p, addr, sites[i].saved)
		code[addr-first] = int3
	}
	if err := p.writeRaw(first, code); err != nil {
		return &Error{Op: "cover", TID: p.PID, Addr: first, At: true, Err: cause(err)}
	}
	for i, addr := range addrs {
		if p.sites[addr] == nil {
			p.sites[addr] = &sites[i]
		}
		s := p.sites[addr]
		s.users = append(s.users, c.b)
	}
	c.b.addrs = append(c.b.addrs, addrs...)
	return nil
}

// reach notes where a thread is.
func (c *Coverage) reach(stop *Stop) (surface bool, err error) {
	c.reached = append(c.reached, stop.PC)
	c.left--
	return false, c.b.p.unplant(stop.PC, c.b)
}

// Reached returns the addresses that were executed, in the order in which they were for
// the first time. The caller must not change them.
func (c *Coverage) Reached() []uint64 { return c.reached }

// Left returns how many addresses were not executed yet.
func (c *Coverage) Left() int { return c.left }

// Remove ends the noting. Removing twice is no error.
func (c *Coverage) Remove() error { return c.b.Remove() }
