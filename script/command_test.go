package script

import (
	"testing"

	"go.starlark.net/starlark"
)

func TestIsCommand(t *testing.T) {
	s, _, _ := newFake(t, Options{})
	s.globals["x"] = starlark.MakeInt(3)
	for line, want := range map[string]bool{
		// The fake has the commands say and thing; thing is a value that is predeclared.
		"say":                   true,
		"  say  ":               true,
		"say # what":            true,
		"say main":              true,
		"say $rsp":              true,
		"say x->next":           true,
		"say 3":                 true,
		`say "a`:                true,
		"say *list":             true,
		"say -8":                true,
		"say -":                 true,
		"say &":                 true,
		"say &x":                true,
		"say (a)":               true,
		"say (a":                true,
		"say [1]":               true,
		"say if x == 3":         true,
		"say/4gx $rsp":          true,
		"say/4gx":               true,
		"say/x -1":              true,
		".say":                  true,
		".say = 3":              true,
		"?say":                  true,
		"say?":                  true,
		"thing.color?":          true,
		"!ls -l":                true,
		"| say | cat":           true,
		"source file":           true,
		"source(1)":             false,
		"def f(n):":             false,
		"if $x == 3":            true,
		"if $_streq('a', x)":    true,
		"if x == '$':":          false,
		"if x == 3":             false,
		"while $x":              false, // of which the fake has no command
		"say-main":              false,
		"say-main x":            false,
		"help":                  true,
		"help say":              true,
		"thing":                 true,
		"say = 3":               false,
		"say =3":                false,
		"say += [":              false,
		"say == 3":              false,
		"say != 3":              false,
		"say * 2":               false,
		"say < file":            true,
		"say > file":            true,
		"thing < 3":             false,
		"say*2":                 false,
		"say - 2":               false,
		"say / 2":               false,
		"say/4 * 2":             false,
		"say, x = 1, 2":         false,
		"say.x":                 false,
		"say(a)":                false,
		"say[1]":                false,
		"say in x":              false,
		"say if x else 3":       false,
		"say and (":             true, // which is no Starlark
		"x":                     false,
		"other":                 false,
		"other words":           false,
		"1":                     false,
		"":                      false,
		".5":                    false,
		"x = 1 if y else say?z": false,
	} {
		if got := s.isCommand(line); got != want {
			t.Errorf("isCommand(%q) = %v", line, got)
		}
	}
	for line, want := range map[string]string{"other words": "other", "other $x": "other", "other 3 4": "other", "other = $": "", "x $": "", "for $": "", "not $": "", "other": "", "7 $": "", "other + $": ""} {
		if got := s.unknown(line); got != want {
			t.Errorf("unknown(%q) = %q, want %q", line, got, want)
		}
	}
	for line, want := range map[string]bool{"sya\n": true, "other-words": true, "x": false, "x-other": false, "len": false, "x - y": false, "other()": false} {
		if err := s.unknownWord(line); (err != nil) != want {
			t.Errorf("unknownWord(%q) = %v", line, err)
		}
	}
	s.globals["say"] = starlark.MakeInt(1)
	for line, want := range map[string]bool{"say": false, "say/4": false, "say main": true, "say (1)": true, ".say": true} {
		if got := s.isCommand(line); got != want {
			t.Errorf("with a variable say, isCommand(%q) = %v", line, got)
		}
	}
	s.globals["say"] = starlark.Universe["len"]
	if s.isCommand("say (1)") {
		t.Error("a call is a command")
	}
}
