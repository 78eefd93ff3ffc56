package debuginfo

import (
	"debug/dwarf"
	"sort"
)

// isScope reports whether names have a prefix for what is declared in entries with tag.
func isScope(tag dwarf.Tag) bool {
	switch tag {
	case dwarf.TagNamespace, dwarf.TagModule, dwarf.TagStructType, dwarf.TagClassType, dwarf.TagUnionType,
		dwarf.TagInterfaceType, dwarf.TagEnumerationType, dwarf.TagSubprogram:
		return true
	}
	return false
}

// maxInner limits how deep entries are looked for in a class or function one by one.
const maxInner = 16

// scopeOf returns the innermost scope around the entry at off.
func (u *unit) scopeOf(off uint64) (scope, bool) {
	if u.walked.Load() {
		return innermost(u.tree.scopes, off)
	}
	u.outlineOnce.Do(func() { _, u.outline = u.scan(u.reader(u.start)) })
	s, ok := innermost(u.outline, off)
	for depth := 0; ok && s.tag != dwarf.TagNamespace && s.tag != dwarf.TagModule; depth++ {
		inner, found := u.scopeWithin(s, off)
		if !found {
			break
		}
		if s = inner; depth == maxInner {
			return innermost(u.walk().scopes, off)
		}
	}
	return s, ok
}

// scopeWithin returns the outermost scope in s, which is not a namespace, that is around
// the entry at off.
func (u *unit) scopeWithin(s scope, off uint64) (scope, bool) {
	r := u.readerTo(s.off, s.end)
	if ab := u.abbrev.get(r.uleb()); ab != nil {
		u.skipAttrs(&r, ab)
	}
	for depth := 0; r.err == nil && uint64(r.off) < off; {
		at := r.off
		ab := u.abbrev.get(r.uleb())
		if ab == nil {
			break
		}
		behind := r.off
		u.skipTree(&r, ab)
		if uint64(r.off) <= off {
			continue
		}
		if isScope(ab.tag) {
			return scope{uint64(at), uint64(r.off), -1, ab.tag}, true
		}
		// It lies in a block.
		if depth++; depth > maxInner {
			return innermost(u.walk().scopes, off)
		}
		r.off = behind
		u.skipAttrs(&r, ab)
	}
	return scope{}, false
}

// innermost returns the innermost of scopes around the entry at off.
func innermost(scopes []scope, off uint64) (scope, bool) {
	i := sort.Search(len(scopes), func(i int) bool { return scopes[i].off >= off }) - 1
	for i >= 0 && scopes[i].end <= off {
		i = scopes[i].parent
	}
	if i < 0 {
		return scope{}, false
	}
	return scopes[i], true
}
