package unwind

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
)

// A stop is a stopped thread as testdata/dump.py records it. It is the Memory
// and the Images of its own stack.
type stop struct {
	Maps   string
	Regs   map[string]uint64
	Memory []struct {
		Addr uint64
		Data []byte
	}
	Frames []struct { // as gdb sees them
		PC     uint64
		Signal bool
		Regs   map[string]uint64
	}
	mappings []mapping
	blind    string // a file to hide the call frame information of
	reads    int    // calls of ReadAt
}

type mapping struct {
	lo, hi, offset uint64
	executable     bool
	path           string
}

// compile builds a file of testdata and returns the program's path.
func compile(t testing.TB, source string, flags ...string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "a.out")
	command(t, "gcc", append(flags, "-o", out, filepath.Join("testdata", source))...)
	return out
}

func command(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(name, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd, err, stderr.Bytes(), out)
	}
	return out
}

// debug runs commands in gdb on program, which must dump at least once, and
// returns what they dumped.
func debug(t testing.TB, program string, commands ...string) []*stop {
	t.Helper()
	out := filepath.Join(t.TempDir(), "stops.json")
	args := []string{"-nx", "-batch", "-x", "testdata/dump.py"}
	for _, c := range append(commands, fmt.Sprintf("python save(%q)", out)) {
		args = append(args, "-ex", c)
	}
	log := command(t, "gdb", append(args, program)...)
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	var stops []*stop
	if err := json.Unmarshal(data, &stops); err != nil || len(stops) == 0 {
		t.Fatalf("%d stops: %v\n%s", len(stops), err, log)
	}
	for _, s := range stops {
		for line := range strings.Lines(s.Maps) {
			var m mapping
			var perms, dev string
			var inode int
			fmt.Sscanf(line, "%x-%x %s %x %s %d %s", &m.lo, &m.hi, &perms, &m.offset, &dev, &inode, &m.path)
			m.executable = strings.Contains(perms, "x")
			s.mappings = append(s.mappings, m)
		}
	}
	return stops
}

func (s *stop) regs() *arch.Regs {
	var regs arch.Regs
	for name, v := range s.Regs {
		arch.Lookup(name).Set(&regs, v)
	}
	return &regs
}

func (s *stop) ReadAt(addr uint64, buf []byte) (int, error) {
	s.reads++
	for _, m := range s.Memory {
		if off := addr - m.Addr; off < uint64(len(m.Data)) {
			return bytes.NewReader(m.Data).ReadAt(buf, int64(off))
		}
	}
	if m := s.mapping(addr); m != nil && strings.HasPrefix(m.path, "/") {
		return bytes.NewReader(file(m.path).data).ReadAt(buf, int64(addr-m.lo+m.offset))
	}
	return 0, errors.New("bad address")
}

func (s *stop) mapping(addr uint64) *mapping {
	for i := range s.mappings {
		if m := &s.mappings[i]; m.lo <= addr && addr < m.hi {
			return m
		}
	}
	return nil
}

func (s *stop) CFI(pc uint64) (*Table, uint64, bool) {
	m := s.mapping(pc)
	if m == nil || !m.executable {
		return nil, 0, false
	}
	var f *image
	switch {
	case strings.HasPrefix(m.path, "/"):
		f = file(m.path)
	case m.path == "[vdso]":
		data := make([]byte, m.hi-m.lo)
		s.ReadAt(m.lo, data)
		f = parse(data)
	default:
		return nil, 0, true
	}
	if m.path == s.blind {
		return nil, 0, true
	}
	for _, p := range f.elf.Progs {
		if p.Type == elf.PT_LOAD && p.Flags&elf.PF_X != 0 && p.Off&^(pageSize-1) == m.offset {
			return f.table, m.lo - p.Vaddr&^(pageSize-1), true
		}
	}
	return nil, 0, true
}

func (s *stop) Role(uint64) Role { return Plain }

func (s *stop) Caller(_, _ *Frame) (bool, error) { return false, nil }

// An image is an ELF file in memory.
type image struct {
	data     []byte
	elf      *elf.File
	sections Sections
	table    *Table // nil if it has no call frame information
}

var files sync.Map // path to *image

func file(path string) *image {
	if f, ok := files.Load(path); ok {
		return f.(*image)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	f, _ := files.LoadOrStore(path, parse(data))
	return f.(*image)
}

func parse(data []byte) *image {
	ef, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		panic(err)
	}
	f := &image{data: data, elf: ef}
	section := func(name string) ([]byte, uint64) {
		s := ef.Section(name)
		if s == nil {
			return nil, 0
		}
		data, err := s.Data()
		if err != nil {
			panic(err)
		}
		return data, s.Addr
	}
	s := &f.sections
	s.EHFrame, s.EHFrameAddr = section(".eh_frame")
	s.EHFrameHdr, s.EHFrameHdrAddr = section(".eh_frame_hdr")
	if data, _ := section(".debug_frame"); data != nil {
		s.DebugFrame = debugFrame(data)
	}
	_, s.TextAddr = section(".text")
	_, s.DataAddr = section(".got")
	f.table, _ = NewTable(*s)
	return f
}

// debugFrame returns what Sections has for .debug_frame.
func debugFrame(data []byte) func() ([]byte, error) {
	return func() ([]byte, error) { return data, nil }
}

// compare unwinds s and reports where the frames are not those of gdb.
func (s *stop) compare(t *testing.T) []Frame {
	t.Helper()
	frames, err := Stack(s, s, s.regs(), 1000)
	if err != nil {
		t.Errorf("Stack: %v", err)
	}
	if len(frames) != len(s.Frames) {
		t.Errorf("%d frames, gdb has %d", len(frames), len(s.Frames))
	}
	for i, f := range frames[:min(len(frames), len(s.Frames))] {
		want := s.Frames[i]
		if f.PC != want.PC || f.Signal != want.Signal {
			t.Errorf("frame %d: pc %#x, signal %v; gdb has %#x, %v", i, f.PC, f.Signal, want.PC, want.Signal)
		}
		for name, v := range want.Regs {
			if r := arch.Lookup(name).Reg; f.Known.Has(r) && f.Regs[r] != v {
				t.Errorf("frame %d: %s = %#x, gdb has %#x", i, name, f.Regs[r], v)
			}
		}
	}
	if t.Failed() {
		t.Log(s.describe(frames))
	}
	return frames
}

// describe lists frames beside those of gdb.
func (s *stop) describe(frames []Frame) string {
	var b strings.Builder
	for i := range max(len(frames), len(s.Frames)) {
		fmt.Fprintf(&b, "%3d", i)
		if i < len(frames) {
			f := frames[i]
			fmt.Fprintf(&b, " pc %#x sp %#x cfa %#x %v", f.PC, f.SP, f.CFA, f.By)
		}
		if i < len(s.Frames) {
			fmt.Fprintf(&b, ", gdb pc %#x sp %#x", s.Frames[i].PC, s.Frames[i].Regs["rsp"])
		}
		b.WriteByte('\n')
	}
	return b.String()
}
