//go:build linux && amd64

package tracer

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/value"
)

// variables compares the arguments and variables of a frame. gdb keeps those of inner
// blocks in no order, so they are compared name by name.
func (c *comparison) variables(f *Frame, w *gdbFrame) {
	args, err := f.Args()
	if err != nil {
		c.Errorf("args: %v", err)
	}
	locals, err := f.Locals()
	if err != nil {
		c.Errorf("locals: %v", err)
	}
	where := fmt.Sprintf("%s %s@%#x", f.Image().Name(), f.Function(), f.PC-f.Image().Bias)
	texts := make(map[string][][3]string)
	for _, row := range w.Variables {
		texts[row[0]] = append(texts[row[0]], row)
	}
	for _, v := range append(args, locals...) {
		c.values++
		got := v.Value.Format(&value.Format{Bare: true})
		if len(texts[v.Name]) == 0 {
			c.Errorf("variable: %s: %s = %s, gdb has none", where, v.Name, got)
			continue
		}
		want := texts[v.Name][0][1]
		texts[v.Name] = texts[v.Name][1:]
		if !c.sameValue(f, w, v, got, want) {
			_, err := v.Value.Bytes()
			c.Errorf("value: %s: %s =\n\t%s (%v), gdb has =\n\t%s", where, v.Name, got, err, want)
		}
	}
	for name, rest := range texts {
		for _, row := range rest {
			// Enumerators are constants, too.
			if row[2] == "constant" || noMembers.MatchString(row[1]) && c.is("gdb has values without members even where they are nowhere", true) || c.is("gdb lists what was in blocks that have been dropped", absent(row[1]) || strings.Join(slices.Compact(leaves(row[1])), "") == "absent") {
				continue
			}
			c.Errorf("variable: %s: gdb has %s = %s", where, name, row[1])
		}
	}
}

// is counts a known difference, if it is the one at hand.
func (c *comparison) is(known string, holds bool) bool {
	if holds {
		c.known[known]++
	}
	return holds
}

// sameValue compares the texts of a value.
func (c *comparison) sameValue(f *Frame, w *gdbFrame, v Variable, got, want string) bool {
	if got == want {
		return true
	}
	if strings.HasSuffix(f.Func.File, ".rs") {
		if c.is("gdb dies where it writes slices of Rust", want == "<slice>") {
			return true
		}
		found := leaves(want)
		return c.is("gdb writes values of Rust as its source has them: their numbers, texts and variants are compared",
			slices.Equal(rustLeaves(v.Value), found) || got == "<optimized out>" && strings.Join(slices.Compact(found), "") == "absent")
	}
	if c.is("gdb reads arguments from where the function is yet to store them", v.Param && f.atEntry(f.scope())) {
		return true
	}
	_, err := v.Value.Bytes()
	if c.is("gdb writes what is absent member by member", got == "<optimized out>" && absent(want)) {
		return true
	}
	for _, m := range joined.FindAllStringSubmatch(want, -1) {
		whole := regexp.MustCompile(`"` + regexp.QuoteMeta(m[1]) + `(\\\d{3}|\\.|[^\\"])` + regexp.QuoteMeta(m[2]) + `"`).FindString(got)
		if c.is("gdb loses a character before one that ends early", whole != "") {
			want = strings.Replace(want, m[0], whole, 1)
		}
	}
	if m := alone.FindStringSubmatch(want); m != nil {
		whole := regexp.MustCompile(`"(\\\d{3}|\\.|[^\\"])` + regexp.QuoteMeta(m[2]) + `"$`).FindString(got)
		if c.is("gdb loses a character before one that ends early", whole != "") {
			want = m[1] + " " + whole
		}
	}
	if bare := incomplete.ReplaceAllString(joined.ReplaceAllString(want, `"$1$2"`), `"$1"`); bare != want {
		c.is("gdb marks the beginning of a character that ends early", true)
		want = bare
	}
	for strings.Contains(got, "<optimized out>") && allAbsent.MatchString(want) {
		c.is("gdb writes what is absent member by member", true)
		want = allAbsent.ReplaceAllString(want, "<optimized out>")
	}
	got, want = spelling.Replace(got), spelling.Replace(want)
	if bare := strings.ReplaceAll(want, ", <No data fields>", ""); bare != want {
		c.is("gdb says of classes with bases alone that they have no members", true)
		want = bare
	}
	if c.is("gdb does not see the members of classes inside of functions", want == "{<No data fields>}" && c.isLocal(f, v.Value.Type())) {
		return true
	}
	if c.is("gdb gives up where variable-length arrays are too long", strings.HasPrefix(want, "<error: value requires ") && v.Value.Type().Kind == debuginfo.Array) {
		return true
	}
	if c.is("gdb takes one element where nobody knows how many an array has", strings.HasPrefix(got, "0x") && !strings.Contains(want, ",") && v.Value.Type().Kind == debuginfo.Array) {
		return true
	}
	if c.is("gdb takes bounds from registers that have changed since or are not kept", strings.HasPrefix(got, "0x") && (strings.HasSuffix(want, "...}") || f.Level > 0 && strings.HasPrefix(want, "{")) && v.Value.Type().Kind == debuginfo.Array) {
		return true
	}
	if bare := constant.ReplaceAllString(got, "$1 const"); bare != got {
		got, want = bare, constant.ReplaceAllString(want, "$1 const") // in names of types, where gdb has it behind
	}
	if c.is("gdb writes bytes of Go as characters, too", strings.HasSuffix(f.Func.File, ".go") && byteChar.ReplaceAllString(want, "") == got) {
		return true
	}
	if bare := noSymbol.ReplaceAllString(want, "<optimized out>"); bare != want {
		c.is("gdb says that what was dropped has no symbol", true)
		want = bare
	}
	if bare := strings.TrimPrefix(want, "<synthetic pointer>: "); bare != want {
		c.is("gdb marks references to what is in registers", true)
		want = bare
	}
	if strings.Contains(got, "<optimized out>") && strings.Contains(want, "{<No data fields>}") {
		absentee := strings.NewReplacer("{<No data fields>}", "<optimized out>")
		without := absentee.Replace(want)
		if c.is("gdb has values without members even where they are nowhere", absentee.Replace(got) == without || got == "<optimized out>" && absent(without)) {
			return true
		}
	}
	if strings.HasPrefix(want, "<error reading variable: Cannot access memory") && c.is("gdb gives up where a part of a value cannot be read", strings.Contains(got, "<error: read ")) {
		return true
	}
	address, referent, isReference := strings.Cut(got, ": ")
	if isReference = isReference && strings.HasPrefix(got, "@"); !isReference {
		address, referent = "", got
	}
	if bare := referenced(referent); bare != referent {
		c.is("gdb does not look through references in members", true)
		got = bare
		if isReference {
			got = address + ": " + bare
		}
	}
	got, want = unreadable.ReplaceAllString(got, "<error $1>"), unreadable.ReplaceAllString(want, "<error $1>")
	if c.is("gdb calls a type without a definition incomplete", strings.Contains(want, "<incomplete type>")) {
		got = undefined.ReplaceAllString(got, "<incomplete type>")
	}
	if strings.Contains(want, "<invalid address>") { // of a virtual base in an object that is not made yet
		got = failed.ReplaceAllString(got, "= <invalid address>")
	}
	if bare := generic.ReplaceAllString(want, "$1.$2>"); bare != want {
		c.is("gdb takes names of Go for those of generic functions", true)
		want = bare
	}
	want = named.ReplaceAllStringFunc(want, func(w string) string {
		m := named.FindStringSubmatch(w)
		for _, g := range named.FindAllStringSubmatch(got, -1) {
			if g[1] == m[1] && g[2] != m[2] && (c.sameSymbol(f, m[1], g[2], m[2]) ||
				c.is("gdb tells how far cold parts are before their functions", strings.HasPrefix(g[2], cold.ReplaceAllString(m[2], ".cold")) && cold.MatchString(m[2]))) {
				return g[0]
			}
		}
		if !strings.Contains(got, w) && c.is("gdb makes symbols of the entries of the global offset table", atGOT(m[2])) {
			return m[1]
		}
		return w
	})
	got = named.ReplaceAllStringFunc(got, func(g string) string {
		m := named.FindStringSubmatch(g)
		if !strings.Contains(want, g) && (c.is("gdb does not name data by symbols without a size", c.sizeless(f, m[1])) ||
			c.is("gdb does not know _start and main of stripped programs", m[2] == "main" && v.Name == "main" && strings.HasPrefix(f.Function(), "__libc_start_"))) {
			return m[1]
		}
		return g
	})
	switch {
	case got == want:
		return true
	case err == nil && c.blind && v.Value.Location().Kind == debuginfo.InRegister:
		return c.is("gdb takes registers for kept by code without call frame information", true)
	case err == nil:
	case got == "<optimized out>" && strings.Contains(err.Error(), "known to the caller alone, which called"):
		return c.is("gdb knows what is passed on in tail calls", w.Tail)
	case got == "<optimized out>" && want == "0x0" && v.Value.Type().Kind == debuginfo.Array:
		return c.is("gdb takes variable-length arrays that are nowhere for null", true)
	case strings.Contains(got, "<optimized out>") && (notKept(err) || slices.ContainsFunc(v.Value.Location().Pieces, func(p debuginfo.Piece) bool {
		_, err := f.scope().reg(p.Reg)
		return p.Kind == debuginfo.InRegister && notKept(err)
	})):
		return c.is("gdb takes it that functions keep the registers that they need not keep", true)
	case strings.Contains(err.Error(), " in pieces of "):
		return c.is("gdb reads zeros where pieces do not make up all of a value", true)
	}
	return want == "<optimized out>" && c.is("gdb does not find what is passed by a call that names an abstract function", fromCaller(f, v)) ||
		f.Inlined && c.is("gdb asks an inlined function for what its caller has passed", fromCaller(f, v)) ||
		want == "<synthetic pointer>" && c.is("gdb does not look through references to what has no address", v.Value.Type().Kind == debuginfo.Reference || v.Value.Type().Kind == debuginfo.RvalueReference)
}

// sameSymbol compares the names that ours and gdb's value have for an address.
func (c *comparison) sameSymbol(f *Frame, addr, got, want string) bool {
	if c.is("gdb names the parameters of functions of C++ without a mangled name", strings.HasPrefix(want, got+"(")) ||
		c.is("gdb takes functions of C++ whose parameters debug information leaves out for those without any", strings.HasSuffix(want, "()") && strings.HasPrefix(got, strings.TrimSuffix(want, ")"))) ||
		c.is("gdb takes names of C for those of Ada", asAda(got) == want) ||
		c.is("gdb does or does not write the marks of copies that compilers have made of a function", unmarked(got) == unmarked(want)) ||
		c.is("gdb makes symbols of the entries of the global offset table", atGOT(want)) {
		return true
	}
	at, _ := strconv.ParseUint(addr, 0, 64)
	name, offset, ok := strings.Cut(want, "+")
	if ok {
		n, _ := strconv.ParseUint(offset, 10, 64)
		at -= n
	}
	img, ok := f.in.ImageAt(at)
	return ok && c.is("gdb takes another one of several symbols", slices.Contains(c.names(img)[at-img.Bias], name))
}

// isLocal reports whether a class is inside of a function.
func (c *comparison) isLocal(f *Frame, t *debuginfo.Type) bool {
	data, err := f.Image().DWARF()
	if err != nil || t.Kind != debuginfo.Struct {
		return false
	}
	types, _ := data.Types(t.Name)
	return len(types) == 0
}

// sizeless reports whether an address is that of a symbol of data that has no size.
func (c *comparison) sizeless(f *Frame, addr string) bool {
	at, _ := strconv.ParseUint(addr, 0, 64)
	sym, ok := f.in.SymbolAt(at)
	return ok && sym.Addr == at && sym.Size == 0 && !f.in.executable(at)
}

func atGOT(name string) bool {
	return strings.HasSuffix(name, "@got.plt") || strings.HasSuffix(name, "@got[plt]")
}

// notKept reports whether a value is absent as functions have not kept the register that
// it was in.
func notKept(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "have not kept") || strings.Contains(err.Error(), "need not keep"))
}

// fromCaller reports whether a variable's value is known to the caller of its function
// alone.
func fromCaller(f *Frame, v Variable) bool {
	s := f.scope()
	s.frame.Caller = nil
	_, err := v.Location(&s.frame)
	return err != nil && strings.Contains(err.Error(), "known to the caller alone")
}

var (
	named      = regexp.MustCompile(`(0x[0-9a-f]+) <((?:[^<>]|<(?:[^<>]|<[^<>]*>)*>)*)>`)
	constant   = regexp.MustCompile(`\bconst ([\w:]+)`)
	byteChar   = regexp.MustCompile(` '(\\.|[^'])+'`)
	failed     = regexp.MustCompile(`= <error:? [^<>]*>`)
	serial     = regexp.MustCompile(`\.\d+(\+\d+)?$`)
	marks      = regexp.MustCompile(`(?:\.(?:constprop|isra|part|lto_priv)(?:\.\d+)?)+(\+\d+)?$`)
	cold       = regexp.MustCompile(`-\d+$`)
	joined     = regexp.MustCompile(`"((?:[^"\\]|\\.)*)", <incomplete sequence ((?:\\\d{3})+)>`)
	alone      = regexp.MustCompile(`^(.*[^,]) <incomplete sequence ((?:\\\d{3})+)>$`)
	incomplete = regexp.MustCompile(`<incomplete sequence ((?:\\\d{3})+)>`)
	allAbsent  = regexp.MustCompile(`\{<optimized out>(?:, <optimized out>)*\}`)
	spelling   = strings.NewReplacer(" &", "&", " *", "*", "UL", "ul") // of types in names of bases
	undefined  = regexp.MustCompile(`<error: the size of [^"]*? is not known: its definition is missing>`)
	noSymbol   = regexp.MustCompile(`<error reading variable: Missing ELF symbol "[^"]*"\.>`)
	unreadable = regexp.MustCompile(`<error: (?:read \[\d+\] at|Cannot access memory at address) (0x[0-9a-f]+)[^<>]*>`)
	noMembers  = regexp.MustCompile(`^\{(<[^={}]*> = \{)*<No data fields>(\}, <No data fields>)*\}$`)
	generic    = regexp.MustCompile(`([\w.*]+)\[(\w+)\]>`)
	inner      = regexp.MustCompile(`<[^<>]*>`)
	present    = regexp.MustCompile(`[^{}, =.][^{},=]*(?:[{},]|$)`)
)

// absent reports whether a text of gdb's is of a value all of whose parts are absent.
func absent(text string) bool {
	if !strings.Contains(text, "<optimized out>") {
		return false
	}
	for inner.MatchString(text) {
		text = inner.ReplaceAllString(text, "")
	}
	return !present.MatchString(text)
}

// referenced returns a text without what is behind references, ": " after their address.
func referenced(text string) string {
	var b strings.Builder
	for {
		at := reference.FindStringIndex(text)
		if at == nil {
			return b.String() + text
		}
		b.WriteString(text[:at[1]-2])
		depth, end := 0, at[1]
		for ; end < len(text); end++ {
			if text[end] == '{' {
				depth++
			} else if text[end] == '}' {
				depth--
			}
			if depth < 0 || depth == 0 && text[end] == ',' {
				break
			}
		}
		text = text[end:]
	}
}

var reference = regexp.MustCompile(`@0x[0-9a-f]+: `)
