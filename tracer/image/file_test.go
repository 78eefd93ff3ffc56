package image

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const (
	libc  = "/lib/x86_64-linux-gnu/libc.so.6"
	goExe = "/usr/local/go/bin/go"
)

// realFiles are files that this machine's linkers made, by what is odd with them.
func realFiles(t testing.TB) map[string]string {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{
		"ls":           "/bin/ls",
		"libc":         libc,
		"go":           goExe,
		"test":         self,
		"pie":          build(t, "report.c"),
		"nopie":        build(t, "report.c", "-no-pie", "-fno-pie"),
		"static":       build(t, "report.c", "-static"),
		"static-pie":   build(t, "report.c", "-static-pie", "-fPIE"),
		"stripped":     build(t, "report.c", "-s"),
		"shared":       build(t, "lib.c", "-shared", "-fPIC"),
		"sysv hash":    build(t, "lib.c", "-shared", "-fPIC", "-Wl,--hash-style=sysv"),
		"no build ID":  build(t, "report.c", "-Wl,--build-id=none"),
		"old layout":   build(t, "report.c", "-Wl,-z,noseparate-code"),
		"assembly":     build(t, "aliases.s", "-nostdlib", "-static"),
		"many symbols": build(t, "many.c"),
	}
	if symbols := nmSymbols(t, paths["stripped"], "-a"); len(symbols) != 0 {
		t.Fatalf("%d symbols are left", len(symbols))
	}
	return paths
}

// TestReadelf compares headers with what readelf says of them.
func TestReadelf(t *testing.T) {
	for name, path := range realFiles(t) {
		t.Run(name, func(t *testing.T) {
			f := mustOpen(t, path)
			var want, got strings.Builder
			for line := range strings.Lines(run(t, "readelf", "-hlnW", path)) {
				fields := strings.Fields(line)
				switch {
				case strings.HasPrefix(line, "  Entry point address:"):
					fmt.Fprintln(&want, "entry", fields[3])
				case strings.HasPrefix(line, "  Type:"):
					fmt.Fprintln(&want, "type", fields[1])
				case strings.Contains(line, "    Build ID:"):
					fmt.Fprintln(&want, "build ID", fields[len(fields)-1])
				case strings.HasPrefix(line, "      [Requesting program interpreter:"):
					fmt.Fprintln(&want, "interp", strings.TrimSuffix(fields[3], "]"))
				case strings.HasPrefix(line, "  LOAD"):
					flags := strings.Join(fields[6:len(fields)-1], "")
					fmt.Fprintln(&want, "segment", fields[2], fields[5], fields[1], fields[4], flags)
				}
			}
			fmt.Fprintf(&got, "type %s\n", strings.TrimPrefix(f.Type().String(), "ET_"))
			fmt.Fprintf(&got, "entry %#x\n", f.Entry())
			for _, s := range f.Segments() {
				flags := ""
				for i, c := range "RWE" {
					if s.Flags&[]elf.ProgFlag{elf.PF_R, elf.PF_W, elf.PF_X}[i] != 0 {
						flags += string(c)
					}
				}
				fmt.Fprintf(&got, "segment 0x%016x 0x%06x 0x%06x 0x%06x %s\n", s.Vaddr, s.Memsz, s.Off, s.Filesz, flags)
			}
			if f.Interp() != "" {
				fmt.Fprintf(&got, "interp %s\n", f.Interp())
			}
			if f.BuildID() != "" {
				fmt.Fprintf(&got, "build ID %s\n", f.BuildID())
			}
			if w, g := sortLines(want.String()), sortLines(got.String()); w != g {
				t.Errorf("got\n%s\nwant\n%s", g, w)
			}
		})
	}
}

func sortLines(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// TestSections compares sections with the files objcopy makes of them.
func TestSections(t *testing.T) {
	for _, compression := range []string{"none", "zlib", "zlib-gnu", "zstd"} {
		t.Run(compression, func(t *testing.T) {
			plain := build(t, "report.c")
			path := filepath.Join(t.TempDir(), "compressed")
			run(t, "objcopy", "--compress-debug-sections="+compression, plain, path)
			if compression == "zlib-gnu" {
				// Sections of the older form, .zdebug_info, are gone from use.
				if _, _, err := mustOpen(t, path).Section(".debug_info"); !errors.Is(err, ErrNoSection) {
					t.Errorf("error %v, want %v", err, ErrNoSection)
				}
				return
			}
			f, err := elf.Open(plain)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			compressed := 0
			for _, s := range f.Sections {
				got, addr, err := mustOpen(t, path).Section(s.Name)
				switch {
				case s.Type == elf.SHT_NOBITS:
					if !errors.Is(err, ErrNoSection) {
						t.Errorf("%s: error %v, want %v", s.Name, err, ErrNoSection)
					}
					continue
				case s.Type == elf.SHT_SYMTAB || s.Type == elf.SHT_STRTAB || s.Type == elf.SHT_NULL:
					continue // objcopy changes them
				case strings.HasPrefix(s.Name, ".debug"):
					compressed++
				}
				want, wantErr := s.Data()
				if err != nil || wantErr != nil || !bytes.Equal(got, want) || addr != s.Addr {
					t.Errorf("%s: got %d bytes at %#x, %v; want %d at %#x, %v", s.Name, len(got), addr, err, len(want), s.Addr, wantErr)
				}
			}
			if compressed < 5 {
				t.Errorf("%d sections of debug information", compressed)
			}
		})
	}
}

// TestDecompress refuses sections that would become too large, or do not
// become as large as they say.
func TestDecompress(t *testing.T) {
	path := build(t, "report.c", "-gz=zlib")
	f := mustOpen(t, path)
	s := *f.section(".debug_info")
	data, err := f.read(s.Off, s.Size)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		size uint64
		want string
	}{
		{1 << 40, fmt.Sprintf("decompress: %d bytes would become %d", len(data), 1<<40)},
		{1 << 63, fmt.Sprintf("decompress: %d bytes would become %d", len(data), uint64(1)<<63)},
		{1 << 20, "decompress: unexpected EOF"},
	} {
		data := bytes.Clone(data)
		binary.LittleEndian.PutUint64(data[8:], test.size) // ch_size
		if got, err := decompress(data); err == nil || err.Error() != test.want {
			t.Errorf("size %#x: got %d bytes, %v; want %s", test.size, len(got), err, test.want)
		}
	}
	for n := range 30 {
		if got, err := decompress(data[:n]); err == nil {
			t.Errorf("%d bytes became %d", n, len(got))
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	ls, err := os.ReadFile("/bin/ls")
	if err != nil {
		t.Fatal(err)
	}
	object := filepath.Join(dir, "lib.o")
	run(t, "gcc", "-c", "-o", object, "testdata/lib.c")
	i386 := filepath.Join(dir, "i386.o")
	run(t, "gcc", "-m32", "-c", "-o", i386, "testdata/lib.c")
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	// write writes a copy of ls with bytes at off replaced, or cut to size.
	write := func(size, off int, b ...byte) string {
		path := filepath.Join(dir, fmt.Sprintf("%d-%d-%x", size, off, b))
		data := slices.Concat(ls[:off], b, ls[off+len(b):])
		if err := os.WriteFile(path, data[:size], 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	all := len(ls)
	for _, test := range []struct{ path, want string }{
		{dir, "is a directory"},
		{"/dev/null", "is not a regular file"},
		{pipe, "is not a regular file"},
		{"testdata/lib.c", "not an ELF file"},
		{write(0, 0), "not an ELF file"},
		{write(3, 0), "not an ELF file"},
		{write(63, 0), "ELF file of 63 bytes, too short for its header"},
		{i386, "32-bit ELF file, want x86-64"},
		{object, "object file, want an executable or shared library"},
		{write(all, elf.EI_CLASS, 1), "x32 ELF file, want x86-64"},
		{write(all, elf.EI_CLASS, 3), "corrupt ELF file, want x86-64"},
		{write(all, elf.EI_DATA, 2), "big-endian ELF file, want x86-64"},
		{write(all, 18, 183, 0), "ARM aarch64 ELF file, want x86-64"},
		{write(all, 18, 243, 0), "RISCV ELF file, want x86-64"},
		{write(all, 16, 4), "core file, want an executable or shared library"},
		{write(all, 16, 9), "ELF (type 9) file, want an executable or shared library"},
		{write(all, 54, 1), "program headers of 1 bytes, want 56"},
		{write(all, 56, 0xff, 0xff), "65535 program headers, more than 1170"},
		{write(100, 0), "read program headers: 728 bytes at offset 0x40 lie outside the file"},
		{write(all, 64+2*56+40, 255, 255, 255, 255, 255, 255, 255, 255), "program header 2: segment too large"},
		{write(all, 64+2*56+32, 255, 255, 255, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0), "program header 2: 16777215 bytes in the file for 4096 in memory"},
	} {
		f, err := Open(test.path)
		if want := test.path + ": " + test.want; f != nil || err == nil || err.Error() != want {
			t.Errorf("got %v, %v; want %s", f, err, want)
		}
	}
	if _, err := Open(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want %v", err, fs.ErrNotExist)
	}
}

// TestShared checks which files are the same to Open.
func TestShared(t *testing.T) {
	path := build(t, "report.c")
	dir := t.TempDir()
	f := mustOpen(t, path)
	if mustOpen(t, path) != f {
		t.Error("opened twice, read twice")
	}
	moved := filepath.Join(dir, "copy")
	copyFile(t, path, moved)
	for range 2 { // found by its build ID, then by itself
		if mustOpen(t, moved) != f {
			t.Error("copy with the same build ID is another file")
		}
	}
	if f.Name() != path {
		t.Errorf("name %s, want %s", f.Name(), path)
	}
	stripped := filepath.Join(dir, "stripped")
	run(t, "strip", "-o", stripped, path)
	if s := mustOpen(t, stripped); s == f || s.BuildID() != f.BuildID() {
		t.Errorf("stripped copy with build ID %s is the same file", s.BuildID())
	}
	other := build(t, "report.c", "-Wl,--build-id=none")
	copyFile(t, other, moved)
	if mustOpen(t, moved) == mustOpen(t, other) {
		t.Error("copy without a build ID is the same file")
	}
}

// TestChanged writes to a file between its being opened and being read.
func TestChanged(t *testing.T) {
	clear(files.entries) // else another test's copy might be shared
	path := copied(t, build(t, "report.c"))
	old := mustOpen(t, path)
	copyFile(t, build(t, "lib.c", "-shared", "-fPIC"), path)
	const want = "file has changed since it was opened"
	if _, err := old.DWARF(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("DWARF: error %v, want %s", err, want)
	}
	if _, err := old.Symbols(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Symbols: error %v, want %s", err, want)
	}
	if s := old.Lookup("main"); s != nil {
		t.Errorf("Lookup = %+v", s)
	}
	if _, _, err := old.Section(".symtab"); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Section: error %v, want %s", err, want)
	}
	f := mustOpen(t, path)
	if f == old {
		t.Fatal("the file before the change")
	}
	if s := f.Lookup("library_function"); len(s) != 1 {
		t.Errorf("Lookup = %+v, want one", s)
	}
	// What has the build ID of the old file is not the old file either.
	copyFile(t, build(t, "report.c"), path)
	if f := mustOpen(t, path); f == old || len(f.Lookup("main")) != 1 || f.BuildID() != old.BuildID() {
		t.Errorf("the file before the changes")
	}
}

// TestChangedDebug truncates and overwrites a program whose debug information is being
// read in parts.
func TestChangedDebug(t *testing.T) {
	go1 := filepath.Join(t.TempDir(), "go")
	run(t, "go", "build", "-ldflags=-compressdwarf=false", "-o", go1, "cmd/vet")
	for name, change := range map[string]func(path string) error{
		"truncated":   func(path string) error { return os.Truncate(path, 1<<20) },
		"overwritten": func(path string) error { return os.WriteFile(path, make([]byte, 64<<20), 0o666) },
	} {
		t.Run(name, func(t *testing.T) {
			clear(files.entries)
			path := copied(t, go1)
			old := mustOpen(t, path)
			main := old.Lookup("main.main")
			data, err := old.DWARF()
			if err != nil {
				t.Fatal(err)
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			const want = "file has changed since it was opened"
			if line, err := data.Line(main[0].Addr); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("Line = %v, %v, want the error %s", line, err, want)
			}
			if list, err := data.FuncsNamed("no.such"); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("FuncsNamed = %v, %v, want the error %s", list, err, want)
			}
		})
	}
}

// TestCacheLimit forgets what was not used for longest.
func TestCacheLimit(t *testing.T) {
	c := cache{entries: make(map[key]*entry)}
	file := &File{r: bytes.NewReader(nil)}
	for i := range cacheSize + 10 {
		c.put(key{inode: uint64(i)}, file)
		if c.get(key{inode: 0}) != file {
			t.Fatalf("forgot the file used last, after %d more", i)
		}
	}
	if len(c.entries) != cacheSize {
		t.Errorf("%d entries, want %d", len(c.entries), cacheSize)
	}
	for i := range 10 {
		if c.get(key{inode: uint64(i + 1)}) != nil {
			t.Errorf("kept file %d", i+1)
		}
	}
}

// TestConcurrent has goroutines share all that is made on first use.
func TestConcurrent(t *testing.T) {
	clear(files.entries)
	path := build(t, "report.c", "-static")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			f, err := Open(path)
			if err != nil {
				t.Error(err)
				return
			}
			s := f.Lookup("main")
			if len(s) != 1 {
				t.Errorf("Lookup = %+v", s)
				return
			}
			if at, ok := f.At(s[0].Addr + 1); !ok || at != s[0] {
				t.Errorf("At = %+v, want %+v", at, s[0])
			}
			if _, err := f.CFI(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// withoutSections returns path's bytes with a header that tells of no sections.
func withoutSections(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint64(data[40:], 0) // e_shoff
	return data
}

// TestNoSections finds dynamic symbols and call frame information by program
// headers alone, the same as by sections.
func TestNoSections(t *testing.T) {
	for name, path := range realFiles(t) {
		t.Run(name, func(t *testing.T) {
			whole := mustOpen(t, path)
			data := withoutSections(t, path)
			f, err := Parse(bytes.NewReader(data), int64(len(data)), path)
			if err != nil {
				t.Fatal(err)
			}
			// No program header of a Go program leads to its build ID.
			if f.BuildID() != whole.BuildID() && whole.section(".note.go.buildid") == nil {
				t.Errorf("build ID %s, want %s", f.BuildID(), whole.BuildID())
			}
			got, err := f.Symbols()
			if err != nil {
				t.Fatal(err)
			}
			raw, err := whole.sectionTable(elf.SHT_DYNSYM)
			if err != nil {
				t.Fatal(err)
			}
			symbols, err := raw.decode(nil)
			if err != nil {
				t.Fatal(err)
			}
			// A separate debug file that is installed has them, too.
			if debug, _ := f.Debug(); debug != f {
				raw, err := debug.sectionTable(elf.SHT_SYMTAB)
				if err != nil {
					t.Fatal(err)
				}
				more, err := raw.decode(nil)
				if err != nil {
					t.Fatal(err)
				}
				f.adopt(more, debug)
				symbols = append(more, symbols...)
			} else {
				symbols = append(symbols, f.findStart()...)
			}
			if want := newSymbolTable(whole, symbols).symbols; !slices.Equal(got, want) {
				t.Errorf("%d symbols, want %d", len(got), len(want))
			}

			if whole.section(".eh_frame_hdr") == nil {
				return // as in a static program
			}
			eh, addr, err := whole.Section(".eh_frame")
			if err != nil {
				t.Fatal(err)
			}
			s, err := f.ehFrame()
			if err != nil || !bytes.HasPrefix(s.EHFrame, eh) || s.EHFrameAddr != addr {
				t.Errorf("%d bytes of .eh_frame at %#x, %v; want %d at %#x", len(s.EHFrame), s.EHFrameAddr, err, len(eh), addr)
			}
			hdr, addr, err := whole.Section(".eh_frame_hdr")
			if err != nil || !bytes.Equal(s.EHFrameHdr, hdr) || s.EHFrameHdrAddr != addr {
				t.Errorf("%d bytes of .eh_frame_hdr at %#x, %v; want %d at %#x", len(s.EHFrameHdr), s.EHFrameHdrAddr, err, len(hdr), addr)
			}
			if _, err := f.CFI(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestDebugFile reads a file of separate debug information, whose program
// headers do not fit it.
func TestDebugFile(t *testing.T) {
	path := build(t, "report.c")
	debug := filepath.Join(t.TempDir(), "debug")
	run(t, "objcopy", "--only-keep-debug", path, debug)
	whole, f := mustOpen(t, path), mustOpen(t, debug)
	if f == whole || f.BuildID() != whole.BuildID() {
		t.Errorf("build ID %s, want %s of another file", f.BuildID(), whole.BuildID())
	}
	if got, want := f.Lookup("main"), whole.Lookup("main"); !slices.Equal(got, want) {
		t.Errorf("Lookup = %+v, want %+v", got, want)
	}
	got, _, err := f.Section(".debug_info")
	want, _, wantErr := whole.Section(".debug_info")
	if err != nil || wantErr != nil || !bytes.Equal(got, want) {
		t.Errorf("%d bytes of .debug_info, %v; want %d, %v", len(got), err, len(want), wantErr)
	}
	if _, _, err := f.Section(".text"); !errors.Is(err, ErrNoSection) {
		t.Errorf(".text: error %v, want %v", err, ErrNoSection)
	}
	if _, err := f.CFI(); err == nil || !strings.HasSuffix(err.Error(), "no call frame information") {
		t.Errorf("CFI: error %v, want none found", err)
	}
}

// TestTruncated reads files cut short: they never have symbols of their own
// making.
func TestTruncated(t *testing.T) {
	path := build(t, "report.c")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := mustOpen(t, path).Symbols()
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(data); n += 97 {
		f, err := Parse(bytes.NewReader(data[:n]), int64(n), "cut")
		if err != nil {
			continue
		}
		symbols, _ := f.Symbols()
		for _, s := range symbols {
			found := s.Name == "main" || s.Name == "_start" // without a symbol table
			if !slices.ContainsFunc(whole, func(w Symbol) bool {
				return w == s || found && w.Name == s.Name && w.Addr == s.Addr && w.Size == s.Size
			}) {
				t.Errorf("cut to %d bytes: %+v", n, s)
			}
		}
		f.CFI()
	}
}

func FuzzParse(f *testing.F) {
	zlib := build(f, "lib.c", "-shared", "-fPIC", "-nostdlib", "-gz=zlib")
	zstd := filepath.Join(f.TempDir(), "zstd")
	run(f, "objcopy", "--compress-debug-sections=zstd", zlib, zstd)
	for _, path := range []string{
		build(f, "lib.c", "-shared", "-fPIC", "-nostdlib"),
		build(f, "lib.c", "-shared", "-fPIC", "-nostdlib", "-Wl,--hash-style=sysv", "-s"),
		zlib,
		zstd,
		build(f, "aliases.s", "-nostdlib", "-static"),
	} {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
		f.Add(withoutSections(f, path))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		f, err := Parse(bytes.NewReader(data), int64(len(data)), "fuzz")
		if (f == nil) != (err != nil) {
			t.Fatalf("got %v and %v", f, err)
		}
		if err != nil {
			return
		}
		symbols, _ := f.Symbols()
		for _, s := range symbols {
			found := f.Lookup(s.Name)
			if !slices.ContainsFunc(found, func(other Symbol) bool { return other.Name == s.Name && other.Addr == s.Addr }) {
				t.Fatalf("Lookup(%q) = %+v lacks %+v", s.Name, found, s)
			}
			if at, ok := f.At(s.Addr); ok && (at.Addr > s.Addr || at.Size != 0 && s.Addr-at.Addr >= at.Size) {
				t.Fatalf("At(%#x) = %+v", s.Addr, at)
			}
		}
		f.Near("library_functoin")
		f.Match("*l*i*b*")
		for _, s := range f.Segments() {
			for _, addr := range []uint64{s.Vaddr, pageDown(s.Vaddr), s.Vaddr + s.Filesz - 1, s.Vaddr + s.Memsz, alignUp(s.Vaddr+s.Memsz, pageSize) - 1} {
				buf := make([]byte, 2*pageSize)
				if n, err := f.ReadLoaded(addr, buf); n > len(buf) || n == 0 && err == nil && s.Memsz > 0 && addr >= s.Vaddr && addr < s.Vaddr+s.Memsz {
					t.Fatalf("ReadLoaded(%#x) = %d, %v in %+v", addr, n, err, s)
				}
			}
		}
		if err := f.Matches(f); err != nil {
			t.Fatalf("Matches: %v", err)
		}
		if table, err := f.CFI(); (table == nil) != (err != nil) {
			t.Fatalf("CFI: got %v and %v", table, err)
		}
		for i := range f.sections {
			if name, ok := cString(f.names, uint64(f.sections[i].Name)); ok {
				if data, _, err := f.Section(name); data != nil && err != nil {
					t.Fatalf("Section(%q): got %d bytes and %v", name, len(data), err)
				}
			}
		}
		im := New("fuzz", f, 0x7f0000000000)
		im.At(im.Bias + f.Entry())
		blocks, err := im.Blocks("*")
		if err != nil {
			t.Fatalf("Blocks: %v", err)
		}
		for i := range blocks {
			if i > 0 && blocks[i].Addr < blocks[i-1].Addr+uint64(blocks[i-1].Size) {
				t.Fatalf("block at %#x, the one before ends at %#x", blocks[i].Addr, blocks[i-1].Addr+uint64(blocks[i-1].Size))
			}
		}
	})
}
