package builtins

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"go.starlark.net/starlark"
)

const (
	maxRead = 1 << 30 // bytes that one read may ask for
	chunk   = 1 << 20 // bytes that are read at once

	pageSize = 4096
)

// memoryMethods returns the rows of the methods that read and write memory.
func memoryMethods() []method[*process] {
	rows := []method[*process]{
		{"read", "(addr, n) -> bytes", fmt.Sprintf("Read n bytes, at most %d. If not all can be read, the error says how far it got. Breakpoints do not show.", maxRead), (*process).read},
		{"write", "(addr, data)", "Write bytes, whatever the protection of the page. If not all can be written, the error says how far it got. Breakpoints stay.", (*process).write},
		{"read_cstr", "(addr, max=4096) -> bytes", "Read up to the next zero byte, which is left out, or max bytes if there is none.", (*process).readCStr},
		{"dump", "(path, addr, n)", "Write n bytes of memory to a file, which is created or replaced. If not all can be read, the error says how far it got, and the file has that much.", (*process).dump},
		{"find", "(needle, start=None, end=None, perms=\"r\", max=None) -> list of int",
			fmt.Sprintf("Return the addresses where needle is: bytes, which may overlap, an int that stands for its eight bytes, a regex, a hex_pattern, or what is pointed to, a range of addresses or a mapping: words at multiples of eight that are addresses in it. Mappings that have all of perms, letters of \"rwxps\", are searched between the locations start and end; perms=\"\" takes in those that the program itself may not read. The search ends after max hits; without max, more than %d are an error.", maxHits),
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
		got, err := p.in.ReadAt(addr+uint64(done), part)
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
		if _, err := p.in.ReadAt(addr, part); err != nil {
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

func (p *process) dump(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var path string
	var loc location
	var n int64
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "path", &path, "addr", &loc, "n", &n); err != nil {
		return nil, err
	}
	if n < 0 {
		return nil, fmt.Errorf("%s: n is %d, want 0 or more", b.Name(), n)
	}
	addr, err := loc.resolve(p)
	if err != nil {
		return nil, err
	}
	// What cannot be read at all replaces no file.
	if _, err := p.in.ReadAt(addr, p.word[:min(n, 1)]); err != nil {
		return nil, err
	}
	file, err := p.env.allowed.create(b.Name(), path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", b.Name(), err)
	}
	done, err := p.in.Dump(file, addr, uint64(n))
	if closed := file.Close(); err == nil && closed != nil {
		err = closed
	}
	if err != nil {
		if err := canceled(thread); err != nil {
			return nil, err
		}
		return nil, partly(err, int64(done), n)
	}
	return starlark.None, nil
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
	if _, err := p.in.ReadAt(addr, p.word[:s.size]); err != nil {
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
