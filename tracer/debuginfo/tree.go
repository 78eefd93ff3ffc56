package debuginfo

import (
	"cmp"
	"debug/dwarf"
	"slices"
	"sort"
	"strings"
	"sync"
)

// A tree is what a walk over all entries of a unit finds: its functions, and the
// scopes that names are in.
type tree struct {
	err       error // why the walk ended early
	functions []*function
	byAddress rangeTable[*function]
	instances []instance // sorted by origin if sorted is done
	sorted    sync.Once
	scopes    []scope // in the order of entries
}

// A place is an entry of a unit.
type place struct {
	u   *unit
	off uint64
}

// An instance is a copy of a function's code: one that has been inlined, or an
// out-of-line one.
type instance struct {
	origin place // the abstract instance
	fn     *function
	off    uint64 // of the entry
}

// A scope is a namespace, class or function, which holds the entries from off to
// below end.
type scope struct {
	off, end uint64
	parent   int // index of the scope around it, or -1
	tag      dwarf.Tag
}

// maxRanges limits the ranges in a unit. Entries may share a list, so that
// their number were not bounded by the size of the file.
const maxRanges = 1 << 22

// walk returns the tree of a unit, which is not nil.
func (u *unit) walk() *tree {
	u.treeOnce.Do(func() {
		defer u.treed.Store(true)
		w, err := u.whole()
		if err == nil && w != u {
			u.tree = w.walk()
			return
		}
		u.tree = &tree{err: err}
		if err == nil {
			u.walkInto(u.tree)
		}
		u.walked.Store(true)
	})
	return u.tree
}

func (u *unit) walkInto(t *tree) {
	type open struct {
		scope int // index in t.scopes, or -1
		fn    *function
	}
	var stack []open // an element for each entry whose children are being read
	inner, fn := -1, (*function)(nil)
	ranges := 0
	var e entry
	r := u.reader(u.start)
	for r.err == nil && r.off < r.end {
		off := r.off
		code := r.uleb()
		if code == 0 {
			if len(stack) == 0 {
				break
			}
			last := stack[len(stack)-1]
			stack = stack[:len(stack)-1]
			if last.scope >= 0 {
				t.scopes[last.scope].end = uint64(r.off)
				inner = t.scopes[last.scope].parent
			}
			fn = last.fn
			continue
		}
		ab := u.abbrev.get(code)
		if ab == nil {
			r.fail(off, "no abbreviation has code %d", code)
			break
		}
		outer := open{-1, fn}
		if ab.tag == dwarf.TagSubprogram {
			fn = nil
		}
		if ab.has&hasCode != 0 && ab.tag == dwarf.TagSubprogram || ab.has&hasOrigin != 0 && ab.tag == dwarf.TagInlinedSubroutine && fn != nil {
			r.off = off
			u.next(&r, &e)
			if ab.tag == dwarf.TagSubprogram {
				if list := e.ranges(); len(list) > 0 && ranges+len(list) <= maxRanges {
					ranges += len(list)
					fn = &function{u: u, off: uint64(off), ranges: list}
					t.functions = append(t.functions, fn)
					for _, rg := range list {
						t.byAddress.add(rg, fn)
					}
				}
			}
			if v := e.get(dwarf.AttrAbstractOrigin); fn != nil && !v.isZero() {
				if to, at, err := u.ref(v); err == nil {
					t.instances = append(t.instances, instance{place{to, at}, fn, uint64(off)})
				}
			}
		} else {
			u.skipAttrs(&r, ab)
		}
		if !ab.children {
			fn = outer.fn
			continue
		}
		if isScope(ab.tag) {
			outer.scope = len(t.scopes)
			t.scopes = append(t.scopes, scope{uint64(off), u.end, inner, ab.tag})
			inner = outer.scope
		}
		stack = append(stack, outer)
	}
	t.err = r.err
	t.byAddress.sort()
}

// compare orders entries. Those of a supplementary file mingle with others.
func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.u.index, q.u.index), cmp.Compare(p.off, q.off))
}

// instancesOf calls f with the instances of the function whose abstract one is
// at p.
func (t *tree) instancesOf(p place, f func(instance)) {
	t.sorted.Do(func() {
		t.resolveOrigins()
		slices.SortFunc(t.instances, func(a, b instance) int {
			return cmp.Or(a.origin.compare(b.origin), cmp.Compare(a.off, b.off))
		})
	})
	i := sort.Search(len(t.instances), func(i int) bool { return t.instances[i].origin.compare(p) >= 0 })
	for ; i < len(t.instances) && t.instances[i].origin.compare(p) == 0; i++ {
		if t.instances[i].origin == p {
			f(t.instances[i])
		}
	}
}

// resolveOrigins makes the instances' origins those that name the functions: link
// time optimisation puts abstract instances of its own between.
func (t *tree) resolveOrigins() {
	resolved := make(map[place]place)
	for i := range t.instances {
		in := &t.instances[i]
		if !in.fn.u.abbrev.crosses() {
			return
		}
		to, ok := resolved[in.origin]
		if !ok {
			to = in.origin
			for range maxOrigins {
				if to.u.open() != nil {
					break
				}
				e, err := to.u.readEntry(to.off)
				if err != nil || e.ab == nil {
					break
				}
				u, off, err := to.u.ref(e.get(dwarf.AttrAbstractOrigin))
				if err != nil {
					break
				}
				to = place{u, off}
			}
			resolved[in.origin] = to
		}
		in.origin = to
	}
}

// declaration returns the entry that says where e is declared: e itself, or
// what it completes.
func (e *entry) declaration() *entry {
	for range maxOrigins {
		o := e.origin()
		if o == nil {
			if sig := e.get(dwarf.AttrSignature); !sig.isZero() {
				o, _ = e.u.followRef(sig)
			}
		}
		if o == nil {
			break
		}
		e = o
	}
	return e
}

// maxScopes limits the parts of a name.
const maxScopes = 64

// qualifiedName returns the name of e with those of the namespaces and classes
// that it is declared in. That of a class in a function has the function's too.
func (e *entry) qualifiedName() string {
	name := e.name()
	if name == "" || e.u.family() == Go { // whose names are whole
		return name
	}
	list := []string{name}
	at := e.declaration()
	for range maxScopes {
		s, ok := at.u.scopeOf(at.off)
		if !ok {
			break
		}
		outer, err := at.u.readEntry(s.off)
		if err != nil || outer.ab == nil || s.tag == dwarf.TagSubprogram && len(list) == 1 {
			break
		}
		at = outer.declaration()
		if s.tag == dwarf.TagEnumerationType {
			continue
		}
		name := outer.name()
		if name == "" && s.tag == dwarf.TagNamespace {
			name = anonymous
		}
		if name != "" {
			list = append(list, name)
		}
	}
	slices.Reverse(list)
	return strings.Join(list, "::")
}
