//go:build linux && amd64

package tracer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/tracertest"
	"github.com/tracelark/tracelark/tracer/unwind"
	"github.com/tracelark/tracelark/tracer/value"
)

// A gdbStack is the stack of a thread as testdata/compare.py prints it.
type gdbStack struct {
	Frames []gdbFrame
	Reason string // why it ends
}

type gdbFrame struct {
	PC, SP          uint64
	Function        string
	Inlined, Signal bool
	File            string
	Line            int
	Variables       [][3]string // name, text, "constant" or ""
	Tail            bool        // called by a function that has left by a tail call, which gdb shows
}

// A comparison is of one program.
type comparison struct {
	*testing.T
	threads, frames, values int
	known                   map[string]int // differences
	symbols                 map[string]map[uint64][]string
	places                  map[codeAt][]toldLine // the lines of frames, innermost first
	done                    map[codeAt]bool       // those that are complete
	blind                   bool                  // a frame further in has no call frame information
}

// compareCores compares what is seen in cores of a program with gdb and addr2line.
func compareCores(t *testing.T, program string, cores []string, opened []*Core) {
	t.Helper()
	ask := func(variables string) ([]byte, error) {
		cmd := exec.CommandContext(t.Context(), tracertest.Tool(t, "gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off", "-iex", "set auto-load no", "-x", "testdata/compare.py", program)
		cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "VARIABLES="+variables, "CORES="+strings.Join(cores, "\n"))
		return cmd.Output()
	}
	c := &comparison{T: t, known: make(map[string]int), symbols: make(map[string]map[uint64][]string), places: make(map[codeAt][]toldLine), done: make(map[codeAt]bool)}
	out, err := ask("yes")
	var exit *exec.ExitError
	if errors.As(err, &exit) && c.is("gdb dies of a segmentation fault where it writes variables of Go: they are not compared", exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGSEGV) {
		out, err = ask("")
	}
	if err != nil {
		t.Fatalf("gdb: %v\n%s", err, out)
	}
	n := 0
	for line := range strings.Lines(string(out)) {
		if !strings.HasPrefix(line, "{") {
			continue
		}
		var answer struct{ Threads map[int]gdbStack }
		if err := json.Unmarshal([]byte(line), &answer); err != nil {
			t.Fatal(err)
		}
		c.core(opened[n], answer.Threads)
		n++
	}
	if n != len(cores) {
		t.Errorf("gdb shows %d of %d cores:\n%s", n, len(cores), out)
	}
	c.addr2line()
	c.Logf("%d threads, %d frames, %d values; known differences: %v", c.threads, c.frames, c.values, c.known)
}

func (c *comparison) core(x *Core, want map[int]gdbStack) {
	if len(x.Threads()) != len(want) {
		c.Errorf("%d threads, gdb has %d", len(x.Threads()), len(want))
	}
	for _, th := range x.Threads() {
		c.stack(x, th, want[th.TID])
	}
}

// stack compares the stacks of a thread.
func (c *comparison) stack(x *Core, th *CoreThread, want gdbStack) {
	frames, err := th.Frames(200)
	c.threads++
	describe := func(at int) string {
		var b strings.Builder
		for i := max(0, at-3); i < min(at+3, max(len(frames), len(want.Frames))); i++ {
			if i < len(frames) {
				fmt.Fprintf(&b, "%s sp %#x by %s", frames[i].Text(nil), frames[i].SP, frames[i].By)
			}
			if i < len(want.Frames) {
				w := want.Frames[i]
				fmt.Fprintf(&b, "\n   gdb %#x sp %#x %s %s:%d %v %v", w.PC, w.SP, w.Function, w.File, w.Line, w.Inlined, w.Signal)
			}
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "ends %v, gdb %s\n", err, want.Reason)
		return b.String()
	}
	c.blind = false
	for i := 0; i < min(len(frames), len(want.Frames)); i++ {
		c.frames++
		f, w := frames[i], want.Frames[i]
		if i > 0 && c.is("gdb does not know of functions of Go that change the stack", f.By == unwind.FramePointer && code{&x.target}.Switches(frames[i-1].Lookup)) {
			return
		}
		if f.By == unwind.Walk || f.By == unwind.FramePointer {
			c.blind = true
			same := slices.IndexFunc(want.Frames[i:], func(w gdbFrame) bool { return w.PC == f.PC && w.SP == f.SP })
			if c.is("gdb takes other words for return addresses in code without call frame information", same > 0) {
				want.Frames = slices.Delete(want.Frames, i, i+same)
				w = want.Frames[i]
			}
		}
		line, _ := f.Line()
		file := ""
		if line.Line != 0 {
			file = path.Base(line.File)
		}
		if (f.By == unwind.Walk || f.By == unwind.FramePointer) && (f.PC != w.PC || f.SP != w.SP) && c.is("gdb is lost in code without call frame information", true) {
			return
		}
		if f.PC != w.PC || f.SP != w.SP || f.Inlined != w.Inlined || f.Signal != w.Signal {
			c.Errorf("frame: %d\n%s", i, describe(i))
			return
		}
		if !c.sameFunction(f, w.Function) {
			c.Errorf("function: frame %d: %q, gdb has %q\n%s", i, f.Function(), w.Function, describe(i))
		}
		agrees := file == w.File && line.Line == w.Line
		c.toAddr2line(f, toldLine{fmt.Sprintf("%s:%d", file, line.Line), agrees})
		if !agrees && !c.is("gdb passes over rows of the line table that begin no statement", f.callee == nil && file != "" && !line.IsStmt) {
			c.Errorf("line: frame %d: %s:%d, gdb has %s:%d\n%s", i, file, line.Line, w.File, w.Line, describe(i))
		}
		if w.Variables != nil {
			c.variables(f, &w)
		}
	}
	rest := want.Frames[min(len(frames), len(want.Frames)):]
	switch {
	case len(frames) == len(want.Frames):
	case len(rest) > 0 && c.is("gdb does not know of functions of Go that change the stack", err == nil && code{&x.target}.Switches(frames[len(frames)-1].Lookup)):
	case len(rest) == 1 && c.is("gdb shows the return to 0 that ends a stack", rest[0].PC == 0): // in clone3, whose information does not tell that it ends
	case len(rest) > 0 && c.is("gdb goes on from where no code is", err != nil && !x.executable(frames[len(frames)-1].Lookup)):
	default:
		c.Errorf("number: %d frames, gdb has %d\n%s", len(frames), len(want.Frames), describe(min(len(frames), len(want.Frames))))
	}
}

// sameFunction compares the names of a frame's function.
func (c *comparison) sameFunction(f *Frame, want string) bool {
	got := f.Function()
	if got == want {
		return true
	}
	if f.Func != nil {
		return c.is("gdb prefers the name in the debug information to that of the symbol", f.Func.Name == want || f.Func.Linkage == want) ||
			c.is("gdb writes the parameters of symbols of C++", strings.HasPrefix(want, got+"(")) ||
			c.is("gdb does or does not write the marks of copies that compilers have made of a function", unmarked(got) == unmarked(want))
	}
	sym, _, ok := f.Symbol()
	return ok && (c.is("gdb names stubs of functions that are chosen at start by addresses", c.isResolver(f.Image(), want, sym.Name)) ||
		c.is("gdb writes the parameters of symbols of C++", sym.Demangled() == want) ||
		c.is("gdb takes names of C for those of Ada", asAda(got) == want) ||
		c.is("gdb takes another one of several symbols", slices.Contains(c.names(f.Image())[sym.Addr-f.Image().Bias], want)))
}

// isResolver reports whether a stub is called "*ABS*+0xADDRESS@plt" for the resolver of the
// function in its name.
func (c *comparison) isResolver(img *image.Image, stub, name string) bool {
	digits, ok := strings.CutPrefix(strings.TrimSuffix(stub, "@plt"), "*ABS*+0x")
	addr, err := strconv.ParseUint(digits, 16, 64)
	return ok && err == nil && slices.Contains(c.names(img)[addr], strings.TrimSuffix(name, "@plt"))
}

// asAda returns a name, with an offset or without, as gdb decodes it where it takes it for
// one of Ada.
func asAda(name string) string {
	return strings.ReplaceAll(serial.ReplaceAllString(name, "$1"), "__", ".")
}

// unmarked returns a name, with an offset or without, as the source has it.
func unmarked(name string) string { return marks.ReplaceAllString(name, "$1") }

// names returns the symbols of an image by address, as readelf lists them.
func (c *comparison) names(img *image.Image) map[uint64][]string {
	if names, ok := c.symbols[img.Path]; ok {
		return names
	}
	names := make(map[uint64][]string)
	c.symbols[img.Path] = names
	if !strings.HasPrefix(img.Path, "/") {
		return names // the vdso is in no file
	}
	files := []string{img.Path}
	if debug, err := img.File.Debug(); err == nil && debug != nil && debug != img.File {
		files = append(files, debug.Name())
	}
	for _, file := range files {
		out, err := exec.Command(tracertest.Tool(c.T, "readelf"), "-sWC", file).Output()
		if err != nil {
			c.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			fields := strings.Fields(line)
			if len(fields) < 8 {
				continue
			}
			if addr, err := strconv.ParseUint(fields[1], 16, 64); err == nil {
				name, _, _ := strings.Cut(strings.Join(fields[7:], " "), "@")
				names[addr] = append(names[addr], name)
			}
		}
	}
	return names
}

// toAddr2line notes what addr2line is to say of a frame.
func (c *comparison) toAddr2line(f *Frame, line toldLine) {
	img := f.Image()
	if img == nil || img.File == nil || !strings.HasPrefix(img.Path, "/") {
		return
	}
	file := img.Path
	if debug, err := img.File.Debug(); err == nil && debug != nil && debug != img.File {
		file = debug.Name()
	}
	key := codeAt{file, f.Lookup - img.Bias}
	if !c.done[key] {
		c.places[key] = append(c.places[key], line)
	}
	c.done[key] = c.done[key] || !f.Inlined
}

// A codeAt is an address in a file.
type codeAt struct {
	file string
	addr uint64
}

// A toldLine is the line of a frame, and whether it is what gdb says.
type toldLine struct {
	text string
	gdb  bool
}

// addr2line compares the lines of all frames, those of inlined functions included, with
// what addr2line says.
func (c *comparison) addr2line() {
	byFile := make(map[string][]uint64)
	for key := range c.places {
		if c.done[key] {
			byFile[key.file] = append(byFile[key.file], key.addr)
		}
	}
	for file, addrs := range byFile {
		slices.Sort(addrs)
		args := []string{"-a", "-i", "-s", "-e", file}
		for _, addr := range addrs {
			args = append(args, fmt.Sprintf("%#x", addr))
		}
		out, err := exec.Command(tracertest.Tool(c.T, "addr2line"), args...).CombinedOutput()
		if err != nil {
			c.Fatalf("addr2line -e %s: %v\n%s", file, err, out)
		}
		answers := strings.Split(string(out), "\n0x")
		if len(answers) != len(addrs) {
			c.Fatalf("addr2line answers %d of %d questions", len(answers), len(addrs))
		}
		for i, answer := range answers {
			lines := strings.Split(strings.TrimSpace(answer), "\n")[1:]
			told := c.places[codeAt{file, addrs[i]}]
			asGDB := !slices.ContainsFunc(told, func(l toldLine) bool { return !l.gdb })
			if asGDB && c.is("addr2line does not read lines of Go", len(lines) == 1 && strings.HasSuffix(lines[0], ".go:?")) {
				continue
			}
			if asGDB && c.is("addr2line passes over functions that were inlined", len(lines) < len(told)) {
				continue
			}
			if len(told) != len(lines) {
				c.Errorf("addr2line: %s %#x: %v, addr2line has %s", file, addrs[i], told, lines)
				continue
			}
			for j, line := range lines {
				line, _, _ = strings.Cut(line, " (discriminator")
				if strings.HasSuffix(line, ":?") || strings.HasPrefix(line, "??") {
					line = ":0"
				}
				if told[j].text != line && !c.is("addr2line takes another one of the rows at an address, or another file, than gdb", told[j].gdb) {
					c.Errorf("addr2line: %s %#x: %s, addr2line has %s", file, addrs[i], told[j].text, line)
				}
			}
		}
	}
}

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
	if c.is("gdb gives up where variable-length arrays are too long", strings.HasPrefix(want, "<error: value requires ") && v.Value.Type().Kind == debuginfo.Array) {
		return true
	}
	if c.is("gdb takes one element where nobody knows how many an array has", strings.HasPrefix(got, "0x") && !strings.Contains(want, ",") && v.Value.Type().Kind == debuginfo.Array) {
		return true
	}
	if c.is("gdb takes negative bounds, of registers that have changed since, for large ones", strings.HasPrefix(got, "0x") && strings.HasSuffix(want, "...}") && v.Value.Type().Kind == debuginfo.Array) {
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
		if !strings.Contains(want, g) && c.is("gdb does not name data by symbols without a size", c.sizeless(f, m[1])) {
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
