package debuginfo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/internal/dw"
)

// fuzzed are the sections that fuzzing changes, each an argument.
var fuzzed = []section{secInfo, secAbbrev, secStr, secLine, secLineStr, secRnglists, secRanges, secLoclists, secLoc, secAranges, secAddr, secStrOffsets, secTypes}

// seedSections returns the sections of small programs of all versions.
func seedSections(f *testing.F) [][][]byte {
	f.Helper()
	var seeds [][][]byte
	for _, flags := range [][]string{
		{"-gdwarf-2"}, {"-gdwarf-4", "-O2", "-fdebug-types-section"}, {"-gdwarf-5", "-O2"}, {"-gdwarf64", "-O1", "-flto"},
	} {
		load := sectionsOf(f, build(f, "tiny.c", append(flags, "-nostdlib", "-static")...))
		seed := make([][]byte, len(fuzzed))
		for i, s := range fuzzed {
			data, err := load(s.String())
			if err != nil {
				f.Fatal(err)
			}
			seed[i] = data
		}
		seeds = append(seeds, seed)
	}
	return seeds
}

// openFuzzed returns the debug information of changed sections, or nil.
func openFuzzed(t *testing.T, sections ...[]byte) *Data {
	t.Helper()
	byName := make(map[string][]byte)
	for i, data := range sections {
		byName[fuzzed[i].String()] = data
	}
	d, err := Open("fuzz", func(name string) ([]byte, error) { return byName[name], nil }, nil)
	if (d == nil) == (err == nil) {
		t.Fatalf("Open = %v, %v", d, err)
	}
	return d
}

// one fails unless there is a value or an error.
func one(t *testing.T, what string, ok bool, err error) {
	t.Helper()
	if ok == (err != nil) {
		t.Fatalf("%s: value %v, error %v", what, ok, err)
	}
}

// FuzzStream looks up what is at an address and at a line in sections that are read in
// order and end early.
func FuzzStream(f *testing.F) {
	for _, s := range seedSections(f) {
		f.Add(s[0], s[1], s[2], s[3], s[4], s[5], s[9], uint64(0x401010), uint32(1<<20))
	}
	f.Fuzz(func(t *testing.T, info, abbrev, str, line, lineStr, rnglists, aranges []byte, pc uint64, most uint32) {
		sections := map[section][]byte{secInfo: info, secAbbrev: abbrev, secStr: str, secLine: line, secLineStr: lineStr, secRnglists: rnglists, secAranges: aranges}
		load := func(name string) ([]byte, error) { return sections[section(slices.Index(sectionNames[:], name))], nil }
		d, err := Open("fuzz", load, func(name string) (io.Reader, int64) {
			data, _ := load(name)
			return bytes.NewBuffer(data[:min(uint64(len(data)), uint64(most))]), int64(len(data))
		})
		if (d == nil) == (err == nil) {
			t.Fatalf("Open = %v, %v", d, err)
		}
		if err != nil {
			return
		}
		for range 2 {
			funcs, err := d.Funcs(pc)
			one(t, "Funcs", len(funcs) > 0, err)
			l, err := d.Line(pc)
			one(t, "Line", l != Line{}, err)
			places, err := d.Places("tiny.c", 12)
			one(t, "Places", len(places) > 0, err)
			d.allUnits()
		}
	})
}

func FuzzData(f *testing.F) {
	for _, s := range seedSections(f) {
		f.Add(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12], uint64(0x401010))
	}
	f.Fuzz(func(t *testing.T, info, abbrev, str, line, lineStr, rnglists, ranges, loclists, loc, aranges, addr, strOffsets, types []byte, pc uint64) {
		d := openFuzzed(t, info, abbrev, str, line, lineStr, rnglists, ranges, loclists, loc, aranges, addr, strOffsets, types)
		if d == nil {
			return
		}
		pcs := []uint64{pc}
		for _, r := range d.addresses().list[:min(10, len(d.addresses().list))] {
			pcs = append(pcs, r.Low, r.High-1)
		}
		for _, u := range d.units[:min(10, len(d.units))] {
			for _, r := range u.walk().byAddress.list[:min(10, len(u.walk().byAddress.list))] {
				pcs = append(pcs, r.Low)
			}
		}
		for _, pc := range pcs {
			l, err := d.Line(pc)
			one(t, "line", l.Line != 0, err)
			if err == nil && !l.Contains(pc) {
				t.Fatalf("line at %#x is at %v", pc, l.Range)
			}
			chain, err := d.Funcs(pc)
			one(t, "functions", len(chain) > 0, err)
			for _, fn := range chain {
				if len(fn.Ranges) == 0 || !fn.Ranges[0].Contains(fn.Entry) {
					t.Fatalf("entry of %s is %#x, ranges %v", fn.Name, fn.Entry, fn.Ranges)
				}
				vars, err := fn.Vars(pc)
				if err == nil {
					for _, v := range vars[:min(len(vars), 10)] {
						checkVar(v, fuzzFrame(pc))
					}
				}
				if _, err := d.PrologueEnd(fn); err != nil && errors.Is(err, ErrNotFound) {
					t.Fatal(err)
				}
			}
		}
		for _, name := range []string{"_start", "sum", "twice", "node"} {
			list, err := d.FuncsNamed(name)
			one(t, "name", len(list) > 0, err)
		}
		for _, n := range []int{1, 11, 20, 28} {
			places, err := d.Places("tiny.c", n)
			one(t, "places", len(places) > 0, err)
			next, err := d.NextLine("tiny.c", n)
			one(t, "next line", next >= n, err)
		}
		d.Sources()
		for _, name := range []string{"struct node", "int", "node"} {
			types, err := d.Types(name)
			one(t, "types", len(types) > 0, err)
			for _, nt := range types {
				checkType(nt)
			}
		}
		vars, err := d.Globals("calls", pc)
		one(t, "globals", len(vars) > 0, err)
		for _, v := range vars {
			checkVar(v, fuzzFrame(pc))
		}
	})
}

// checkType asks a type for all it has.
func checkType(nt *Type) {
	nt.Define()
	nt.Layout()
	nt.Elem()
	nt.Strip()
	nt.Container()
	nt.Params()
	nt.TemplateArgs()
	nt.Enumerators()
	nt.ByReference()
	nt.IsVector()
	methods, _ := nt.Methods()
	for i := range methods[:min(len(methods), 10)] {
		methods[i].Type()
	}
	for _, d := range nt.Dims() {
		nt.CountIn(d, fuzzFrame(0x401010))
	}
	fields, _ := nt.Fields()
	for i := range fields[:min(len(fields), 10)] {
		fields[i].Type()
		fields[i].Constant()
		fields[i].OffsetIn(fuzzFrame(0x401010), 0x1000)
	}
}

func checkVar(v *Var, f *Frame) {
	if l, err := v.Location(f); err == nil {
		f.Read(l, 8)
	}
	if vt, err := v.Type(); err == nil && vt != nil {
		checkType(vt)
	}
}

// zeros is memory that holds nothing.
type zeros struct{}

func (zeros) ReadAt(addr uint64, buf []byte) (int, error) { return len(buf), nil }

// fuzzFrame returns a frame of which all is known.
func fuzzFrame(pc uint64) *Frame {
	f := &Frame{PC: pc, Memory: zeros{}}
	f.Reg = func(n int) ([]byte, error) { return make([]byte, 16), nil }
	f.CFA = func() (uint64, error) { return 0x7000, nil }
	f.Object = f.CFA
	f.TLS = func(offset uint64) (uint64, error) { return offset, nil }
	return f
}

// FuzzSplit reads split debug information and indexes of packages.
func FuzzSplit(f *testing.F) {
	sections := []string{".debug_info.dwo", ".debug_abbrev.dwo", ".debug_str_offsets.dwo", ".debug_loclists.dwo", ".debug_loc.dwo", ".debug_cu_index"}
	for _, flags := range [][]string{{"-gdwarf-4"}, {"-gdwarf-5"}} {
		object := f.TempDir() + "/tiny.o"
		args := append(append([]string{"-g", "-O2", "-gsplit-dwarf", "-c", "-o", object}, flags...), "testdata/tiny.c")
		output(f, "gcc", args...)
		load := sectionsOf(f, strings.TrimSuffix(object, ".o")+".dwo")
		seed := make([][]byte, len(sections))
		for i, name := range sections {
			seed[i], _ = load(name)
		}
		// Of one unit: four columns, two slots.
		index := []uint32{2, 4, 1, 2, 0x11223344, 0x55667788, 0, 0, 1, 0, sectInfo, sectAbbrev, sectLoc, sectStrOffsets, 0, 0, 0, 0, 1, 1, 1, 1}
		var packed []byte
		for _, word := range index {
			packed = binary.LittleEndian.AppendUint32(packed, word)
		}
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], []byte(nil))
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], packed)
	}
	linked := openFile(f, build(f, "tiny.c", "-gsplit-dwarf", "-gdwarf-5", "-nostdlib", "-static"))
	f.Fuzz(func(t *testing.T, info, abbrev, strOffsets, loclists, loc, index []byte) {
		byName := make(map[string][]byte)
		for i, data := range [][]byte{info, abbrev, strOffsets, loclists, loc, index} {
			if len(data) > 0 {
				byName[sections[i]] = data
			}
		}
		d, err := (&Data{name: "fuzz", load: linked.load}).open()
		if err != nil {
			t.Fatal(err)
		}
		d.SetSplit(func(_, _ string, id uint64) (*Data, error) {
			s, err := d.OpenSplit("fuzz.dwo", func(name string) ([]byte, error) { return byName[name], nil }, nil)
			if (s == nil) == (err == nil) {
				t.Fatalf("OpenSplit = %v, %v", s, err)
			}
			if err == nil && !s.Holds(id) { // the ID of the program does not matter
				for _, u := range s.units {
					s.splits[id] = u
				}
			}
			return s, err
		})
		for _, r := range d.addresses().list {
			chain, err := d.Funcs(r.Low)
			one(t, "functions", len(chain) > 0, err)
			for _, fn := range chain {
				vars, _ := fn.Vars(r.Low)
				for _, v := range vars[:min(len(vars), 10)] {
					checkVar(v, fuzzFrame(r.Low))
				}
			}
		}
		list, err := d.FuncsNamed("sum")
		one(t, "name", len(list) > 0, err)
		types, err := d.Types("struct node")
		one(t, "types", len(types) > 0, err)
		for _, nt := range types {
			checkType(nt)
		}
	})
}

// FuzzIndex reads indexes of a real program.
func FuzzIndex(f *testing.F) {
	path := build(f, "tiny.c", "-nostdlib", "-static")
	for _, flags := range [][]string{nil, {"-dwarf-5"}} {
		load := sectionsOf(f, indexed(f, path, flags...))
		gdb, _ := load(secGDBIndex.String())
		names, _ := load(secNames.String())
		str, _ := load(secStr.String())
		f.Add(gdb, names, str)
	}
	load := sectionsOf(f, path)
	f.Fuzz(func(t *testing.T, gdb, names, str []byte) {
		d, err := Open("fuzz", func(name string) ([]byte, error) {
			switch name {
			case secGDBIndex.String():
				return gdb, nil
			case secNames.String():
				return names, nil
			case secStr.String():
				return str, nil
			}
			return load(name)
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"sum", "_start", "calls"} {
			list, err := d.FuncsNamed(name)
			one(t, "name", len(list) > 0, err)
		}
	})
}

// FuzzExpr runs expressions in the unit of a real program.
func FuzzExpr(f *testing.F) {
	d := openFile(f, build(f, "values.c", "-O2"))
	fns, err := d.FuncsNamed("leaf")
	if err != nil {
		f.Fatal(err)
	}
	fn := fns[0]
	for op := range 0x100 {
		f.Add([]byte{byte(op), 1, 2, 3, 4, 5, 6, 7, 8})
		f.Add([]byte{dw.OpLit0 + 2, dw.OpLit0 + 1, byte(op), 1, dw.OpStackValue})
	}
	f.Add([]byte{dw.OpReg0, dw.OpPiece, 4, dw.OpPiece, 4, dw.OpBreg0, 1, dw.OpBitPiece, 3, 5})
	f.Add([]byte{dw.OpSkip, 0xfd, 0xff})
	f.Fuzz(func(t *testing.T, expr []byte) {
		frame := fuzzFrame(fn.Entry)
		depth := 0
		frame.Caller = func() (*Data, *Frame, error) {
			if depth++; depth > 1000 {
				t.Fatal("callers without end")
			}
			return d, frame, nil
		}
		l, err := fn.u.eval(expr, frame, fn)
		if err != nil && l.Kind != InMemory {
			t.Fatalf("location %v, error %v", l, err)
		}
		if err == nil {
			b, err := frame.Read(l, 8)
			if (len(b) == 8) == (err != nil) {
				t.Fatalf("%d bytes, error %v", len(b), err)
			}
		}
	})
}
