package core

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// A fake is memory of which only the pages in it were changed. Each holds its own
// address, over and over; what was not changed is zero.
type fake map[uint64]bool

func (f fake) ReadAt(addr uint64, buf []byte) (int, error) {
	for i := range buf {
		at := addr + uint64(i)
		if buf[i] = 0; f[at&^(pageSize-1)] {
			var word [8]byte
			binary.LittleEndian.PutUint64(word[:], at&^(pageSize-1)|1)
			buf[i] = word[at%8]
		}
	}
	return len(buf), nil
}

func (f fake) Changed(_ *procfs.Mapping, addr, end uint64) (lo, hi uint64) {
	lo = end
	for page := range f {
		if page >= addr && page < lo {
			lo = page
		}
	}
	if lo == end {
		return end, end
	}
	for hi = lo; hi < end && f[hi]; {
		hi += pageSize
	}
	return lo, hi
}

// A sparseFile is a file in memory that holds only what was written.
type sparseFile struct {
	size   int64
	blocks map[int64][]byte // by offset, of a page and less
}

func (f *sparseFile) Truncate(size int64) error { f.size = size; return nil }

func (f *sparseFile) WriteAt(p []byte, off int64) (int, error) {
	if f.blocks == nil {
		f.blocks = make(map[int64][]byte)
	}
	f.size = max(f.size, off+int64(len(p)))
	for done := 0; done < len(p); {
		at := off + int64(done)
		page := at &^ (pageSize - 1)
		if f.blocks[page] == nil {
			f.blocks[page] = make([]byte, pageSize)
		}
		done += copy(f.blocks[page][at-page:], p[done:])
	}
	return len(p), nil
}

func (f *sparseFile) ReadAt(p []byte, off int64) (int, error) {
	n := int(min(int64(len(p)), max(0, f.size-off)))
	for done := 0; done < n; {
		at := off + int64(done)
		block := f.blocks[at&^(pageSize-1)]
		if block == nil {
			block = make([]byte, pageSize)
		}
		done += copy(p[done:n], block[at%pageSize:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// rewrite writes a snapshot and parses the core.
func rewrite(t testing.TB, s *Snapshot) (*Core, *sparseFile) {
	t.Helper()
	f := new(sparseFile)
	if err := Write(f, s); err != nil {
		t.Fatal(err)
	}
	c, err := Parse(f, f.size, "core", nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, f
}

func snapshot(memory Memory, maps ...procfs.Mapping) *Snapshot {
	thread := Saved{Thread: Thread{TID: 42, Sigmask: 3, Pending: 4}}
	for i := range thread.Regs {
		thread.Regs[i] = uint64(i) << 32
	}
	return &Snapshot{
		Psinfo:  Psinfo{PID: 42, PPID: 41, PGID: 40, SID: 39, UID: 1000, GID: 100, Name: "name", Args: "name and arguments"},
		Signal:  11,
		Threads: []Saved{thread, {Thread: Thread{TID: 43}}},
		Auxv:    binary.LittleEndian.AppendUint64(make([]byte, 0, 16), 0)[:16],
		Maps:    maps, Memory: memory,
	}
}

func TestWriteNotes(t *testing.T) {
	s := snapshot(fake{})
	s.Threads[0].Siginfo = bytes.Repeat([]byte{11}, siginfoSize)
	s.Threads[1].XSave = xsave(0xe7, 2688)
	s.XLayout = arch.GuessXLayout(s.Threads[1].XSave)
	c, _ := rewrite(t, s)
	if c.info != s.Psinfo || c.Signal() != 11 || len(c.Threads()) != 2 {
		t.Errorf("the core tells %+v, signal %d, %d threads", c.info, c.Signal(), len(c.Threads()))
	}
	a, b := c.Threads()[0], c.Threads()[1]
	if want := s.Threads[0]; a.TID != 42 || a.Regs != want.Regs || a.Sigmask != 3 || a.Pending != 4 || !bytes.Equal(a.Siginfo, want.Siginfo) || a.Name() != "name" {
		t.Errorf("the first thread is %+v", a)
	}
	if b.TID != 43 || b.Siginfo != nil || b.Name() != "" {
		t.Errorf("the second thread is %+v", b)
	}
	if _, err := a.XState(); err == nil {
		t.Error("the first thread has an extended state")
	}
	x, err := b.XState()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(x.Area(), s.Threads[1].XSave) {
		t.Error("the extended state is another")
	}
}

// xsave returns an XSAVE area in which every byte of registers is its offset.
func xsave(xcr0 uint64, size int) []byte {
	area := make([]byte, size)
	for i := range area {
		area[i] = byte(i ^ i>>8)
	}
	clear(area[416:576])
	binary.LittleEndian.PutUint64(area[464:], xcr0)
	binary.LittleEndian.PutUint64(area[512:], xcr0)
	return area
}

func TestFXState(t *testing.T) {
	s := snapshot(fake{})
	s.Threads[0].XSave = xsave(3, 576)
	c, f := rewrite(t, s)
	// Without the note it is that of FXSAVE which counts.
	c.threads[0].xs = place{}
	x, err := c.threads[0].XState()
	if err != nil {
		t.Fatal(err)
	}
	want := s.Threads[0].XSave[160+3*16:][:16]
	if got, err := x.Get(arch.LookupX("xmm3")); err != nil || !bytes.Equal(got, want) {
		t.Errorf("xmm3 is %x, error %v, want %x", got, err, want)
	}
	if _, err := x.Get(arch.LookupX("ymm3")); err == nil {
		t.Error("FXSAVE has ymm3")
	}
	c.threads[0].fx = place{uint64(f.size), fxSize}
	if _, err := c.threads[0].XState(); err == nil {
		t.Error("registers behind the end of the file can be read")
	}
}

func TestWriteMemory(t *testing.T) {
	const r, w, x = procfs.R, procfs.W, procfs.X
	base, file := uint64(1)<<40, filepath.Join(t.TempDir(), "none")
	maps := []procfs.Mapping{
		{Start: base, End: base + 0x10000, Perms: r | w},
		{Start: base + 0x20000, End: base + 0x30000},
		{Start: base + 0x30000, End: base + 0x32000, Perms: r | x, Inode: 1, Path: file},
		{Start: base + 0x40000, End: base + 0x42000, Perms: r, Inode: 1, Offset: 0x5000, Path: file, Deleted: true},
		{Start: base + 0x50000, End: base + 0x52000, Perms: r | w | procfs.Shared, Inode: 1, Path: file},
		{Start: base + 0x60000, End: base + 0x61000, Perms: r | w | procfs.Shared},
		{Start: 1 << 42, End: 1<<42 + 1<<44, Perms: r | w, Path: "[anon:shadow]"},
	}
	memory := fake{base + 0x3000: true, base + 0x31000: true, base + 0x41000: true}
	for _, page := range []uint64{1 << 42, 1<<42 + 1<<43, 1<<42 + 1<<43 + 0x5000, 1<<42 + 1<<44 - pageSize} {
		memory[page] = true
	}
	c, f := rewrite(t, snapshot(memory, maps...))
	if f.size > 1<<20 {
		t.Errorf("the core has %d bytes", f.size)
	}
	if len(f.blocks) > len(memory)+2 {
		t.Errorf("the core takes %d pages of disk", len(f.blocks))
	}
	want, got := make([]byte, pageSize), make([]byte, pageSize)
	for _, test := range []struct {
		addr uint64
		err  string
	}{
		{base, ""}, {base + 0x3000, ""}, {base + 0xf000, ""}, {base + 0x31000, ""}, {base + 0x40000, ""}, {base + 0x41000, ""}, {base + 0x60000, ""},
		{1 << 42, ""}, {1<<42 + 1<<20, ""}, {1<<42 + 1<<43, ""}, {1<<42 + 1<<43 + 0x5000, ""}, {1<<42 + 1<<44 - pageSize, ""},
		{base + 0x20000, ""}, {base + 0x10000, "nothing is mapped there"},
		{base + 0x30000, file + " is missing"},
		{base + 0x50000, "which the process could write to"},
		{1<<64 - pageSize, "nothing is mapped there"},
	} {
		n, err := c.ReadAt(test.addr, got)
		memory.ReadAt(test.addr, want)
		if test.err == "" && (n != pageSize || !bytes.Equal(got, want)) || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("reading %#x gives %d bytes, error %v, want %q", test.addr, n, err, test.err)
		}
	}
	for _, m := range maps {
		i := slices.IndexFunc(c.Maps(), func(o procfs.Mapping) bool { return o.Start <= m.Start && m.Start < o.End })
		if got := c.Maps()[i]; got.Perms != m.Perms&^procfs.Shared || m.Inode != 0 && (got.Path != m.Path || got.Offset != m.Offset || got.Deleted != m.Deleted) {
			t.Errorf("the mapping %+v is %+v in the core", m, got)
		}
	}
}

// TestManyMappings writes more mappings than the header can count, and reads them
// with and without the section header that has their number.
func TestManyMappings(t *testing.T) {
	var maps []procfs.Mapping
	for i := range uint64(70000) {
		maps = append(maps, procfs.Mapping{Start: i * 2 * pageSize, End: (i*2 + 1) * pageSize})
	}
	memory := fake{}
	last := maps[len(maps)-1].Start
	memory[last] = true
	c, f := rewrite(t, snapshot(memory, maps...))
	if got := len(c.Maps()); got != len(maps) {
		t.Errorf("the core has %d mappings, want %d", got, len(maps))
	}
	var word [8]byte
	if _, err := c.ReadAt(last, word[:]); err != nil || binary.LittleEndian.Uint64(word[:]) != last|1 {
		t.Errorf("the last page holds %x, error %v", word, err)
	}
	binary.LittleEndian.PutUint64(word[:], 1<<40)
	if _, err := f.WriteAt(word[:], 40); err != nil { // e_shoff
		t.Fatal(err)
	}
	c, err := Parse(f, f.size, "core", nil)
	if err != nil || len(c.Maps()) != len(maps) || len(c.Threads()) != 2 {
		t.Errorf("without the section header parsing is error %v", err)
	}
}

// TestLongArgv has many arguments, which are one and the same long string.
func TestLongArgv(t *testing.T) {
	const base, size = 0x7ff000000000, 3 << 20
	stack := bytes.Repeat([]byte{'x'}, size)
	auxv := []uint64{procfs.AT_RANDOM, base + size - 8, procfs.AT_NULL, 0}
	const count = 200000
	at := size - 8*(count+100)
	put := func(words ...uint64) {
		for _, w := range words {
			binary.LittleEndian.PutUint64(stack[at:], w)
			at += 8
		}
	}
	put(count)
	for range count {
		put(base)
	}
	put(0, 0)
	put(auxv...)
	s := snapshot(solid{base, stack}, procfs.Mapping{Start: base, End: base + size, Perms: procfs.R})
	s.Auxv = nil
	for _, w := range auxv {
		s.Auxv = binary.LittleEndian.AppendUint64(s.Auxv, w)
	}
	c, _ := rewrite(t, s)
	total := 0
	argv := c.Argv()
	for _, arg := range argv {
		total += len(arg)
	}
	if len(argv) != count || total > 2*maxArgs {
		t.Errorf("the core has %d arguments of %d bytes", len(argv), total)
	}
}

// A broken is a file that cannot be read from an offset on.
type broken struct {
	io.ReaderAt
	from int64
}

func (b *broken) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.from {
		return 0, io.ErrNoProgress
	}
	return b.ReaderAt.ReadAt(p, off)
}

// TestParseBroken parses a file that can be read in part only, as one that another
// process cuts at the same time.
func TestParseBroken(t *testing.T) {
	data := seed(t)
	for from := int64(0); from < int64(len(data)); from += 7 {
		c, err := Parse(&broken{bytes.NewReader(data), from}, int64(len(data)), "core", nil)
		if (c == nil) == (err == nil) {
			t.Fatalf("Parse gives a core: %t, error %v", c != nil, err)
		}
		if c != nil {
			c.Argv()
			c.Readable()
			c.Threads()[0].XState()
			c.ReadAt(0x5000, make([]byte, 100))
		}
	}
}

// seed returns a small core as the kernel writes it.
func seed(t testing.TB) []byte {
	s := snapshot(fake{0x1000: true}, procfs.Mapping{Start: 0x1000, End: 0x4000, Perms: procfs.R, Inode: 1, Path: "/nowhere/at all"}, procfs.Mapping{Start: 0x5000, End: 0x7000, Perms: procfs.R | procfs.W})
	s.Threads[0].XSave = xsave(7, 832)
	s.Threads[0].Siginfo = make([]byte, siginfoSize)
	s.Auxv = nil
	for _, v := range []uint64{procfs.AT_ENTRY, 0x1000, procfs.AT_RANDOM, 0x5800, procfs.AT_NULL, 0} {
		s.Auxv = binary.LittleEndian.AppendUint64(s.Auxv, v)
	}
	_, f := rewrite(t, s)
	data := make([]byte, f.size)
	f.ReadAt(data, 0)
	return data
}

func TestParseRefuses(t *testing.T) {
	good := seed(t)
	for _, test := range []struct {
		name string
		edit func(data []byte)
		want string
	}{
		{"magic", func(d []byte) { d[0] = 0 }, "not an ELF file"},
		{"class", func(d []byte) { d[elf.EI_CLASS] = byte(elf.ELFCLASS32) }, "another machine"},
		{"machine", func(d []byte) { d[18] = byte(elf.EM_386) }, "another machine"},
		{"executable", func(d []byte) { d[16] = byte(elf.ET_EXEC) }, "a program or shared library"},
		{"object", func(d []byte) { d[16] = byte(elf.ET_REL) }, "ELF file of type 1"},
		{"header size", func(d []byte) { d[54] = 32 }, "program headers of 32 bytes"},
		{"no notes", func(d []byte) { d[64] = byte(elf.PT_NULL) }, "no threads"},
	} {
		data := bytes.Clone(good)
		test.edit(data)
		if c, err := Parse(bytes.NewReader(data), int64(len(data)), "core", nil); c != nil || err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Parse gives a core: %t, error %v, want %q", test.name, c != nil, err, test.want)
		}
	}
}

func TestArgv(t *testing.T) {
	const base = 0x7ff000000000
	stack := make([]byte, 2*pageSize)
	auxv := []uint64{procfs.AT_RANDOM, base + 0x1800, procfs.AT_NULL, 0}
	// argc, argv, environment, auxiliary vector; the strings are behind.
	words := append([]uint64{2, base + 0x1900, base + 0x1910, 0, base + 0x1920, 0}, auxv...)
	for i, w := range words {
		binary.LittleEndian.PutUint64(stack[0x1000+8*i:], w)
	}
	copy(stack[0x1900:], "./name")
	copy(stack[0x1910:], "two words")
	copy(stack[0x1920:], "A=b")
	s := snapshot(solid{base, stack}, procfs.Mapping{Start: base, End: base + 2*pageSize, Perms: procfs.R | procfs.W})
	s.Auxv = nil
	for _, w := range auxv {
		s.Auxv = binary.LittleEndian.AppendUint64(s.Auxv, w)
	}
	c, _ := rewrite(t, s)
	if got := c.Argv(); !slices.Equal(got, []string{"./name", "two words"}) {
		t.Errorf("the arguments are %q", got)
	}
	if got := c.Maps()[0].Path; got != "[stack]" {
		t.Errorf("the stack is called %q", got)
	}
	s.Maps[0].Perms = 0 // none of it is in the core
	s.Memory = fake{}
	c, _ = rewrite(t, s)
	if got := c.Argv(); !slices.Equal(got, []string{"name", "and", "arguments"}) {
		t.Errorf("without the stack the arguments are %q", got)
	}
}

// A solid is memory that is all there.
type solid struct {
	base uint64
	data []byte
}

func (s solid) ReadAt(addr uint64, buf []byte) (int, error) {
	return copy(buf, s.data[addr-s.base:]), nil
}
func (s solid) Changed(_ *procfs.Mapping, addr, end uint64) (lo, hi uint64) { return addr, end }

// FuzzParse checks that any bytes are a core or an error, and that nothing that is
// asked of a core panics, hangs, or takes memory without bound.
func FuzzParse(f *testing.F) {
	data := seed(f)
	f.Add(data)
	f.Add(data[:100])
	f.Add(data[:2000])
	many := bytes.Clone(data)
	many[56], many[57] = 0xff, 0xff
	f.Add(many)
	root := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse(bytes.NewReader(data), int64(len(data)), "core", &Options{Sysroot: root})
		if (c == nil) == (err == nil) {
			t.Fatalf("Parse gives a core: %t, error %v", c != nil, err)
		}
		if err != nil {
			return
		}
		c.Exe()
		c.Argv()
		for _, thread := range c.Threads() {
			thread.Name()
			if x, err := thread.XState(); err == nil {
				for i := range arch.XRegisters {
					x.Get(&arch.XRegisters[i])
				}
			}
		}
		end := uint64(0)
		for _, m := range c.Maps() {
			if m.Start < end || m.End <= m.Start {
				t.Fatalf("mapping %#x-%#x behind %#x", m.Start, m.End, end)
			}
			end = m.End
			c.OpenMapped(m)
		}
		end = 0
		buf := make([]byte, 2*pageSize)
		for _, m := range c.Readable() {
			if m.Start < end || m.End <= m.Start {
				t.Fatalf("readable %#x-%#x behind %#x", m.Start, m.End, end)
			}
			end = m.End
			want := min(uint64(len(buf)), m.End-m.Start)
			if n, err := c.ReadAt(m.Start, buf[:want]); err != nil || uint64(n) != want {
				t.Fatalf("reading what is readable at %#x gives %d bytes of %d, error %v", m.Start, n, want, err)
			}
			c.ReadAt(m.End-1, buf)
		}
	})
}

// TestReadableEnds maps far more of a file than it has.
func TestReadableEnds(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	const base, end = 1 << 20, 1 << 60
	c, _ := rewrite(t, snapshot(fake{}, procfs.Mapping{Start: base, End: end, Perms: procfs.R | procfs.X, Inode: 1, Offset: pageSize, Path: exe}))
	info, err := os.Stat(exe)
	if err != nil {
		t.Fatal(err)
	}
	parts := c.Readable()
	if len(parts) != 1 || parts[0].Start != base || parts[0].End-base != (uint64(info.Size())-1)&^(pageSize-1) {
		t.Fatalf("%+v can be read, of a file of %d bytes", parts, info.Size())
	}
	var last [pageSize]byte
	if n, err := c.ReadAt(parts[0].End-pageSize, last[:]); n != pageSize {
		t.Errorf("the last page has %d bytes, error %v", n, err)
	}
	for _, addr := range []uint64{parts[0].End, parts[0].End + 8, parts[0].End + 1<<40 + 8} {
		if _, err := c.ReadAt(addr, last[:8]); err == nil || !strings.Contains(err.Error(), "ends before it") {
			t.Errorf("reading behind the file at %#x is error %v", addr, err)
		}
	}
}
