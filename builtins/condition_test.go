package builtins

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestConditionsAsStarlark compares conditions with what Starlark makes of the same
// expressions.
func TestConditionsAsStarlark(t *testing.T) {
	e := newEnv(t)
	p, err := e.tr.Launch([]string{tracertest.Build(t, "testdata/loop.c")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	th := p.Thread()
	names := starlark.StringDict{}
	for name, value := range map[string]uint64{"rax": 1<<64 - 1, "rbx": 1 << 63, "rcx": 7, "rdx": 0, "rsi": 1<<63 - 1, "rdi": 65} {
		if err := th.SetReg(arch.Lookup(name), value); err != nil {
			t.Fatal(err)
		}
		names[name] = starlark.MakeUint64(value)
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func(list ...string) string { return list[rnd.IntN(len(list))] }
	var number func(depth int) string
	number = func(depth int) string {
		switch {
		case depth == 0 || rnd.IntN(5) == 0:
			return pick("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "0", "1", "2", "-3", "0x7fffffffffffffff", "(1 << 63)", "-9223372036854775808")
		case rnd.IntN(8) == 0:
			return pick("-", "~", "+") + "(" + number(depth-1) + ")"
		case rnd.IntN(8) == 0:
			return number(depth-1) + pick(" << ", " >> ") + pick("0", "1", "5", "63", "64", "rcx", "rdi")
		case rnd.IntN(2) == 0:
			return "(" + number(depth-1) + ")"
		}
		return number(depth-1) + pick(" + ", " - ", " * ", " // ", " % ", " & ", " | ", " ^ ") + number(depth-1)
	}
	var truth func(depth int) string
	truth = func(depth int) string {
		switch rnd.IntN(4 + 4*depth) {
		case 0, 1, 2:
			return number(3) + pick(" == ", " != ", " < ", " <= ", " > ", " >= ") + number(3)
		case 3:
			// Elements behind the one that is found are not computed.
			return fmt.Sprintf("%s %s (%s, %s)", number(2), pick("in", "not in"), number(0), number(0))
		case 4, 5:
			return truth(depth-1) + pick(" and ", " or ") + truth(depth-1)
		case 6:
			return "not " + truth(depth-1)
		}
		return "(" + truth(max(0, depth-1)) + ")"
	}
	failures := 0
	for range 5000 {
		text := truth(3)
		want, wantErr := starlark.EvalOptions(options, new(starlark.Thread), "", text, names)
		c, err := tracer.ParseCondition(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Holds(th, 1)
		if wantErr != nil && strings.Contains(wantErr.Error(), "out of range") {
			continue // Starlark shifts to the right by no more than an int
		}
		if (err == nil) != (wantErr == nil) || err == nil && starlark.Bool(got) != want {
			t.Errorf("%s is %t, %v, and in Starlark %v, %v", text, got, err, want, wantErr)
		}
		if err != nil {
			failures++
		}
	}
	if failures == 0 || failures > 4000 {
		t.Errorf("%d of 5000 expressions fail", failures)
	}
}
