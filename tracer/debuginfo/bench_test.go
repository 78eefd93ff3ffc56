package debuginfo

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// bigProgram returns a large program: that in $BIG, or the go command.
func bigProgram(b *testing.B) (path, function, file string, line int) {
	if big := os.Getenv("BIG"); big != "" {
		return big, os.Getenv("BIG_FUNC"), os.Getenv("BIG_FILE"), 23
	}
	path = filepath.Join(b.TempDir(), "go")
	if out, err := exec.Command("go", "build", "-o", path, "cmd/go").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	return path, "main.main", "cmd/go/main.go", 100
}

// BenchmarkOpen measures what the first breakpoint costs, from nothing known.
func BenchmarkOpen(b *testing.B) {
	path, function, file, line := bigProgram(b)
	sections := make(map[string][]byte)
	load := sectionsOf(b, path)
	for s := range section(numSections) {
		data, err := load(s.String())
		if err != nil {
			b.Fatal(err)
		}
		sections[s.String()] = data
	}
	open := func() *Data {
		d, err := Open(path, func(name string) ([]byte, error) { return sections[name], nil }, nil)
		if err != nil {
			b.Fatal(err)
		}
		return d
	}
	b.Run("headers", func(b *testing.B) {
		for b.Loop() {
			open()
		}
	})
	b.Run("scan", func(b *testing.B) {
		b.SetBytes(int64(len(sections[secInfo.String()])))
		for b.Loop() {
			open().names()
		}
	})
	b.Run("function", func(b *testing.B) {
		for b.Loop() {
			if _, err := open().FuncsNamed(function); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("line", func(b *testing.B) {
		for b.Loop() {
			if _, err := open().Places(file, line); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("address", func(b *testing.B) {
		list, err := open().FuncsNamed(function)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			d := open()
			if _, err := d.Funcs(list[0].Entry); err != nil {
				b.Fatal(err)
			}
			if _, err := d.Line(list[0].Entry); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkAddress measures the function and the line of an address that has
// been asked for before, as each frame of a stack costs.
func BenchmarkAddress(b *testing.B) {
	d := openFile(b, build(b, "shapes.cc", "-O2", "-lstdc++"))
	list, err := d.FuncsNamed("geo_main")
	if err != nil {
		b.Fatal(err)
	}
	pc := list[0].Entry + 40
	for b.Loop() {
		if _, err := d.Funcs(pc); err != nil {
			b.Fatal(err)
		}
		if _, err := d.Line(pc); err != nil {
			b.Fatal(err)
		}
	}
}
