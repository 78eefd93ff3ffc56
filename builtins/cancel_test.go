package builtins

import (
	"errors"
	"strings"
	"testing"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestCancel checks that Cancel and Interrupt end what a script waits for, and that
// attempt and handlers do not hold them up. cancel() makes another goroutine cancel
// the script; it may do so before or after the next call has begun.
func TestCancel(t *testing.T) {
	for name, script := range map[string]string{
		"cont":    `cancel(); launch(spin).cont()`,
		"attempt": `cancel(); attempt(launch(spin).cont); fail("attempt goes on")`,
		"step":    `cancel(); launch(spin).step(1 << 40)`,
		"inside a handler": `
def handle(stop):
    cancel()
    stop.process.cont()
p = launch(spin)
p.breakpoint("main", handle)
attempt(p.cont)
fail("attempt goes on")
`,
		"between handlers": `
p = launch(spin)
p.breakpoint("turn", lambda stop: None)
cancel()
p.cont()
`,
		"read": `
p = launch(spin, stdout = PIPE)
cancel()
attempt(p.stdout.read, 1, timeout = 600)
fail("attempt goes on")
`,
		"expect": `
p = launch(spin, stdout = PIPE)
cancel()
p.expect("nothing")
`,
		"attached": `
p = attach(pid)
cancel()
p.cont()
`,
		"sorted": `
x = [(i * 7919 % 1000003, i) for i in range(1000000)]
cancel()
while True:
    attempt(sorted, x)
`,
		"json.decode": `
text = "[" + "[1,2,3]," * (4 << 20) + "1]"
cancel()
while True:
    attempt(json.decode, text)
`,
		"json.encode": `
x = [[1, 2, 3]] * 100000
cancel()
while True:
    attempt(json.encode, x)
`,
		"matches": `
text = "ab" * (32 << 20)
cancel()
while True:
    attempt(matches, "(a|b)*(ab)*c$", text)
`,
		"groups": `
text = "ab" * (32 << 20)
cancel()
while True:
    attempt(groups, "(a|b)*(ab)*c$", text)
`,
		"disasm": `
p = launch(spin)
cancel()
while True:
    p.disasm("main", 100000)
`,
		"a range": `
cancel()
while True:
    attempt(max, range(1 << 40))
`,
		"sleep": `
cancel()
attempt(sleep, 1 << 30)
fail("attempt goes on")
`,
		"a wait for a process": `
cancel()
attempt(attach, "no such program", wait = True)
fail("attempt goes on")
`,
		"find": `
p = launch(spin)
cancel()
while True:
    p.find(b"not there")
`,
	} {
		t.Run(name, func(t *testing.T) {
			spin := tracertest.Build(t, "testdata/spin.c")
			target := tracertest.Start(t, spin)
			e := newEnv(t)
			thread := new(starlark.Thread)
			names := starlark.StringDict{
				"spin": starlark.String(spin),
				"pid":  starlark.MakeInt(target.PID),
				"cancel": starlark.NewBuiltin("cancel", func(*starlark.Thread, *starlark.Builtin, starlark.Tuple, []starlark.Tuple) (starlark.Value, error) {
					go func() {
						thread.Cancel("enough")
						e.tr.Interrupt()
					}()
					return starlark.None, nil
				}),
			}
			_, err := starlark.ExecFileOptions(options, thread, "cancel.star", script, with(e, names))
			if err == nil || strings.Contains(err.Error(), "goes on") {
				t.Errorf("the script ends with %v", err)
			}
		})
	}
}

// TestStepLimit checks that attempt and handlers do not get around the limit of
// steps.
func TestStepLimit(t *testing.T) {
	e := newEnv(t)
	thread := new(starlark.Thread)
	thread.SetMaxExecutionSteps(10000)
	_, err := starlark.ExecFileOptions(options, thread, "limit.star", `
def spin():
    while True:
        pass
attempt(attempt, spin)
fail("attempt goes on")
`, e.Predeclared())
	if err == nil || !strings.Contains(err.Error(), "too many steps") {
		t.Errorf("the script ends with %v, want too many steps", err)
	}
}

// TestExit checks that exit comes out of whatever it is called in.
func TestExit(t *testing.T) {
	e := newEnv(t)
	_, err := starlark.ExecFileOptions(options, new(starlark.Thread), "exit.star", `
def handle(stop):
    attempt(exit, 7)

p = launch(loop)
p.breakpoint("work", handle)
attempt(p.cont)
`, with(e, starlark.StringDict{"loop": starlark.String(tracertest.Build(t, "testdata/loop.c"))}))
	if exit, ok := errors.AsType[*ExitError](err); !ok || exit.Code != 7 {
		t.Errorf("the script ends with %v, want exit 7", err)
	}
}

// TestHandlerBacktrace checks that the error of a handler has the handler's
// backtrace, and below it the verb's.
func TestHandlerBacktrace(t *testing.T) {
	e := newEnv(t)
	_, err := starlark.ExecFileOptions(options, new(starlark.Thread), "handler.star", `
def inner():
    fail("no luck")

def handle(stop):
    inner()

p = launch(loop)
p.breakpoint("work", handle)
p.cont()
`, with(e, starlark.StringDict{"loop": starlark.String(tracertest.Build(t, "testdata/loop.c"))}))
	eval, ok := errors.AsType[*starlark.EvalError](err)
	if !ok {
		t.Fatalf("the script ends with %v", err)
	}
	var names []string
	for _, fr := range eval.CallStack {
		names = append(names, fr.Name)
	}
	if got, want := strings.Join(names, " "), "<toplevel> cont handle inner fail"; got != want {
		t.Errorf("the call stack is %s, want %s", got, want)
	}
}
