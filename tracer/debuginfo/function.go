package debuginfo

import (
	"bytes"
	"cmp"
	"debug/dwarf"
	"encoding/binary"
	"errors"
	"maps"
	"slices"
	"sync"
)

// A Func is a function with code of its own, or a copy of one that has been
// inlined into another. There is one for each instance, always the same.
type Func struct {
	FuncDecl
	Entry  uint64  // the first instruction that runs
	Ranges []Range // its code, that with the entry first

	// Of a function that has been inlined: into which one, and the place of the
	// call there.
	Caller               *Func
	CallFile             string
	CallLine, CallColumn int

	place
	root *block // its code and variables
}

// In reports whether f has been inlined into outer, or into what was.
func (f *Func) In(outer *Func) bool {
	for f = f.Caller; f != nil; f = f.Caller {
		if f == outer {
			return true
		}
	}
	return false
}

// A FuncDecl is what a function's instances have in common.
type FuncDecl struct {
	Name    string // with its namespaces and classes: "std::vector<int>::size"
	Linkage string // the symbol's name where that is another one, or ""
	File    string // where it is declared, or ""
	Line    int
}

// A block is the body of a function, or a part of one with variables of its
// own.
type block struct {
	off    uint64
	ranges []Range // none for one that holds wherever the block around it does
	fn     *Func   // the function that it is the body of, or nil
	blocks []*block

	// What stacks ask for again and again.
	varsOnce  sync.Once
	vars      []*Var
	varsErr   error
	callsOnce sync.Once
	calls     []*callSite
}

// maxDepth limits how deep blocks nest. That of inlining is some twenty.
const maxDepth = 1000

// A function is a subprogram with code, whose names and blocks are read when
// they are asked for.
type function struct {
	u      *unit
	off    uint64
	ranges []Range

	once  sync.Once
	root  *Func
	err   error
	inner map[uint64]*Func // those inlined, by their entries
}

// load reads the function and those that have been inlined into it.
func (f *function) load() (*Func, error) {
	f.once.Do(func() {
		e, err := f.u.readEntry(f.off)
		if err != nil {
			f.err = err
			return
		}
		f.inner = make(map[uint64]*Func)
		f.root = newFunc(e, f.ranges)
		if e.ab.children {
			r := f.u.reader(e.next)
			f.readBlocks(&r, f.root.root, f.root, 0)
			f.err = r.err
		}
	})
	return f.root, f.err
}

// newFunc returns the function that e describes.
func newFunc(e *entry, ranges []Range) *Func {
	f := &Func{FuncDecl: *e.funcDecl(), place: place{e.u, e.off}}
	f.Entry = ranges[0].Low
	if entry := e.get(dwarf.AttrEntrypc); !entry.isZero() {
		if addr, ok := e.u.addr(entry); ok {
			f.Entry = addr
		} else if low, ok := e.u.addr(e.get(dwarf.AttrLowpc)); ok {
			f.Entry = low + entry.u // DWARF 5, 2.18
		}
	}
	f.Ranges = ranges
	if i := slices.IndexFunc(ranges, func(r Range) bool { return r.Contains(f.Entry) }); i > 0 {
		f.Ranges = slices.Concat(ranges[i:i+1], ranges[:i], ranges[i+1:])
	} else if i < 0 {
		f.Entry = ranges[0].Low
	}
	f.root = &block{off: e.off, ranges: ranges, fn: f}
	return f
}

// funcDecl returns the declaration of the function that e is an instance of.
func (e *entry) funcDecl() *FuncDecl {
	if o := e.origin(); o != nil {
		e = o
	}
	if d, ok := e.u.decls.Load(e.off); ok {
		return d.(*FuncDecl)
	}
	d := &FuncDecl{Name: e.qualifiedName()}
	if v, o := e.inherited(dwarf.AttrLinkageName, attrMIPSLinkageName); o != nil {
		d.Linkage = o.u.str(v)
	}
	d.File, d.Line = e.declared()
	e.u.decls.Store(e.off, d)
	return d
}

// declared returns where e, or what it completes, is declared.
func (e *entry) declared() (file string, line int) {
	v, at := e.inherited(dwarf.AttrDeclLine)
	if at == nil {
		return "", 0
	}
	line = int(v.u)
	// A definition that is in the file of its declaration may leave that out.
	if v, at = at.inherited(dwarf.AttrDeclFile); at != nil {
		file = at.u.file(v)
	}
	return file, line
}

// file returns the path of the file with the number v.
func (u *unit) file(v value) string {
	t, err := u.lineTable()
	if err != nil || v.u > 1<<32-1 || v.isZero() {
		return ""
	}
	return t.path(uint32(v.u))
}

// readBlocks reads the children of an entry into b, which belongs to fn.
func (f *function) readBlocks(r *reader, b *block, fn *Func, depth int) {
	for r.err == nil {
		off := r.off
		code := r.uleb()
		if code == 0 || r.err != nil {
			return
		}
		ab := f.u.abbrev.get(code)
		if ab == nil {
			r.fail(off, "no abbreviation has code %d", code)
			return
		}
		switch ab.tag {
		case dwarf.TagInlinedSubroutine, dwarf.TagLexDwarfBlock, dwarf.TagTryDwarfBlock, dwarf.TagCatchDwarfBlock:
		default:
			f.u.skipTree(r, ab)
			continue
		}
		if depth == maxDepth {
			r.fail(off, "blocks nest deeper than %d", maxDepth)
			return
		}
		e := new(entry)
		r.off = off
		f.u.next(r, e)
		inner, innerFn := &block{off: e.off, ranges: e.ranges()}, fn
		if ab.tag == dwarf.TagInlinedSubroutine && len(inner.ranges) > 0 {
			innerFn = newFunc(e, inner.ranges)
			innerFn.Caller = fn
			innerFn.CallFile = f.u.file(e.get(dwarf.AttrCallFile))
			innerFn.CallLine = int(e.get(dwarf.AttrCallLine).u)
			innerFn.CallColumn = int(e.get(dwarf.AttrCallColumn).u)
			f.inner[e.off] = innerFn
			inner = innerFn.root
		}
		hasPlace := len(inner.ranges) > 0 || ab.tag == dwarf.TagLexDwarfBlock && len(ab.attrs) <= 1
		if !hasPlace {
			// Nothing is left of its code.
			f.u.skipEntry(r, e)
			continue
		}
		b.blocks = append(b.blocks, inner)
		if ab.children {
			f.readBlocks(r, inner, innerFn, depth+1)
		}
	}
}

func (b *block) contains(pc uint64) bool {
	return len(b.ranges) == 0 || slices.ContainsFunc(b.ranges, func(r Range) bool { return r.Contains(pc) })
}

// at calls f with the blocks around pc, outermost first.
func (b *block) at(pc uint64, f func(*block)) {
	f(b)
	for _, inner := range b.blocks {
		if inner.contains(pc) {
			inner.at(pc, f)
			if len(inner.ranges) > 0 {
				return
			}
		}
	}
}

// Funcs returns the functions around pc: the innermost inlined one first, last
// the one whose code pc is in. The error is ErrNotFound if there is none.
func (d *Data) Funcs(pc uint64) ([]*Func, error) {
	fn, err := d.function(pc)
	if err != nil {
		return nil, err
	}
	var chain []*Func
	fn.root.at(pc, func(b *block) {
		if b.fn != nil {
			chain = append(chain, b.fn)
		}
	})
	slices.Reverse(chain)
	return chain, nil
}

// function returns the function whose code pc is in.
func (d *Data) function(pc uint64) (*Func, error) {
	var found *function
	var failed error
	d.unitsAt(pc, func(u *unit) bool {
		t := u.walk()
		t.byAddress.at(pc, func(f *function) bool {
			found = f
			return false
		})
		failed = cmp.Or(failed, t.err)
		return found == nil
	})
	if found != nil {
		return found.load()
	}
	if failed != nil {
		return nil, failed
	}
	return nil, d.notFound("no function at %#x", pc)
}

// FuncsNamed returns all instances of the functions called name, which may lack
// outer scopes ("size", "vector::size"), in the order of their entries. The
// error is ErrNotFound if there is none.
func (d *Data) FuncsNamed(name string) ([]*Func, error) {
	var list []*Func
	var failed error
	seen := make(map[*Func]bool)
	add := func(f *Func, err error) {
		failed = cmp.Or(failed, err)
		if f != nil && !seen[f] {
			seen[f] = true
			list = append(list, f)
		}
	}
	var wanted []place
	byUnit := make(map[*unit][]place)
	hasOwn := make(map[place]bool) // those that may have code of their own
	d.named(name, funcName, func(e *entry) bool {
		p := place{e.u, e.off}
		wanted = append(wanted, p)
		byUnit[e.u] = append(byUnit[e.u], p)
		if e.ab.has&hasCode != 0 {
			hasOwn[p] = true
		}
		return true
	})
	if len(wanted) == 0 {
		return nil, d.noName("function", name)
	}
	crossing := d.crossing()
	for _, u := range crossing {
		if byUnit[u] == nil {
			byUnit[u] = nil
		}
	}
	var mu sync.Mutex
	withCode := make(map[*unit]bool)
	isNamed := make(map[place]bool)
	d.parallel(slices.Collect(maps.Keys(byUnit)), func(u *unit) {
		var ps []place
		for _, p := range byUnit[u] {
			if e, err := p.u.readEntry(p.off); err == nil && matches(e.qualifiedName(), name) {
				ps = append(ps, p)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for _, p := range ps {
			isNamed[p] = true
		}
	})
	wanted = slices.DeleteFunc(wanted, func(p place) bool { return !isNamed[p] })
	d.parallel(slices.Collect(maps.Keys(byUnit)), func(u *unit) {
		ps := slices.DeleteFunc(byUnit[u], func(p place) bool { return !isNamed[p] })
		if u.open() == nil && u.abbrev.crosses() {
			ps = wanted
		}
		if slices.ContainsFunc(ps, func(p place) bool { return hasOwn[p] }) || u.mayRefer(ps) {
			u.walk()
			mu.Lock()
			defer mu.Unlock()
			withCode[u] = true
		}
	})
	crossing = slices.DeleteFunc(slices.Clone(crossing), func(u *unit) bool { return !withCode[u] })

	// Units that have been compiled with the same inline functions may each
	// describe the one copy of those that the linker has kept.
	kept := make(map[uint64]*unit)
	isCopy := func(f *function) bool {
		if u := kept[f.ranges[0].Low]; u != nil {
			return u != f.u
		}
		kept[f.ranges[0].Low] = f.u
		return false
	}
	abstract := wanted[:0]
	for _, p := range wanted {
		if !withCode[p.u] && len(crossing) == 0 {
			continue
		}
		if f := p.u.walk().functionAt(p.off); f != nil {
			if !isCopy(f) {
				add(f.load())
			}
			continue
		}
		abstract = append(abstract, p)
	}
	for _, p := range abstract {
		if withCode[p.u] {
			add(nil, p.u.walk().addInstances(p, isCopy, add))
		}
		for _, u := range crossing {
			if u != p.u {
				add(nil, u.walk().addInstances(p, isCopy, add))
			}
		}
	}
	if len(list) == 0 {
		if failed != nil {
			return nil, failed
		}
		return nil, d.noName("code of function", name)
	}
	slices.SortFunc(list, func(a, b *Func) int {
		return cmp.Or(cmp.Compare(a.Entry, b.Entry), cmp.Compare(a.u.index, b.u.index), cmp.Compare(a.off, b.off))
	})
	return list, nil
}

// maxSearches limits the references that a unit is searched for: decoding its entries
// takes as long as some ten searches.
const maxSearches = 8

// mayRefer reports whether an entry of u may be an instance of one of the functions at
// places. Most units that have an inline function call it nowhere: the bytes of a
// reference to it are not there.
func (u *unit) mayRefer(places []place) bool {
	if len(places) == 0 {
		return false
	}
	if len(places) > maxSearches || u.open() != nil || u.fill() != nil {
		return true
	}
	forms := u.abbrev.origins
	// Link time optimisation puts abstract instances between.
	if forms&(originSup|originOther) != 0 || forms&originFar != 0 && u.family() != Go {
		return true
	}
	data := u.data.section(u.sec)[u.start:u.end]
	for _, p := range places {
		near := binary.LittleEndian.AppendUint32(nil, uint32(p.off-u.off))
		far := binary.LittleEndian.AppendUint32(nil, uint32(p.off))
		if forms&originNear != 0 && p.u == u && bytes.Contains(data, near) || forms&originFar != 0 && bytes.Contains(data, far) {
			return true
		}
	}
	return false
}

// functionAt returns the function that has code and its entry at off, or nil.
func (t *tree) functionAt(off uint64) *function {
	i, ok := slices.BinarySearchFunc(t.functions, off, func(f *function, off uint64) int { return cmp.Compare(f.off, off) })
	if !ok {
		return nil
	}
	return t.functions[i]
}

// addInstances calls add with the instances of the function at p, but not with
// those in functions that are copies of others.
func (t *tree) addInstances(p place, isCopy func(*function) bool, add func(*Func, error)) error {
	t.instancesOf(p, func(in instance) {
		if isCopy(in.fn) {
			return
		}
		f, err := in.fn.load()
		switch {
		case err != nil:
			add(nil, err)
		case in.off == in.fn.off:
			add(f, nil)
		default:
			add(in.fn.inner[in.off], nil)
		}
	})
	return t.err
}

// PrologueEnd returns the address behind the code that makes f's frame: where
// arguments are found where the debug information says, and where debuggers stop
// that are told to stop at f. It is the row that the compiler has marked, or
// else the second row for f; f.Entry if there is no such row.
func (d *Data) PrologueEnd(f *Func) (uint64, error) {
	if f.Caller != nil {
		return f.Entry, nil
	}
	body := f.Ranges[0]
	l, err := f.u.lineSequences()
	switch {
	case errors.Is(err, ErrNotFound):
		return f.Entry, nil
	case l == nil:
		return 0, err
	}
	end := f.Entry
	l.sequences.at(f.Entry, func(rows []row) bool {
		second := uint64(0)
		for i := range rows {
			r := &rows[i]
			if r.addr < f.Entry || r.flags&rowEnd != 0 {
				continue
			}
			if !body.Contains(r.addr) {
				break
			}
			if r.flags&rowPrologueEnd != 0 {
				second = r.addr
				break
			}
			if second == 0 && r.addr > f.Entry && r.line != 0 {
				second = r.addr
			}
		}
		if second != 0 {
			end = second
		}
		return false
	})
	return end, nil
}
