package builtins

import (
	"encoding/binary"
	"fmt"

	"go.starlark.net/starlark"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer"
)

// This file has the requests of module ptrace that move memory.

// word reads size bytes at a location.
func (e *Env) word(g *tracer.Target, loc *location, size int) (uint64, error) {
	addr, err := e.at(g, loc)
	if err != nil {
		return 0, err
	}
	var buf [8]byte
	_, err = g.Process.ReadRaw(addr, buf[:size])
	return binary.LittleEndian.Uint64(buf[:]), err
}

// setWord writes size bytes at a location.
func (e *Env) setWord(b *starlark.Builtin, g *tracer.Target, loc *location, v starlark.Value, size int) error {
	u, err := fit(v, uint(8*size))
	if err != nil {
		return fmt.Errorf("%s: %w", b.Name(), err)
	}
	addr, err := e.at(g, loc)
	if err != nil {
		return err
	}
	var buf [8]byte
	binary.LittleEndian.PutUint64(buf[:], u)
	_, err = g.Process.WriteAt(addr, buf[:size])
	return err
}

func (e *Env) readWord(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	g, err := e.target("id", b, args, kwargs, "addr", &loc)
	if err != nil {
		return nil, err
	}
	u, err := e.word(g, &loc, 4)
	if err != nil {
		return nil, err
	}
	return starlark.MakeInt(int(int32(u))), nil
}

func (e *Env) writeWord(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	var v starlark.Value
	g, err := e.target("id", b, args, kwargs, "addr", &loc, "value", &v)
	if err != nil {
		return nil, err
	}
	return starlark.None, e.setWord(b, g, &loc, v, 4)
}

// isWord checks the size of a word.
func isWord(b *starlark.Builtin, g *tracer.Target, size int) error {
	switch size {
	case 1, 2, 4, 8:
		return nil
	}
	return &tracer.Error{Op: requestOp(b), TID: g.Process.PID, Err: fmt.Errorf("%w: size is %d, want 1, 2, 4 or 8", unix.EINVAL, size)}
}

func (e *Env) peek(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	size := 8
	g, err := e.target("id", b, args, kwargs, "addr", &loc, "size?", &size)
	if err == nil {
		err = isWord(b, g, size)
	}
	if err != nil {
		return nil, err
	}
	u, err := e.word(g, &loc, size)
	if err != nil {
		return nil, err
	}
	return starlark.MakeUint64(u), nil
}

func (e *Env) poke(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var loc location
	var v starlark.Value
	size := 8
	g, err := e.target("id", b, args, kwargs, "addr", &loc, "value", &v, "size?", &size)
	if err == nil {
		err = isWord(b, g, size)
	}
	if err != nil {
		return nil, err
	}
	return starlark.None, e.setWord(b, g, &loc, v, size)
}

func (e *Env) ptIO(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var op string
	var loc location
	var what starlark.Value
	g, err := e.target("id", b, args, kwargs, "op", &op, "offs", &loc, "data_or_len", &what)
	if err != nil {
		return nil, err
	}
	reads := op == "read_d" || op == "read_i"
	if !reads && op != "write_d" && op != "write_i" {
		return nil, &tracer.Error{Op: requestOp(b), TID: g.Process.PID, Err: fmt.Errorf("%w: op is %q, want \"read_d\", \"read_i\", \"write_d\" or \"write_i\"", unix.EINVAL, op)}
	}
	addr, err := e.at(g, &loc)
	if err != nil {
		return nil, err
	}
	if reads {
		var n int
		if err := starlark.AsInt(what, &n); err != nil || n < 0 || n > maxRead {
			return nil, fmt.Errorf("%s: to %s, data_or_len is %s, want 0 to %d", b.Name(), op, brief(what), maxRead)
		}
		data, err := readUpTo(g.Process, addr, n)
		if len(data) == 0 && err != nil {
			return nil, err
		}
		return starlark.Bytes(data), nil
	}
	if err := e.allowed.check(b.Name()+" with "+op, MayWrite); err != nil {
		return nil, err
	}
	var data blob
	if err := data.Unpack(what); err != nil {
		return nil, fmt.Errorf("%s: to %s, data_or_len: %w", b.Name(), op, err)
	}
	n, err := g.Process.WriteAt(addr, []byte(data))
	if n == 0 && err != nil {
		return nil, err
	}
	return starlark.MakeInt(n), nil
}

// readUpTo reads n bytes, as far as there are any. Room is made as they come.
func readUpTo(p *tracer.Process, addr uint64, n int) (data []byte, err error) {
	for len(data) < n && err == nil {
		part := make([]byte, min(n-len(data), chunk))
		var got int
		got, err = p.ReadRaw(addr+uint64(len(data)), part)
		data = append(data, part[:got]...)
	}
	return data, err
}
