//go:build linux && amd64

package tracer_test

import (
	"fmt"
	"log"

	"github.com/tracelark/tracelark/tracer"
)

// The engine alone, without scripts: where does a program crash?
func Example() {
	tr, err := tracer.New()
	if err != nil {
		log.Fatal(err)
	}
	defer tr.Close()
	p, err := tr.Launch([]string{"../examples/targets/crash"}, nil)
	if err != nil {
		log.Fatal(err)
	}
	stop, err := p.Cont(nil)
	if err != nil {
		log.Fatal(err)
	}
	frames, err := stop.Thread.Frames(2)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stop.Reason, tracer.SignalName(stop.Signal))
	for _, f := range frames {
		fmt.Println(f.Function())
	}
	// Output:
	// signal SIGSEGV
	// store
	// set_option
}
