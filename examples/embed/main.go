//go:build linux && amd64

// Embed runs a script inside a Go program: it counts the calls of a function of
// the program that its arguments name.
//
//	go run ./examples/embed FUNCTION PROGRAM [ARGUMENT...]
package main

import (
	"fmt"
	"os"

	"github.com/tracelark/tracelark/script"
)

const count = `
p = launch(args[1:])
b = p.breakpoint(args[0], handler=lambda stop: None)
p.cont()
print(b.hits, "calls of", args[0])
`

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: embed FUNCTION PROGRAM [ARGUMENT...]")
		os.Exit(2)
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	session, err := script.New(&script.Options{
		Args:   args,
		Policy: script.Policy{Allow: script.MayLaunch},
	})
	if err != nil {
		return err
	}
	defer session.Close()
	return session.RunCode(count)
}
