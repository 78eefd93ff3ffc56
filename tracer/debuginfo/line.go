package debuginfo

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
)

// ErrNotFound is the error for what the debug information does not have.
var ErrNotFound = errors.New("not found")

// A notFound says what was not found.
type notFound string

func (e notFound) Error() string        { return string(e) }
func (e notFound) Is(target error) bool { return target == ErrNotFound }

func (d *Data) notFound(format string, args ...any) error {
	if failed := d.failed.Load(); failed != nil {
		return *failed
	}
	return notFound(d.name + ": " + fmt.Sprintf(format, args...))
}

// A Line is a line of source, and the instructions that come from it.
type Line struct {
	File   string // absolute, if the compiler's directory is known
	Line   int
	Column int  // from 1 on, or 0 for all of the line
	IsStmt bool // whether Low is a good place for a breakpoint
	Range       // of the instructions; others may come from the same line
}

// A Place is an address where a breakpoint on a line belongs.
type Place struct {
	Addr uint64
	Line
	Func *Func // the function, inlined or not, that Addr is in, or nil
}

// unitLines is a line table that has been run.
type unitLines struct {
	once sync.Once
	t    *lineTable
	err  error

	run       sync.Once
	ran       atomic.Bool
	sequences rangeTable[[]row]
	runErr    error
}

// lines returns the unit's lines, not yet run. Units may share them.
func (u *unit) lines() (*unitLines, error) {
	u = u.home()
	if l := u.linesRead.Load(); l != nil {
		return l, l.err
	}
	if err := u.open(); err != nil {
		return nil, err
	}
	if !u.hasLines {
		return nil, u.data.notFound("unit %s has no lines", u.name)
	}
	v, ok := u.data.programs.Load(u.lineOff)
	if !ok {
		v, _ = u.data.programs.LoadOrStore(u.lineOff, new(unitLines))
	}
	l := v.(*unitLines)
	l.once.Do(func() {
		if l.t, l.err = u.readLineTable(); l.err != nil {
			l.err = fmt.Errorf("%s: %w", u.data.name, l.err)
		}
	})
	u.linesRead.Store(l)
	return l, l.err
}

// lineTable returns the header of the unit's lines.
func (u *unit) lineTable() (*lineTable, error) {
	l, err := u.lines()
	if err != nil {
		return nil, err
	}
	return l.t, nil
}

// lineSequences returns the unit's lines by address. What stands before an
// error is kept.
func (u *unit) lineSequences() (*unitLines, error) {
	l, err := u.lines()
	if err != nil {
		return nil, err
	}
	l.run.Do(func() {
		defer l.ran.Store(true)
		l.runErr = l.t.sequences(func(rows []row) {
			l.sequences.add(Range{rows[0].addr, rows[len(rows)-1].addr}, slices.Clone(rows))
		})
		l.sequences.sort()
	})
	return l, l.runErr
}

// Line returns the line that the instruction at pc comes from. The error is
// ErrNotFound if the compiler names none.
func (d *Data) Line(pc uint64) (Line, error) {
	var line Line
	var failed error
	found := false
	d.unitsAt(pc, func(u *unit) bool {
		l, err := u.lineSequences()
		if l == nil {
			failed = cmp.Or(failed, err)
			return true
		}
		failed = cmp.Or(failed, err)
		l.sequences.at(pc, func(rows []row) bool {
			line, found = l.t.lineAt(rows, pc)
			return !found
		})
		return !found
	})
	if found {
		return line, nil
	}
	if failed != nil {
		return Line{}, failed
	}
	return Line{}, d.notFound("no line at %#x", pc)
}

// lineAt returns the line of pc, which is among rows. Of several rows at its
// address the last one counts, or the last one that is a statement.
func (t *lineTable) lineAt(rows []row, pc uint64) (Line, bool) {
	i := sort.Search(len(rows), func(i int) bool { return rows[i].addr > pc }) - 1
	best := i
	for best > 0 && rows[best].flags&rowIsStmt == 0 && rows[best-1].addr == rows[i].addr && rows[best-1].line != 0 {
		best--
	}
	if rows[best].flags&rowIsStmt == 0 {
		best = i
	}
	if rows[best].line == 0 || rows[best].flags&rowEnd != 0 {
		return Line{}, false
	}
	return t.line(rows, best), true
}

// line returns what rows[i] says.
func (t *lineTable) line(rows []row, i int) Line {
	r := &rows[i]
	high := r.addr
	for _, next := range rows[i+1:] {
		if high = next.addr; high > r.addr {
			break
		}
	}
	return Line{
		File:   t.path(r.file),
		Line:   int(r.line),
		Column: int(r.column),
		IsStmt: r.flags&rowIsStmt != 0,
		Range:  Range{r.addr, high},
	}
}

// A fileTable finds the units with lines of a file by the last element of its
// path.
type fileTable = hashTable

func (d *Data) buildFiles() *fileTable {
	lists := make([][]hashed, len(d.allUnits()))
	var seen sync.Map // offsets of tables
	d.parallel(d.allUnits(), func(u *unit) {
		t, err := u.lineTable()
		if err != nil || u.kind == unitType {
			return
		}
		if _, again := seen.LoadOrStore(t.off, true); again {
			return
		}
		list := make([]hashed, 0, len(t.files))
		for i := range t.files {
			list = append(list, hashed{hash: hashOf(base(t.files[i].name)), unit: uint32(u.index)})
		}
		slices.SortFunc(list, func(a, b hashed) int { return cmp.Compare(a.hash, b.hash) })
		lists[u.index] = slices.Compact(list)
	})
	return newHashTable(lists)
}

// base returns what follows the last slash.
func base[T string | []byte](name T) T {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			return name[i+1:]
		}
	}
	return name
}

// sameFile reports whether name, a path or the end of one, means the file at
// full.
func sameFile(full, name string) bool {
	rest, ok := strings.CutSuffix(full, name)
	return ok && (rest == "" || strings.HasSuffix(rest, "/") || strings.HasPrefix(name, "/"))
}

// mayHaveFile returns units among which are all that have lines of a file with the last
// element of its path: one for each table of lines.
func (d *Data) mayHaveFile(base string) []*unit {
	if !d.whole.Load() && d.partial.Add(1) <= maxPartial {
		if units := d.withLineTables(base); units != nil {
			return units
		}
	}
	var units []*unit
	hash := hashOf(base)
	for _, h := range d.files().find(hash) {
		if h.hash == hash {
			units = append(units, d.units[h.unit])
		}
	}
	return units
}

// withLineTables does what mayHaveFile does by going through the tables first, and then
// through the units no further than to the last one that has one of those. It returns nil
// if that does not find any.
func (d *Data) withLineTables(file string) (list []*unit) {
	tables := make(map[uint64]bool) // those with the file, by their offsets
	for off, size := uint64(0), uint64(len(d.section(secLine))); off < size; {
		nobody := &unit{data: d, lineOff: off}
		t, err := nobody.readLineTable()
		if err != nil {
			return nil
		}
		if slices.ContainsFunc(t.files, func(f lineFile) bool { return string(base(f.name)) == file }) {
			tables[off] = true
		}
		off = uint64(t.program.end)
	}
	for u := range d.inOrder {
		if len(tables) == 0 {
			break
		}
		if u.open() == nil && u.hasLines && u.kind != unitType && tables[u.lineOff] {
			delete(tables, u.lineOff)
			list = append(list, u)
		}
	}
	return list
}

// withFile returns the units with lines of a file, and for each the numbers it
// has there.
func (d *Data) withFile(file string) (units []*unit, numbers map[*unit][]uint32) {
	file = path.Clean(file)
	numbers = make(map[*unit][]uint32)
	for _, u := range d.mayHaveFile(base(file)) {
		t, err := u.lineTable()
		if err != nil {
			continue
		}
		for i := range t.files {
			if string(base(t.files[i].name)) == base(file) && sameFile(t.path(uint32(i)), file) {
				numbers[u] = append(numbers[u], uint32(i))
			}
		}
		if numbers[u] != nil {
			units = append(units, u)
		}
	}
	return units, numbers
}

// Places returns where breakpoints on a line of a file belong: one for each
// function and each place where it has been inlined. A file is given by its
// path or the end of it, such as "json.c" or "src/json.c". If the line has no
// code, the next one that has is taken, but not if it starts another function.
func (d *Data) Places(file string, line int) ([]Place, error) {
	units, numbers := d.withFile(file)
	if len(units) == 0 {
		return nil, d.notFound("no file %s", file)
	}
	var mu sync.Mutex
	var found []Place
	best := lineFit(0)
	d.parallel(units, func(u *unit) {
		places, fit := u.places(numbers[u], line)
		mu.Lock()
		defer mu.Unlock()
		if best == 0 || fit != 0 && fit < best {
			found, best = nil, fit
		}
		if fit == best {
			found = append(found, places...)
		}
	})
	found = d.oneEach(found)
	if best.line() != line {
		found = slices.DeleteFunc(found, func(p Place) bool {
			return p.Func == nil || p.Addr == p.Func.Entry && line < p.Func.Line
		})
	}
	if len(found) == 0 {
		return nil, d.notFound("no code for line %d of %s", line, file)
	}
	return found, nil
}

// A lineFit says how well rows fit a line that was asked for; less is better. It
// is the line, doubled, plus one if no row is a statement.
type lineFit uint64

func (f lineFit) line() int { return int(f / 2) }

// places returns the rows of a unit that fit line best. Of lines behind it only
// statements count.
func (u *unit) places(files []uint32, line int) (found []Place, best lineFit) {
	t, err := u.lineTable()
	if err != nil {
		return nil, 0
	}
	t.sequences(func(rows []row) {
		for i := range rows {
			r := &rows[i]
			if int64(r.line) < int64(line) || r.line == 0 || r.flags&rowEnd != 0 || !slices.Contains(files, r.file) {
				continue
			}
			fit := lineFit(r.line) * 2
			if r.flags&rowIsStmt == 0 {
				fit++
				if int(r.line) != line {
					continue
				}
			}
			if best == 0 || fit < best {
				found, best = found[:0], fit
			}
			if n := len(found); fit == best && (n == 0 || found[n-1].Addr != r.addr) {
				found = append(found, Place{Addr: r.addr, Line: t.line(rows, i)})
			}
		}
	})
	return found, best
}

// oneEach keeps one of the places in each function, and one in code without a
// function, such as thunks: the lowest, but rather one
// in the part that holds the function's entry than in one split off as cold.
func (d *Data) oneEach(places []Place) []Place {
	slices.SortFunc(places, func(a, b Place) int { return cmp.Compare(a.Addr, b.Addr) })
	at := make(map[*Func]int)
	seen := make(map[uint64]bool)
	var kept []Place
	for _, p := range places {
		if seen[p.Addr] {
			continue
		}
		seen[p.Addr] = true
		if chain, err := d.Funcs(p.Addr); err == nil {
			p.Func = chain[0]
		}
		i, again := at[p.Func]
		if again {
			if p.Func != nil && p.Func.Ranges[0].Contains(p.Addr) && !p.Func.Ranges[0].Contains(kept[i].Addr) {
				kept[i] = p
			}
			continue
		}
		at[p.Func] = len(kept)
		kept = append(kept, p)
	}
	return kept
}

// NextLine returns the first line from line on that has code, anywhere in a file.
func (d *Data) NextLine(file string, line int) (int, error) {
	units, numbers := d.withFile(file)
	best := lineFit(0)
	for _, u := range units {
		if _, fit := u.places(numbers[u], line); best == 0 || fit != 0 && fit < best {
			best = fit
		}
	}
	if best == 0 {
		return 0, d.notFound("no code from line %d of %s on", line, file)
	}
	return best.line(), nil
}

// Sources returns the paths of all source files that have lines, sorted.
func (d *Data) Sources() []string {
	var mu sync.Mutex
	set := make(map[string]bool)
	d.parallel(d.allUnits(), func(u *unit) {
		t, err := u.lineTable()
		if err != nil || u.kind == unitType {
			return
		}
		for i := range t.files {
			name := t.path(uint32(i))
			mu.Lock()
			set[name] = true
			mu.Unlock()
		}
	})
	delete(set, "")
	paths := make([]string, 0, len(set))
	for name := range set {
		paths = append(paths, name)
	}
	slices.Sort(paths)
	return paths
}
