//go:build linux && amd64

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPolicy checks the flags that say what a script may do.
func TestPolicy(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lib.star"), []byte("x = 1"), 0o666); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o777); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"link.star": "../lib.star", "folder": dir, "proc": "/proc/self/root"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	const stopped = `p = launch("../../examples/targets/crash"); p.breakpoint("set_option"); p.cont(); `
	for _, test := range []struct {
		args []string
		code string
		want string // "" for success
	}{
		{nil, `launch("true"); env["PATH"]; list_dir("/")`, ""},
		{[]string{"--deny", "launch"}, `launch("true")`, "it needs the permission launch (tracelark --allow launch"},
		{[]string{"--deny", "all"}, `launch("true")`, "it needs the permission launch"},
		{[]string{"--allow", "fs"}, `launch("true")`, "it needs the permission launch"},
		{[]string{"--allow", "fs,launch"}, `launch("true"); list_dir("/")`, ""},
		{[]string{"--allow", "fs", "--allow", "launch"}, `launch("true"); list_dir("/")`, ""},
		{[]string{"--allow", "all", "--deny", "fs"}, `list_dir("/")`, "it needs the permission fs"},
		{[]string{"--deny", "fs"}, `load("` + dir + `/lib.star", "x")`, "load: not allowed here, it needs the permission fs"},
		{[]string{"--deny", "all"}, `load("std/crash.star", "explain")`, ""},
		{[]string{"--root", dir}, `load("` + dir + `/lib.star", "x")`, ""},
		{[]string{"--root", dir + "/none"}, `load("` + dir + `/lib.star", "x")`, "is outside of the folders in which files may be used: " + dir + "/none"},
		{[]string{"--root", root}, `load("` + root + `/link.star", "x")`, "escapes"},
		{[]string{"--root", root}, `load("` + root + `/folder/lib.star", "x")`, "escapes"},
		{[]string{"--root", root}, `load("` + root + `/proc` + dir + `/lib.star", "x")`, "escapes"},
		{[]string{"--root", root}, `load("` + root + `/../lib.star", "x")`, "is outside of the folders"},
		{[]string{"--root", root}, `load("std/../../lib.star", "x")`, "no such module in the standard library"},
		{[]string{"--root", root}, `run_command("core /proc/self/exe")`, "is outside of the folders"},
		{[]string{"--deny", "all"}, `run_command("core /proc/self/exe")`, "it needs the permission fs"},
		{[]string{"--deny", "all"}, `run_command("attach 1")`, "it needs the permission attach"},
		{[]string{"--deny", "all"}, `run_command("run /bin/true")`, "it needs the permission launch"},
		{[]string{"--allow", "launch"}, stopped + `run_command("set var digits = 0")`, "it needs the permission write"},
		{[]string{"--allow", "launch"}, stopped + `run_command("set $rax = 1")`, "it needs the permission write"},
		{[]string{"--allow", "launch"}, stopped + `run_command("call find_option(name)")`, "it needs the permission write"},
		{[]string{"--allow", "launch"}, stopped + `run_command("list")`, "the source is not there"},
		{[]string{"--allow", "fire"}, ``, `no permission is named "fire", want all or some of launch, attach, write, fs, env, syscall`},
	} {
		out, err := command(t, append(append([]string{"run"}, test.args...), "-c", test.code)...).CombinedOutput()
		if (err == nil) != (test.want == "") || !strings.Contains(string(out), test.want) {
			t.Errorf("run %v -c %q: %v\n%swant %q", test.args, test.code, err, out, test.want)
		}
	}
}
