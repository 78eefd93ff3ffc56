package unwind

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
)

// libraries returns the paths of shared libraries that a C++ program uses.
func libraries(t testing.TB) []string {
	t.Helper()
	out := command(t, "ldd", compile(t, "deep.c", "-x", "c++", "-Wl,--no-as-needed", "-lstdc++", "-lm"))
	return regexp.MustCompile(`/\S+\.so\S*`).FindAllString(string(out), -1)
}

// TestRowsAsReadelf compares every row of real files with what readelf makes
// of it.
func TestRowsAsReadelf(t *testing.T) {
	goroutine := filepath.Join(t.TempDir(), "goroutine")
	command(t, "go", "build", "-o", goroutine, "./testdata/goroutine")
	paths := append(libraries(t),
		goroutine,
		compile(t, "calls.c", "-O2", "-static"),
		compile(t, "calls.c", "-O2", "-g", "-fno-asynchronous-unwind-tables", "-mavx2"),
		compile(t, "rules.s", "-nostdlib"),
	)
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			rows := 0
			for _, f := range readelf(t, path) {
				rows += f.check(t, file(path).table)
			}
			t.Logf("%d rows", rows)
		})
	}
}

// A dumped FDE is one that readelf shows.
type dumped struct {
	lo, hi  uint64
	columns []string
	rows    []dumpedRow
}

type dumpedRow struct {
	loc   uint64
	rules []string
}

var registerNote = regexp.MustCompile(`r\d+ \((\w+)\)`) // "r2 (rcx)"

var fdeLine = regexp.MustCompile(`^[0-9a-f]+ [0-9a-f]+ [0-9a-f]+ FDE cie=[0-9a-f]+ pc=([0-9a-f]+)\.\.([0-9a-f]+)`)

// readelf returns the FDEs of a file.
func readelf(t testing.TB, path string) []*dumped {
	var fdes []*dumped
	var f *dumped
	out := command(t, "readelf", "--debug-dump=frames-interp", "--debug-dump=no-follow-links", path)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(registerNote.ReplaceAllString(line, "$1"))
		switch {
		case len(fields) == 0:
			f = nil
		case fdeLine.MatchString(line):
			m := fdeLine.FindStringSubmatch(line)
			f = new(dumped)
			f.lo, f.hi = hex(m[1]), hex(m[2])
			fdes = append(fdes, f)
		case f != nil && fields[0] == "LOC":
			f.columns = fields[1:]
		case f != nil && len(fields) == 1+len(f.columns):
			f.rows = append(f.rows, dumpedRow{hex(fields[0]), fields[1:]})
		}
	}
	if len(fdes) == 0 {
		t.Fatalf("readelf shows no FDE of %s", path)
	}
	return fdes
}

func hex(s string) uint64 {
	v, err := strconv.ParseUint(s, 16, 64)
	if err != nil {
		panic(err)
	}
	return v
}

// check looks up the first and the last pc of every row of d and returns the
// number of rows.
func (d *dumped) check(t *testing.T, table *Table) int {
	if d.rows == nil { // those of its CIE
		d.rows = []dumpedRow{{loc: d.lo}}
	}
	for i, want := range d.rows {
		end := d.hi
		if i+1 < len(d.rows) {
			end = d.rows[i+1].loc
		}
		if want.loc >= end {
			continue // readelf shows a row for an advance of 0.
		}
		for _, pc := range []uint64{want.loc, end - 1} {
			r, err := table.row(pc)
			if err != nil || r == nil {
				t.Errorf("row of %#x: %v, %v", pc, r, err)
				continue
			}
			if r.fde.hi != d.hi || r.lo != want.loc || r.hi != end {
				t.Errorf("row of %#x holds from %#x to %#x of %#x, want %#x to %#x of %#x", pc, r.lo, r.hi, r.fde.hi, want.loc, end, d.hi)
			}
			for i, column := range d.columns {
				if got := describe(r, column); got != want.rules[i] {
					t.Errorf("row of %#x: %s is %s, want %s", pc, column, got, want.rules[i])
				}
			}
		}
	}
	return len(d.rows)
}

// describe writes a rule of r as readelf does.
func describe(r *row, column string) string {
	if column == "CFA" {
		if r.cfa.kind == valExpression {
			return "exp"
		}
		return fmt.Sprintf("%s%+d", arch.FromDWARF[r.cfa.reg], r.cfa.offset)
	}
	if column == "ra" {
		column = "rip"
	}
	for n, reg := range arch.FromDWARF {
		if reg.String() != column {
			continue
		}
		switch rule := r.regs[n]; rule.kind {
		case atCFA:
			return fmt.Sprintf("c%+d", rule.offset)
		case isCFA:
			return fmt.Sprintf("v%+d", rule.offset)
		case inRegister:
			if int(rule.reg) == n {
				return "s"
			}
			return arch.FromDWARF[rule.reg].String()
		case expression:
			return "exp"
		case valExpression:
			return "vexp"
		}
		return "u"
	}
	return "u" // a vector register
}

// TestHeaderAsScan checks that the search table and the section itself lead to
// the same rows.
func TestHeaderAsScan(t *testing.T) {
	for _, path := range libraries(t) {
		s := file(path).sections
		header, err := NewTable(s)
		if err != nil {
			t.Fatal(err)
		}
		s.EHFrameHdr = nil
		scan, err := NewTable(s)
		if err != nil {
			t.Fatal(err)
		}
		if header.eh.header.len() == 0 || scan.eh.header.len() != 0 {
			t.Fatalf("%s: header of %d and %d FDEs", path, header.eh.header.len(), scan.eh.header.len())
		}
		scan.row(0)
		for _, f := range scan.eh.list {
			for _, pc := range []uint64{f.lo - 1, f.lo, (f.lo + f.hi) / 2, f.hi - 1, f.hi} {
				a, errA := header.row(pc)
				b, errB := scan.row(pc)
				if errA != nil || errB != nil || (a == nil) != (b == nil) ||
					a != nil && (a.rules != b.rules || a.lo != b.lo || a.hi != b.hi || a.fde.program != b.fde.program) {
					t.Fatalf("%s: row of %#x: %+v, %v by the header, %+v, %v by the scan", path, pc, a, errA, b, errB)
				}
			}
		}
		t.Logf("%s: %d FDEs", path, len(scan.eh.list))
	}
}
