package script_test

import (
	"errors"
	"fmt"
	"log"
	"os"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/script"
)

func Example() {
	session, err := script.New(&script.Options{
		Args:   []string{"../examples/targets/crash"},
		Policy: script.Policy{Allow: script.MayLaunch},
		Stdout: os.Stdout,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	err = session.RunCode(`
p = launch(args, stdout = CAPTURE)
stop = p.cont()
print(stop.signame, "in", stop.frame.function)
`)
	if err != nil {
		log.Fatal(err)
	}
	// Output: SIGSEGV in store
}

// A script may do nothing but compute unless the policy says more.
func ExampleNew_denied() {
	session, err := script.New(nil)
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	err = session.RunCode(`launch("true")`)
	failure, _ := errors.AsType[*script.Error](err)
	fmt.Println(failure.Msg)
	fmt.Println(errors.Is(err, os.ErrPermission))
	// Output:
	// launch: not allowed here, it needs the permission launch (tracelark --allow launch, or Options.Policy of package script)
	// true
}

// Values go to a script by Options.Names, and come back by Session.Globals.
func ExampleSession_Globals() {
	var seen []string
	session, err := script.New(&script.Options{
		Policy: script.Policy{Allow: script.MayLaunch},
		Names: starlark.StringDict{
			"target": starlark.String("../examples/targets/crash"),
			"report": starlark.NewBuiltin("report", func(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
				var name starlark.Bytes
				if err := starlark.UnpackArgs(b.Name(), args, kwargs, "name", &name); err != nil {
					return nil, err
				}
				seen = append(seen, string(name))
				return starlark.None, nil
			}),
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer session.Close()
	err = session.RunCode(`
p = launch(target, stdout = CAPTURE)
b = p.breakpoint("set_option", lambda stop: report(p.read_cstr(stop.thread.regs.rdi)))
p.cont()
hits = b.hits

def double(n):
    return 2 * n
`)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(seen, session.Globals()["hits"])
	twice, err := session.Call(session.Globals()["double"], starlark.MakeInt(21))
	fmt.Println(twice, err)
	// Output:
	// [width height colour] 3
	// 42 <nil>
}
