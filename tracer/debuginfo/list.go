package debuginfo

import (
	"cmp"
	"maps"
	"slices"
	"sync"
)

// FuncNames returns the names, with their namespaces and classes, of the functions
// for which match is true, sorted. match is called on several goroutines.
func (d *Data) FuncNames(match func(name string) bool) []string {
	return d.list(funcName, func(e *entry) string {
		if name := e.qualifiedName(); match(name) {
			return name
		}
		return ""
	})
}

// TypeNames returns the names of the types that are defined outside of functions and
// classes and for which match is true, sorted. In C, those of structures, unions and
// enumerations have their keyword before them, and match is called without it too.
func (d *Data) TypeNames(match func(name string) bool) []string {
	return d.list(typeName, func(e *entry) string {
		t := Type{Kind: kinds[e.ab.tag], Name: e.qualifiedName(), e: e}
		if short, ok := baseNames[t.Name]; ok {
			t.Name = short
		}
		if name := t.specifier(); t.Name != "" && (match(name) || match(t.Name)) {
			return name
		}
		return ""
	})
}

// list returns what name makes of the entries of a kind, each once, sorted.
func (d *Data) list(kind nameKind, name func(*entry) string) []string {
	var mu sync.Mutex
	all := make(map[string]bool)
	for data := d; data != nil; data = data.sup {
		data.parallel(data.allUnits(), func(u *unit) {
			own := make(map[string]bool)
			for _, h := range u.names() {
				e, err := data.hashedEntry(h)
				if err == nil && kindOf(e.ab.tag) == kind {
					own[name(e)] = true
				}
			}
			mu.Lock()
			defer mu.Unlock()
			maps.Copy(all, own)
		})
	}
	delete(all, "")
	return slices.Sorted(maps.Keys(all))
}

// Lines returns the places in a file where statements begin, in the order of lines and
// addresses. A file is given as to Places. The error is ErrNotFound if no unit has it.
func (d *Data) Lines(file string) ([]Line, error) {
	units, numbers := d.withFile(file)
	if len(units) == 0 {
		return nil, d.notFound("no file %s", file)
	}
	var list []Line
	for _, u := range units {
		t, err := u.lineTable()
		if err != nil {
			return nil, err
		}
		t.sequences(func(rows []row) {
			for i := range rows {
				if r := &rows[i]; r.line != 0 && r.flags&(rowIsStmt|rowEnd) == rowIsStmt && slices.Contains(numbers[u], r.file) {
					list = append(list, t.line(rows, i))
				}
			}
		})
	}
	slices.SortFunc(list, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Low, b.Low), cmp.Compare(b.High, a.High))
	})
	return slices.CompactFunc(list, func(a, b Line) bool { return a.File == b.File && a.Line == b.Line && a.Low == b.Low }), nil
}
