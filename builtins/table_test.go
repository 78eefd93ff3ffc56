package builtins

import (
	"encoding/json"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// values returns a value of every type that scripts see, by type. The process is
// stopped at a breakpoint.
func values(t *testing.T, e *Env) map[string]starlark.Value {
	t.Helper()
	globals := exec(t, e, `
p = launch(path, stdin = PIPE, stdout = CAPTURE)
breakpoint = p.breakpoint("work")
watchpoint = p.watch("sum")
hook = p.on("exec", lambda stop: None)
stop = p.cont()
_, error = attempt(p.read, 0, 1)
frame = p.thread.frame
p.save_core(file)
observed = observe(p.pid)
observed_thread = observed.thread
values = [p, p.thread, observed, p.regs, p.regs.flags, frame, frame.regs, stop, breakpoint, watchpoint, hook, p.main_image, p.symbol("work"), p.maps[0], p.disasm("work")[0], error, p.stdin, p.stdout, STOP, regex("a+"), hex_pattern("4?"), core(file), p.line("work"), p.type("int"), p.type("int").at(p.regs.rsp), crashes.crash(stop), crashes.crash(stop).frames[0], program(p.exe), crashes.sanitizer("==1==ERROR: AddressSanitizer: SEGV on unknown address 0x0"), focus, p.cover([])]
values.append(p.checkpoint())
`, starlark.StringDict{
		"path": starlark.String(tracertest.Build(t, "testdata/loop.c")),
		"file": starlark.String(filepath.Join(t.TempDir(), "core")),
	})
	m := map[string]starlark.Value{"case": NewCase("testdata/loop.c", 0, []string{"loop"}, starlark.None), "siginfo": &siginfo{}, "syscall": &systemCall{c: &tracer.Syscall{Phase: tracer.Enter}, p: globals["p"].(*process)}}
	m["probe"] = &probe{im: &image.Image{}}
	m["observed_thread"] = globals["observed_thread"]
	for v := range starlark.Elements(globals["values"].(*starlark.List)) {
		m[v.Type()] = v
	}
	return m
}

// exec runs a script on e and returns its globals.
func exec(t testing.TB, e *Env, script string, names starlark.StringDict) starlark.StringDict {
	t.Helper()
	globals, err := starlark.ExecFileOptions(options, new(starlark.Thread), t.Name()+".star", script, with(e, names))
	if err != nil {
		if eval, ok := err.(*starlark.EvalError); ok {
			t.Fatal(eval.Backtrace())
		}
		t.Fatal(err)
	}
	return globals
}

// TestRows checks that everything a script can name has a row, and that every row
// says something.
func TestRows(t *testing.T) {
	e := newEnv(t)
	names := []string{"limits", "permissions"}
	for name := range e.Predeclared() {
		names = append(names, name)
	}
	for _, m := range e.modules() {
		for name := range m.Members {
			names = append(names, m.Name+"."+name)
		}
	}
	for typ, v := range values(t, e) {
		v, ok := v.(starlark.HasAttrs)
		if !ok {
			continue // a constant, which has its own row
		}
		names = append(names, typ)
		for _, name := range v.AttrNames() {
			names = append(names, typ+"."+name)
			if x, err := v.Attr(name); x == nil && err == nil {
				t.Errorf("%s.%s is named but not there", typ, name)
			}
		}
		if x, err := v.Attr("no_such_name"); x != nil || err != nil {
			t.Errorf("%s.no_such_name is (%v, %v), want neither", typ, x, err)
		}
	}
	slices.Sort(names)
	if extra := without(Topics(), names); len(extra) > 0 {
		t.Errorf("rows without a meaning: %v", extra)
	}
	sentence := regexp.MustCompile(`(?s)^[A-Za-z"].*[^.]\.$`)
	for _, name := range names {
		topic := manual()[name]
		if topic == nil {
			t.Errorf("%s has no row", name)
		} else if !sentence.MatchString(topic.doc) || topic.name != name {
			t.Errorf("%s: the row is %q, %q", name, topic.name+topic.sig, topic.doc)
		}
	}
}

// without returns the elements of list that are not in other, which is sorted.
func without(list, other []string) (rest []string) {
	for _, s := range list {
		if _, found := slices.BinarySearch(other, s); !found {
			rest = append(rest, s)
		}
	}
	return rest
}

// TestSignatures checks that builtins accept the keyword arguments that their rows
// name, and no others.
func TestSignatures(t *testing.T) {
	e := newEnv(t)
	builtins := make(map[string]*starlark.Builtin)
	for _, f := range functions {
		builtins[f.name] = e.Predeclared()[f.name].(*starlark.Builtin)
	}
	for _, m := range e.modules() {
		for name, v := range m.Members {
			if name != "request" { // which takes those of any
				builtins[m.Name+"."+name] = v.(*starlark.Builtin)
			}
		}
	}
	for typ, v := range values(t, e) {
		if v, ok := v.(starlark.HasAttrs); ok {
			for _, name := range v.AttrNames() {
				if x, _ := v.Attr(name); x != nil && x.Type() == "builtin_function_or_method" {
					builtins[typ+"."+name] = x.(*starlark.Builtin)
				}
			}
		}
	}
	for name, b := range builtins {
		sig, ok := SignatureOf(name)
		if !ok {
			t.Errorf("%s has no signature", name)
			continue
		}
		for _, p := range sig.Params {
			kwargs := []starlark.Tuple{{starlark.String(p.Name), unusable{}}, {starlark.String("no_such_parameter"), starlark.None}}
			_, err := starlark.Call(new(starlark.Thread), b, nil, kwargs)
			if err == nil || strings.Contains(err.Error(), "unexpected keyword argument \""+p.Name) {
				t.Errorf("%s with %s: %v", name, p.Name, err)
			}
		}
	}
}

// An unusable is a value that no builtin takes.
type unusable struct{ handle }

func (unusable) String() string        { return "unusable" }
func (unusable) Type() string          { return "unusable" }
func (unusable) Hash() (uint32, error) { return 0, unhashable(unusable{}) }

// TestJSON checks that every value can be encoded, now and when the process is gone,
// and that addresses are ints.
func TestJSON(t *testing.T) {
	e := newEnv(t)
	all := values(t, e)
	encodeAll := func() {
		t.Helper()
		for typ, v := range all {
			data, err := starlark.Call(new(starlark.Thread), e.Predeclared()["json"].(*starlarkstruct.Module).Members["encode"], starlark.Tuple{v}, nil)
			if err != nil {
				t.Errorf("json.encode of %s: %v", typ, err)
				continue
			}
			if text := string(data.(starlark.String)); !json.Valid([]byte(text)) || strings.Contains(text, "\n") {
				t.Errorf("json.encode of %s is %q", typ, text)
			}
			if v.String() == "" {
				t.Errorf("str of %s is empty", typ)
			}
		}
	}
	encodeAll()
	if err := all["process"].(*process).p.Kill(); err != nil {
		t.Fatal(err)
	}
	if state := all["process"].(*process).p.State(); state != tracer.Exited {
		t.Fatalf("the process is %s after Kill", state)
	}
	encodeAll()
}
