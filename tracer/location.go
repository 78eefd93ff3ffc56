//go:build linux && amd64

package tracer

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
)

// A NotFoundError says that a location names nothing.
type NotFoundError struct {
	Name string
	Err  error  // why the image that it names has no symbols, or nil
	what string // what Name is the name of, or "" for a symbol

	stripped string          // the image that may have had it, or ""
	symbol   string          // the image that has a symbol of that name, where a variable is looked for, or ""
	early    bool            // what has it may yet be loaded
	near     func() []string // what Near returns, or nil
}

// Near returns names that are nearly the same. It takes long where there are many names,
// so that nothing looks for them until somebody asks.
func (e *NotFoundError) Near() []string {
	if e.near == nil {
		return nil
	}
	near := e.near()
	e.near = func() []string { return near }
	return near
}

// Error returns a text such as `no symbol "mian" (did you mean main?)`.
func (e *NotFoundError) Error() string {
	what := e.what
	if what == "" {
		what = "symbol"
	}
	if e.Err != nil {
		return fmt.Sprintf("no %s %q: %v", what, e.Name, e.Err)
	}
	if e.symbol != "" {
		return fmt.Sprintf("no %s %q: %s has the symbol, but no debug information of it: addr(%q) is its address", what, e.Name, e.symbol, e.Name)
	}
	text := fmt.Sprintf("no %s %q%s", what, e.Name, didYouMean(e.Near()))
	if e.stripped != "" {
		text += fmt.Sprintf(" (%s is stripped of its symbols)", e.stripped)
	}
	if e.early && len(e.Near()) == 0 {
		text += " (the program has not loaded its libraries yet: let it run to main first)"
	}
	return text
}

// early reports whether libraries are still to be loaded.
func (x *target) early() bool {
	p, ok := x.of.(*Process)
	return ok && p.stillLoading()
}

func didYouMean(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return fmt.Sprintf(" (did you mean %s?)", strings.Join(names, " or "))
}

// Addr returns the address of a location that is one place: a number, a symbol
// with an image before it ("libc!malloc") or an offset behind it ("parse+0x1c"),
// a line of source ("json.c:88"), a probe ("libstdcxx:throw"), or a sum of registers of the current thread,
// numbers and symbols ("*rip+4").
func (x *target) Addr(loc string) (uint64, error) {
	addrs, err := x.Addrs(loc)
	if err != nil {
		return 0, err
	}
	if len(addrs) > 1 {
		var places []string
		for i, addr := range addrs {
			if i == 3 {
				places = append(places, "...")
				break
			}
			places = append(places, x.place(addr))
		}
		return 0, fmt.Errorf("%q is %d places: %s", loc, len(addrs), strings.Join(places, ", "))
	}
	return addrs[0], nil
}

// place describes an address, such as "0x401136 parse in a.out".
func (x *target) place(addr uint64) string {
	text := fmt.Sprintf("%#x", addr)
	if sym, ok := x.SymbolAt(addr); ok {
		text += " " + sym.Demangled()
	}
	if img, ok := x.ImageAt(addr); ok {
		text += " in " + img.Name()
	}
	return text
}

// Addrs is Addr for a location that may be many places: static functions of one
// name, or a pattern such as "parse_*". There is always at least one.
func (x *target) Addrs(loc string) ([]uint64, error) {
	addrs, _, err := x.locate(loc, false)
	return addrs, err
}

// locate is Addrs, and tells which functions begin at the addresses, as far as the
// location is the name of functions: nil stands for one with code of its own. all adds
// the copies of functions that have symbols too, and those in all images.
func (x *target) locate(loc string, all bool) (addrs []uint64, begin map[uint64]*debuginfo.Func, err error) {
	if err := x.of.held(); err != nil {
		return nil, nil, &Error{Op: "find " + loc, TID: x.of.id(), Err: err}
	}
	loc = strings.TrimSpace(loc)
	if expr, ok := strings.CutPrefix(loc, "*"); ok && !strings.ContainsAny(expr, "*?") {
		addr, err := x.sum(expr)
		var none *NotFoundError
		if !errors.As(err, &none) {
			return []uint64{addr}, nil, err
		}
		symbols, patternErr := x.symbols(loc) // it may be the end of names instead
		if patternErr != nil || len(symbols) == 0 {
			return nil, nil, err
		}
	}
	if addr, err := strconv.ParseUint(loc, 0, 64); err == nil {
		return []uint64{addr}, nil, nil
	}
	if file, line, ok := splitLine(loc); ok && !x.isLinked(loc) { // which may end as a line does
		addrs, err := x.places(file, line)
		return addrs, nil, err
	}
	name, offset := loc, uint64(0)
	if i := strings.LastIndexByte(loc, '+'); i > 0 {
		if n, err := strconv.ParseUint(strings.TrimSpace(loc[i+1:]), 0, 64); err == nil {
			name, offset = strings.TrimSpace(loc[:i]), n
		}
	}
	if name == "" {
		return nil, nil, fmt.Errorf("empty location")
	}
	symbols, err := x.symbols(name)
	if err != nil && isProbe(name) {
		addrs, err := x.probes(loc)
		return addrs, nil, err
	}
	begin = make(map[uint64]*debuginfo.Func)
	if err != nil || all {
		var ended error
		if begin, ended = x.inlined(name, all); ended != nil {
			return nil, nil, ended
		}
	}
	if err != nil && len(begin) == 0 {
		return nil, nil, err
	}
	addrs = slices.Sorted(maps.Keys(begin))
	for _, sym := range symbols {
		addr := sym.Addr
		if sym.Kind == image.IFunc {
			addr = x.implementation(sym)
		}
		if _, again := begin[addr]; !again {
			addrs, begin[addr] = append(addrs, addr), nil
		}
	}
	if offset != 0 {
		begin = nil
		for i := range addrs {
			addrs[i] += offset
		}
	}
	return addrs, begin, nil
}

// sum adds the terms of an expression such as "rip+4" or "buffer-0x10".
func (x *target) sum(expr string) (uint64, error) {
	var total uint64
	rest, negative := expr, false
	for {
		end := strings.IndexAny(rest, "+-")
		term := rest
		if end >= 0 {
			term = rest[:end]
		}
		v, err := x.term(strings.TrimSpace(term))
		if err != nil {
			return 0, fmt.Errorf("location %q: %w", "*"+expr, err)
		}
		if negative {
			v = -v
		}
		total += v
		if end < 0 {
			return total, nil
		}
		negative, rest = rest[end] == '-', rest[end+1:]
	}
}

func (x *target) term(term string) (uint64, error) {
	if term == "" {
		return 0, fmt.Errorf("want a number, a register or a symbol")
	}
	if v, err := strconv.ParseUint(term, 0, 64); err == nil {
		return v, nil
	}
	if r := arch.Lookup(strings.TrimPrefix(term, "$")); r != nil {
		regs, err := x.of.registers()
		if err != nil {
			return 0, err
		}
		return r.Get(regs), nil
	}
	return x.Addr(term)
}

// symbols returns the symbols that a name or pattern means: those of the image
// before "!", or else of the first image that has any, in the order in which the
// dynamic linker looks; a pattern means those of all images. The name that linkers
// know goes before one that is demangled, in all images: a method does not hide a
// function of C.
func (x *target) symbols(name string) ([]image.Symbol, error) {
	images, name, err := x.imagesOf(name)
	if err != nil {
		return nil, err
	}
	found, err := lookUp(x.tr, func() ([]image.Symbol, error) { return symbolsIn(images, name) }, images...)
	var none *NotFoundError
	if errors.As(err, &none) && len(images) > 1 {
		none.early = x.early()
	}
	return found, err
}

func symbolsIn(images []*image.Image, name string) ([]image.Symbol, error) {
	if found := linked(images, name); len(found) > 0 {
		return found, nil
	}
	pattern := strings.ContainsAny(name, "*?")
	if !pattern || strings.Contains(name, "(") { // of parameters, which may be pointers
		for _, img := range images {
			if found := img.LookupDemangled(name); len(found) > 0 {
				return slices.CompactFunc(found, func(s, t image.Symbol) bool { return s.Addr == t.Addr }), nil
			}
		}
	}
	if pattern {
		var found []image.Symbol
		for _, img := range images {
			found = append(found, img.Match(name)...)
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	missing := &NotFoundError{Name: name, near: func() []string { return nearSymbols(images, name) }}
	if f := images[0].File; f != nil && f.Stripped() {
		missing.stripped = images[0].Name()
	}
	return nil, missing
}

// nearSymbols returns the names of symbols that name may be a misspelling of, those of the
// first image that has any.
func nearSymbols(images []*image.Image, name string) []string {
	for _, img := range images {
		if img.File == nil {
			continue
		}
		if near := img.File.Near(name); len(near) > 0 {
			return near
		}
	}
	return nil
}

// linked returns the symbols that linkers know by a name, those of the first image that
// has any.
func linked(images []*image.Image, name string) []image.Symbol {
	for _, img := range images {
		if found := meant(img.Lookup(name)); len(found) > 0 {
			return found
		}
	}
	return nil
}

// isLinked reports whether linkers know a name.
func (x *target) isLinked(name string) bool {
	images, name, err := x.imagesOf(name)
	return err == nil && len(linked(images, name)) > 0
}

// imagesOf returns the images that a name is looked for in, and the name without the
// one that it starts with.
func (x *target) imagesOf(name string) (images []*image.Image, rest string, err error) {
	if images, err = x.Images(); err != nil {
		return nil, "", err
	}
	file, rest, ok := strings.Cut(name, "!")
	if !ok || strings.HasSuffix(file, "operator") {
		return images, name, nil
	}
	images = slices.DeleteFunc(images, func(img *image.Image) bool { return !imageMatches(img, file) })
	if len(images) > 0 {
		return images, rest, nil
	}
	for _, img := range x.images.unloaded {
		if imageMatches(img, file) {
			return nil, "", &NotFoundError{Name: name, Err: img.Err}
		}
	}
	all, _ := x.Images()
	return nil, "", &NotFoundError{Name: file, what: "image", early: x.early(), near: func() []string {
		return image.Near(file, func(yield func(string) bool) {
			for _, img := range all {
				stem, _, _ := strings.Cut(img.Name(), ".so")
				if !yield(stem) {
					return
				}
			}
		})
	}}
}

// inlined returns the copies of a function, or of all that match a pattern, which no
// symbol names, by their entries: compilers leave none where they have inlined every
// call. They are those in the first image that has any, or in all.
func (x *target) inlined(name string, all bool) (map[uint64]*debuginfo.Func, error) {
	copies := make(map[uint64]*debuginfo.Func)
	images, name, err := x.imagesOf(name)
	if err != nil {
		return copies, nil
	}
	for _, img := range images {
		found, err := lookUp(x.tr, func() (map[uint64]*debuginfo.Func, error) { return img.Inlined(name), nil }, img)
		if err != nil {
			return nil, err
		}
		maps.Copy(copies, found)
		if len(copies) > 0 && !all {
			break
		}
	}
	return copies, nil
}

// meant returns those of the symbols with one name, the likeliest first, that the
// name means: one that other files can see hides the local ones.
func meant(symbols []image.Symbol) []image.Symbol {
	symbols = slices.DeleteFunc(symbols, func(s image.Symbol) bool { return s.Kind == image.TLS })
	if len(symbols) > 0 && symbols[0].Bind != image.Local {
		return symbols[:1]
	}
	return symbols
}

// imageMatches reports whether an image goes by a name: its base name, or that
// without what follows ".so" or a version ("libc" for "libc.so.6").
func imageMatches(img *image.Image, name string) bool {
	base := img.Name()
	stem, _, _ := strings.Cut(base, ".so")
	short, _, _ := strings.Cut(stem, "-")
	return name == base || name == stem || name == short
}
