package debuginfo

import (
	"debug/elf"
	"os"
	"os/exec"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// sectionsOf returns the sections of an ELF file.
func sectionsOf(tb testing.TB, path string) Sections {
	tb.Helper()
	file, err := os.Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { file.Close() })
	f, err := elf.NewFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return func(name string) ([]byte, error) {
		s := f.Section(name)
		if s == nil {
			return nil, nil
		}
		if s.Flags&elf.SHF_COMPRESSED != 0 {
			return s.Data()
		}
		// Data would decompress the older form, .zdebug.
		data := make([]byte, s.FileSize)
		_, err := file.ReadAt(data, int64(s.Offset))
		return data, err
	}
}

// openFile returns the debug information of an ELF file.
func openFile(tb testing.TB, path string) *Data {
	tb.Helper()
	d, err := Open(path, sectionsOf(tb, path), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// build compiles a file of testdata. C++ files are compiled with g++, which
// knows its libraries.
func build(tb testing.TB, source string, flags ...string) string {
	tb.Helper()
	return tracertest.Build(tb, "testdata/"+source, flags...)
}

// output runs an installed program and returns what it prints.
func output(tb testing.TB, name string, args ...string) string {
	tb.Helper()
	out, err := exec.Command(tracertest.Tool(tb, name), args...).Output()
	if err != nil {
		tb.Fatalf("%s %q: %v", name, args, err)
	}
	return string(out)
}
