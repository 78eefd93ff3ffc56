package script

import (
	"strings"
	"testing"
)

// TestEqual checks that values of the program are equal to numbers, on both sides and in
// whatever a script runs.
func TestEqual(t *testing.T) {
	var out strings.Builder
	s, err := New(&Options{Policy: Policy{Allow: MayAll}, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.RunCode(`
load("std/assert.star", "assert")
p = launch("../examples/targets/crash", env = {}, stdout = CAPTURE)
p.breakpoint("store", when = lambda stop: stop.frame.args.value == 640)
p.breakpoint("store", when = lambda stop: 480 == stop.frame.var("value"))
p.cont()
v, option = p.frame.var("value"), p.frame.var("option")
print(v, v == 640, 640 == v, v != 640, v == 640.0, v == 641, (v) == (640), [x for x in range(700) if x == v])
print(option == option.address_, option == p.regs.rdi, option == 0, option.deref_() == 640, option == option)
print(v == None, v == "640", v == True, v == [640], p == 640, "a" == "a", None == None, 1 == 1.0)
assert.eq(v, 640)
print(p.cont().frame.var("value"))
`)
	want := `640 True True False True False True [640]
False True False False True
False False False False False True True True
480
`
	if err != nil || out.String() != want {
		t.Errorf("got %v and\n%s\nwant\n%s", err, out.String(), want)
	}
}
