package value

import (
	"debug/elf"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// fuzzed are the sections that fuzzing changes.
var fuzzed = []string{".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str"}

// FuzzFormat writes values of the types of changed sections, over memory in which
// every address has something.
func FuzzFormat(f *testing.F) {
	for _, source := range []string{"testdata/shapes.c", "testdata/shapes.cc"} {
		path := tracertest.Build(f, source, "-nostdlib", "-static")
		file, err := elf.Open(path)
		if err != nil {
			f.Fatal(err)
		}
		var data [][]byte
		for _, name := range fuzzed {
			section := file.Section(name)
			if section == nil {
				f.Fatalf("%s has no %s", path, name)
			}
			b, err := section.Data()
			if err != nil {
				f.Fatal(err)
			}
			data = append(data, b)
		}
		f.Add(data[0], data[1], data[2], data[3])
	}
	names := []string{"item", "shape", "word", "color", "Base", "Derived", "grid", "items"}
	f.Fuzz(func(t *testing.T, info, abbrev, str, lineStr []byte) {
		sections := map[string][]byte{fuzzed[0]: info, fuzzed[1]: abbrev, fuzzed[2]: str, fuzzed[3]: lineStr}
		d, err := debuginfo.Open("fuzz", func(name string) ([]byte, error) { return sections[name], nil }, nil)
		if err != nil {
			return
		}
		in := everywhere{&fake{}}
		late := time.AfterFunc(time.Minute, func() { panic("it does not end") })
		defer late.Stop()
		for _, name := range names {
			types, _ := d.Types(name)
			vars, _ := d.Globals(name, 0)
			for _, v := range vars {
				if vt, err := v.Type(); err == nil {
					types = append(types, vt)
				}
			}
			for _, typ := range types[:min(4, len(types))] {
				v := At(in, typ, 0x1000)
				if s := v.String(); len(s) > 8*maxText || strings.ContainsRune(s, '\033') {
					t.Fatalf("%s: %d bytes", name, len(s))
				}
				v.Int()
				v.Field("next")
				v.Index(1)
				v.Dynamic()
				v.Fields()
				v.MemberOf(v)
				Alignment(typ)
				new(evaluator).methods(v, "area")
			}
		}
	})
}

// everywhere is a Context whose memory has a byte at each address.
type everywhere struct{ *fake }

func (everywhere) ReadAt(addr uint64, buf []byte) (int, error) {
	for i := range buf {
		buf[i] = byte(addr+uint64(i)) >> 2
	}
	return len(buf), nil
}

func (e everywhere) Frame() *debuginfo.Frame { return &debuginfo.Frame{Memory: e} }

// TestShapes checks that the seeds of FuzzFormat have what it asks for.
func TestShapes(t *testing.T) {
	var all []string
	for _, source := range []string{"testdata/shapes.c", "testdata/shapes.cc"} {
		file, err := elf.Open(tracertest.Build(t, source, "-nostdlib", "-static"))
		if err != nil {
			t.Fatal(err)
		}
		d, err := debuginfo.Open("shapes", func(name string) ([]byte, error) {
			section := file.Section(name)
			if section == nil {
				return nil, nil
			}
			return section.Data()
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"item", "color", "word", "Derived", "grid"} {
			types, _ := d.Types(name)
			for _, typ := range types {
				s := At(everywhere{&fake{}}, typ, 0x1000).String()
				s = strings.ReplaceAll(s, "static count = <error: not found>", "") // fake has no variables
				if strings.Contains(s, "error") {
					t.Errorf("%s: %s", name, s)
				}
				all = append(all, name)
			}
		}
	}
	for _, name := range []string{"item", "color", "word", "Derived"} {
		if !slices.Contains(all, name) {
			t.Errorf("no type %s was written", name)
		}
	}
}
