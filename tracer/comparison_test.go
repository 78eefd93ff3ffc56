//go:build linux && amd64

package tracer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/tracertest"
	"github.com/tracelark/tracelark/tracer/unwind"
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
	for _, th := range x.Threads() {
		c.stack(x, th, want[th.TID])
		delete(want, th.TID)
	}
	for tid, stack := range want {
		if !c.is("gdb lists threads without registers that were ending, as libpthread still has them in its list", len(stack.Frames) == 0 && stack.Reason == "PC not available") {
			c.Errorf("gdb has a thread %d more: %+v", tid, stack)
		}
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
		if i > 0 && c.is("gdb does not know of functions of Go that change the stack", f.By == unwind.FramePointer && code{&x.target}.Role(frames[i-1].Lookup) == unwind.Switches) {
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
		if f.PC != w.PC && c.is("gdb goes on to where no code is", x.executable(f.PC) && !x.executable(w.PC)) {
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
		// Of those that name no line, addr2line has to say so.
		if !agrees && !c.is("gdb passes over rows of the line table that begin no statement", f.callee == nil && file != "" && !line.IsStmt) &&
			!c.is("gdb passes over rows of the line table that name no line", f.callee == nil && file == "") {
			c.Errorf("line: frame %d: %s:%d, gdb has %s:%d\n%s", i, file, line.Line, w.File, w.Line, describe(i))
		}
		if w.Variables != nil {
			c.variables(f, &w)
		}
	}
	rest := want.Frames[min(len(frames), len(want.Frames)):]
	switch {
	case len(frames) == len(want.Frames):
	case len(rest) > 0 && c.is("gdb does not know of functions of Go that change the stack", err == nil && code{&x.target}.Role(frames[len(frames)-1].Lookup) == unwind.Switches):
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
			c.is("gdb writes types in names in another way, and void where parameters are not known", unspelled(f.Func.Name) == unspelled(strings.TrimSuffix(want, "(void)"))) ||
			c.is("gdb does or does not write the marks of copies that compilers have made of a function", unmarked(got) == unmarked(want))
	}
	sym, _, ok := f.Symbol()
	return ok && (c.is("gdb does not know _start and main of stripped programs", want == "" && (sym.Name == "_start" && sym.Addr-f.Image().Bias == f.Image().File.Entry() ||
		sym.Name == "main" && len(f.outer) > 0 && strings.HasPrefix(f.outer[0].Function(), "__libc_start_"))) ||
		c.is("gdb names stubs of functions that are chosen at start by addresses", c.isResolver(f.Image(), want, sym.Name)) ||
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

// unspelled returns a name without what stands in another place in gdb's.
func unspelled(name string) string { return strings.NewReplacer("const", "", " ", "").Replace(name) }

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
			for j, line := range lines {
				lines[j], _, _ = strings.Cut(line, " (discriminator")
				if strings.HasSuffix(line, ":?") || strings.HasPrefix(line, "??") {
					lines[j] = ":0"
				}
			}
			if (asGDB || lines[0] == told[0].text) && c.is("addr2line passes over functions that were inlined", len(lines) < len(told)) {
				continue
			}
			if len(told) != len(lines) {
				c.Errorf("addr2line: %s %#x: %v, addr2line has %s", file, addrs[i], told, lines)
				continue
			}
			for j, line := range lines {
				if told[j].text != line && !c.is("addr2line takes another one of the rows at an address, or another file, than gdb", told[j].gdb) {
					c.Errorf("addr2line: %s %#x: %s, addr2line has %s", file, addrs[i], told[j].text, line)
				}
			}
		}
	}
}
