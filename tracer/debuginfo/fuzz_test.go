package debuginfo

import (
	"errors"
	"testing"
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
	d, err := Open("fuzz", func(name string) ([]byte, error) { return byName[name], nil })
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
	})
}
