package builtins

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"

	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/procfs"
)

const (
	maxRead = 1 << 30 // bytes that one read may ask for
	maxHits = 1 << 20 // addresses that find returns unless told
	chunk   = 1 << 20 // bytes that are read at once

	maxNeedle = 1 << 16 // bytes that find looks for

	pageSize = 4096
)

// memoryMethods returns the rows of the methods that read and write memory.
func memoryMethods() []method[*process] {
	rows := []method[*process]{
		{"read", "(addr, n) -> bytes", fmt.Sprintf("Read n bytes, at most %d. If not all can be read, the error says how far it got. Breakpoints do not show.", maxRead), (*process).read},
		{"write", "(addr, data)", "Write bytes, whatever the protection of the page. If not all can be written, the error says how far it got. Breakpoints stay.", (*process).write},
		{"read_cstr", "(addr, max=4096) -> bytes", "Read up to the next zero byte, which is left out, or max bytes if there is none.", (*process).readCStr},
		{"find", "(needle, start=None, end=None, perms=\"r\", max=None) -> list of int",
			fmt.Sprintf("Return the addresses where needle is, which may overlap: bytes, or an int that stands for its eight bytes. Mappings that have all of perms, letters of \"rwxps\", are searched between the locations start and end. The search ends after max hits; without max, more than %d are an error.", maxHits),
			(*process).find},
	}
	for _, s := range scalars {
		what := fmt.Sprintf("%s of %d bytes, little-endian", s.kind, s.size)
		rows = append(rows,
			method[*process]{"read_" + s.name, "(addr) -> " + s.typ, "Read " + what + ".", s.read},
			method[*process]{"write_" + s.name, "(addr, value)", "Write " + what + "; an int must fit it as a signed or an unsigned number.", s.write})
	}
	return rows
}

func (p *process) read(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	var n int64
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "addr", &loc, "n", &n); err != nil {
		return nil, err
	}
	if n < 0 || n > maxRead {
		return nil, fmt.Errorf("%s: n is %d, want 0 to %d", b.Name(), n, maxRead)
	}
	addr, err := loc.resolve(p)
	if err != nil {
		return nil, err
	}
	// The first chunk tells whether it is worth to make room for the rest.
	buf := make([]byte, min(n, chunk))
	var all strings.Builder
	for done := int64(0); ; {
		part := buf[:min(n-done, chunk)]
		got, err := p.p.ReadAt(addr+uint64(done), part)
		if err != nil {
			return nil, partly(err, done+int64(got), n)
		}
		if n <= chunk {
			return starlark.Bytes(part), nil
		}
		if done == 0 {
			all.Grow(int(n))
		}
		all.Write(part)
		if done += int64(got); done == n {
			return starlark.Bytes(all.String()), nil
		}
	}
}

// partly adds to an error how far it got before.
func partly(err error, done, n int64) error {
	if done == 0 {
		return err
	}
	return fmt.Errorf("%w after %d of %d bytes", err, done, n)
}

func (p *process) write(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	var data blob
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "addr", &loc, "data", &data); err != nil {
		return nil, err
	}
	addr, err := loc.resolve(p)
	if err != nil {
		return nil, err
	}
	if n, err := p.p.WriteAt(addr, []byte(data)); err != nil {
		return nil, partly(err, int64(n), int64(len(data)))
	}
	return starlark.None, nil
}

func (p *process) readCStr(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	limit := int64(pageSize)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "addr", &loc, "max?", &limit); err != nil {
		return nil, err
	}
	if limit < 0 || limit > maxRead {
		return nil, fmt.Errorf("%s: max is %d, want 0 to %d", b.Name(), limit, maxRead)
	}
	addr, err := loc.resolve(p)
	if err != nil {
		return nil, err
	}
	var text []byte
	page := make([]byte, pageSize)
	for int64(len(text)) < limit {
		// The string may end in the last page that is mapped.
		part := page[:min(limit-int64(len(text)), int64(pageSize-addr%pageSize))]
		if _, err := p.p.ReadAt(addr, part); err != nil {
			return nil, err
		}
		if end := bytes.IndexByte(part, 0); end >= 0 {
			text = append(text, part[:end]...)
			break
		}
		text = append(text, part...)
		addr += uint64(len(part))
	}
	return starlark.Bytes(text), nil
}

// read is process.read_… of the scalar.
func (s *scalar) read(p *process, _ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "addr", &loc); err != nil {
		return nil, err
	}
	addr, err := loc.resolve(p)
	if err != nil {
		return nil, err
	}
	p.word = [8]byte{}
	if _, err := p.p.ReadAt(addr, p.word[:s.size]); err != nil {
		return nil, err
	}
	return s.decode(binary.LittleEndian.Uint64(p.word[:])), nil
}

// write is process.write_… of the scalar.
func (s *scalar) write(p *process, _ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	var v starlark.Value
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "addr", &loc, "value", &v); err != nil {
		return nil, err
	}
	addr, err := loc.resolve(p)
	if err != nil {
		return nil, err
	}
	u, err := s.encode(v)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	binary.LittleEndian.PutUint64(p.word[:], u)
	if _, err := p.p.WriteAt(addr, p.word[:s.size]); err != nil {
		return nil, err
	}
	return starlark.None, nil
}

// A needle is an argument of find: bytes, or an int that stands for eight.
type needle []byte

func (n *needle) Unpack(v starlark.Value) error {
	if _, ok := v.(starlark.Int); ok {
		u, err := fit(v, 64)
		*n = binary.LittleEndian.AppendUint64(nil, u)
		return err
	}
	var d blob
	if err := d.Unpack(v); err != nil {
		return fmt.Errorf("got %s, want bytes or int", v.Type())
	}
	if len(d) < 1 || len(d) > maxNeedle {
		return fmt.Errorf("got %d bytes, want 1 to %d", len(d), maxNeedle)
	}
	*n = needle(d)
	return nil
}

func (p *process) find(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var s search
	start, end := location{}, location{addr: math.MaxUint64}
	perms := "r"
	limit := int64(-1)
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "needle", &s.needle, "start??", &start, "end??", &end, "perms?", &perms, "max??", &limit); err != nil {
		return nil, err
	}
	if limit < -1 {
		return nil, fmt.Errorf("%s: max is %d, want 0 or more", b.Name(), limit)
	}
	lo, err := start.resolve(p)
	if err != nil {
		return nil, err
	}
	hi, err := end.resolve(p)
	if err != nil {
		return nil, err
	}
	for _, c := range perms {
		if !strings.ContainsRune("rwxps", c) {
			return nil, fmt.Errorf("%s: perms is %q, want letters of \"rwxps\"", b.Name(), perms)
		}
	}
	maps, err := p.p.Maps()
	if err != nil {
		return nil, err
	}
	s.p, s.max = p, int(limit)
	if limit < 0 {
		s.max = maxHits + 1
	}
	for _, r := range ranges(maps, perms, lo, hi) {
		if err := s.run(thread, r); err != nil {
			return nil, err
		}
	}
	if limit < 0 && len(s.hits) == s.max {
		return nil, fmt.Errorf("%s: more than %d hits: give max", b.Name(), maxHits)
	}
	return starlark.NewList(s.hits), nil
}

// A span is a range of addresses; hi is behind it.
type span struct{ lo, hi uint64 }

// ranges returns the parts of the mappings with all of perms that lie between lo
// and hi. Neighbours are one range: a hit may lie in both.
func ranges(maps []procfs.Mapping, perms string, lo, hi uint64) (list []span) {
	for _, m := range maps {
		has := m.Perms.String()
		if strings.Trim(perms, has) != "" {
			continue
		}
		r := span{max(m.Start, lo), min(m.End, hi)}
		switch n := len(list); {
		case r.lo >= r.hi:
		case n > 0 && list[n-1].hi == r.lo:
			list[n-1].hi = r.hi
		default:
			list = append(list, r)
		}
	}
	return list
}

// A search looks for a needle.
type search struct {
	p      *process
	needle needle
	max    int // hits after which it ends
	hits   []starlark.Value
	buf    []byte
}

// run searches a range piece by piece, and with each piece the end of the one
// before, in which a hit may begin. Pages that cannot be read are passed over.
func (s *search) run(thread *starlark.Thread, r span) error {
	if s.buf == nil {
		s.buf = make([]byte, len(s.needle)-1+chunk)
	}
	kept := 0 // bytes of buf that lie before at
	for at := r.lo; at < r.hi && len(s.hits) < s.max; {
		if err := canceled(thread); err != nil {
			return err
		}
		n, err := s.p.p.ReadAt(at, s.buf[kept:][:min(chunk, r.hi-at)])
		data := s.buf[:kept+n]
		s.scan(at-uint64(kept), data)
		at += uint64(n)
		kept = copy(s.buf, data[max(0, len(data)-len(s.needle)+1):])
		switch {
		case err == nil:
		case s.p.p.State() != tracer.Stopped || errors.Is(err, unix.ESRCH):
			return err
		default:
			at, kept = at&^(pageSize-1)+pageSize, 0
		}
	}
	return nil
}

// scan adds the hits in data, which is at addr.
func (s *search) scan(addr uint64, data []byte) {
	for i := 0; len(s.hits) < s.max; i++ {
		n := bytes.Index(data[i:], s.needle)
		if n < 0 {
			return
		}
		i += n
		s.hits = append(s.hits, starlark.MakeUint64(addr+uint64(i)))
	}
}
