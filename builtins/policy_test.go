package builtins

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestEveryBuiltinIsDeclared checks that permissions names each builtin, and nothing
// else.
func TestEveryBuiltinIsDeclared(t *testing.T) {
	used := make(map[string]bool)
	for name, topic := range manual() {
		if !strings.HasPrefix(topic.sig, "(") {
			continue
		}
		need, declared := needs(name)
		if !declared {
			t.Errorf("%s is not in permissions: say there what it needs", name)
		}
		if text := "It needs the permission " + need.String() + "."; strings.Contains(topic.doc, text) != (need != 0) {
			t.Errorf("%s needs %q, and the manual says %q", name, need, topic.doc)
		}
		for _, row := range permissions {
			for pattern := range strings.FieldsSeq(row.builtins) {
				if ok, _ := filepath.Match(pattern, name); ok {
					used[pattern] = true
				}
			}
		}
	}
	for _, row := range permissions {
		for pattern := range strings.FieldsSeq(row.builtins) {
			if !used[pattern] {
				t.Errorf("permissions names %s, and no builtin is called so", pattern)
			}
		}
	}
}

// TestDenied calls every function and every method with all sorts of arguments where
// nothing is allowed. None may read a file, start a program, or touch a process.
func TestDenied(t *testing.T) {
	const secret = "a secret that is in a file alone"
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte(secret), 0o666); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TRACELARK_TEST_SECRET", secret)
	bystander := tracertest.Start(t, tracertest.Build(t, "testdata/spin.c"))

	e := newEnv(t)
	all := values(t, e)
	stopped := exec(t, e, `
s = launch(path)
s.catch("syscall", phase = "enter")
call = s.cont()
core = s
`, starlark.StringDict{"path": starlark.String(tracertest.Build(t, "testdata/echo.c"))})
	callees := make(map[string]starlark.Value)
	for typ, v := range all {
		if v, ok := v.(starlark.HasAttrs); ok {
			for _, name := range v.AttrNames() {
				if m, _ := v.Attr(name); m != nil && m.Type() == "builtin_function_or_method" {
					callees[typ+"."+name] = m
				}
			}
		}
	}
	call := stopped["call"].(starlark.HasAttrs)
	for _, m := range changes {
		callees["stop."+m.name], _ = call.Attr(m.name)
	}
	e.allowed = Policy{}
	shut := New(e.tr, nil, Policy{})
	for name, v := range shut.Predeclared() {
		callees[name] = v
	}
	for _, m := range shut.modules() {
		for name, v := range m.Members {
			callees[m.Name+"."+name] = v
		}
	}

	for name, topic := range manual() {
		if strings.HasPrefix(topic.sig, "(") && callees[name] == nil {
			t.Errorf("%s is not tried", name)
		}
	}

	before := state(t, all["process"].(*process))
	pid := starlark.MakeInt(bystander.PID)
	mine := all["process"].(*process)
	addr := starlark.MakeUint64(before.rsp)
	text := starlark.String(file)
	arguments := []starlark.Tuple{
		{}, {text}, {text, starlark.String("overwritten")}, {starlark.String("/bin/true")}, {pid}, {pid, addr},
		{pid, addr, starlark.MakeInt(1)}, {addr, starlark.Bytes("overwritten")}, {addr, starlark.MakeInt(1)},
		{starlark.MakeInt(mine.pid()), addr, starlark.MakeInt(1)},
		{starlark.MakeInt(mine.pid()), starlark.String("write_d"), addr, starlark.Bytes("overwritten")},
		{starlark.MakeInt(mine.pid()), addr},
		{starlark.MakeInt(mine.pid()), new(starlark.Dict)},
		{text, addr, starlark.MakeInt(8)}, {starlark.MakeInt(38)}, {starlark.String("getpid")}, {starlark.String("EPERM")},
		{starlark.String("write_d"), starlark.MakeInt(mine.pid()), addr, starlark.MakeInt(1)},
		{starlark.String("attach"), pid}, {starlark.String("launch"), starlark.String("/bin/true")},
		{starlark.MakeInt(38), starlark.MakeInt(0)},
	}
	for name, callee := range callees {
		fn, ok := callee.(starlark.Callable)
		if !ok {
			continue
		}
		need, _ := needs(name)
		if need == 0 && moves(name) {
			continue // it lets a target run, which changes itself, or waits
		}
		for _, args := range arguments {
			thread := &starlark.Thread{Print: func(*starlark.Thread, string) {}}
			v, err := starlark.Call(thread, fn, args, nil)
			if denied, ok := errors.AsType[*DeniedError](err); need != 0 && (!ok || denied.Need&need != need || !strings.Contains(err.Error(), "--allow ")) {
				t.Errorf("%s%v returns %v, %v, want that it needs %s", name, args, v, err, need)
			}
			if v != nil && strings.Contains(v.String(), secret) {
				t.Errorf("%s%v returns the secret", name, args)
			}
		}
	}
	if err := func() error {
		_, err := starlark.ExecFileOptions(options, new(starlark.Thread), "env.star", `env.get("PATH")`, shut.Predeclared())
		return err
	}(); err == nil || !strings.Contains(err.Error(), "--allow env") {
		t.Errorf("env can be read: %v", err)
	}
	for _, need := range []Permission{MayLaunch, MayAttach, MayWrite, MayFS, MayEnv, MaySyscall} {
		e.allowed.Allow, shut.allowed.Allow = MayAll&^need, MayAll&^need
		for name, callee := range callees {
			needed, _ := needs(name)
			fn, ok := callee.(starlark.Callable)
			if needed&need == 0 || !ok {
				continue
			}
			for _, args := range arguments {
				v, err := starlark.Call(new(starlark.Thread), fn, args, nil)
				if denied, ok := errors.AsType[*DeniedError](err); !ok || denied.Need != need {
					t.Errorf("without %s, %s%v returns %v, %v", need, name, args, v, err)
				}
			}
		}
	}
	e.allowed, shut.allowed = Policy{}, Policy{}
	for _, assignment := range []string{
		`p.eval("sum = 7")`, `p.eval("i++")`, `p.frames[1].eval("sum += 1")`, `p.eval("*(int *)$rsp = 1")`, `p.eval("$rax = 1")`, `p.eval("work()", call=True)`,
		"p.regs.rax = 1", "p.regs.flags.zf = 1", "p.regs.xmm0 = 1", "p.regs.dr0 = 1", "p.thread.sigmask = []",
		"ptrace.cont(p.pid, pc = 16)", "ptrace.detach(p.pid, pc = 16)",
	} {
		_, err := starlark.ExecFileOptions(options, new(starlark.Thread), "assign.star", assignment, with(e, starlark.StringDict{"p": mine}))
		if _, ok := errors.AsType[*DeniedError](err); !ok {
			t.Errorf("%s ends with %v", assignment, err)
		}
	}
	if after := state(t, mine); after != before {
		t.Errorf("the target was %v and is %v", before, after)
	}
	if data, err := os.ReadFile(file); string(data) != secret {
		t.Errorf("the file has %q, %v", data, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("there are files: %v", entries)
	}
	if status, err := procfs.Status(bystander.PID); err != nil || status.TracerPid != 0 {
		t.Errorf("the bystander is %+v, %v", status, err)
	}
	if n := len(e.tr.Processes()); n != 2 {
		t.Errorf("%d processes are held, 2 were before", n)
	}
}

// moves reports whether a builtin lets a target go on or be gone, or waits for it.
func moves(name string) bool {
	_, method, _ := strings.Cut(name, ".")
	return strings.Contains(" background cont cont_fatal step next step_line next_line finish until expect kill detach to_sce to_scx syscall wait read_until ", " "+method+" ") ||
		name == "output.read" || name == "sleep"
}

type targetState struct {
	rsp, rip, rax uint64
	memory        string
}

func state(t *testing.T, p *process) targetState {
	t.Helper()
	regs, err := p.p.Thread().Regs()
	if err != nil {
		t.Fatal(err)
	}
	s := targetState{rsp: regs.SP(), rip: regs.PC(), rax: regs[0]}
	memory := make([]byte, 64)
	if _, err := p.p.ReadAt(s.rsp, memory); err != nil {
		t.Fatal(err)
	}
	s.memory = string(memory)
	return s
}

// TestAllowed checks that each permission suffices for what needs it alone.
func TestAllowed(t *testing.T) {
	loop := tracertest.Build(t, "testdata/loop.c")
	bystander := tracertest.Start(t, tracertest.Build(t, "testdata/spin.c"))
	file := filepath.Join(t.TempDir(), "file")
	for _, test := range []struct {
		policy       Permission
		script, want string
	}{
		{MayLaunch, `launch(loop).step()`, ""},
		{MayLaunch, `launch(loop, stdin = b"x", stdout = CAPTURE)`, ""},
		{MayLaunch, `launch(loop, stdin = loop)`, "stdin: not allowed here, it needs the permission fs (tracelark --allow fs"},
		{MayLaunch, `launch(loop, stdout = file)`, "stdout: not allowed here"},
		{MayLaunch, `launch(loop).restart()`, ""},
		{MayLaunch, `launch(loop).write_u8("main", 0x90)`, "process.write_u8: not allowed here, it needs the permission write"},
		{MayLaunch, `launch(loop).save_core(file)`, "process.save_core: not allowed here, it needs the permission fs"},
		{MayLaunch, `launch(loop).syscall("getpid")`, "process.syscall: not allowed here, it needs the permission syscall"},
		{MayLaunch, `
p = launch("sh -c set", stdout = CAPTURE)
p.cont()
if b"TRACELARK_TEST" in p.stdout.data: fail("it has the environment")`, ""},
		{MayLaunch | MayEnv, `
p = launch("sh -c set", stdout = CAPTURE)
p.cont()
if b"TRACELARK_TEST" not in p.stdout.data: fail("it has no environment")`, ""},
		{MayLaunch | MayWrite, `p = launch(loop); p.write_u8("main", 0x90); p.regs.rax = 1`, ""},
		{MayLaunch | MaySyscall, `launch(loop).syscall("getpid")`, ""},
		{MayLaunch, `if launch(loop).disasm("main")[0].source != None: fail("it reads the source")`, ""},
		{MayLaunch | MayFS, `if launch(loop).disasm("main")[0].source == None: fail("it does not read the source")`, ""},
		{MayLaunch | MayFS, `launch(loop).save_core(file); core(file).dump(file, "main", 4); launch(loop, stdin = loop)`, ""},
		{MayAttach, `processes(); attach(pid).detach()`, ""},
		{MayAttach, `launch(loop)`, "launch: not allowed here, it needs the permission launch"},
		{MayFS, `write_file(file, "x"); read_file(file); list_dir("/")`, ""},
		{MayFS, `attach(pid)`, "attach: not allowed here, it needs the permission attach"},
		{MayEnv, `env["PATH"]`, ""},
		{MayFS, `env["PATH"]`, "env: not allowed here, it needs the permission env"},
		{MayAll &^ MayEnv, `[x for x in env]`, "--allow env"},
	} {
		t.Run(test.policy.String()+" "+test.script, func(t *testing.T) {
			t.Setenv("TRACELARK_TEST", "1")
			e := newEnv(t)
			e.allowed.Allow = test.policy
			names := with(e, starlark.StringDict{"loop": starlark.String(loop), "file": starlark.String(file), "pid": starlark.MakeInt(bystander.PID)})
			names["env"] = e.environ()
			_, err := starlark.ExecFileOptions(options, new(starlark.Thread), "allowed.star", test.script, names)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("it ends with %v, want %q", err, test.want)
			}
		})
	}
}

// TestRoots checks that files outside of the roots cannot be used, by any name.
func TestRoots(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	for _, d := range []string{dir, outside} {
		if err := os.WriteFile(filepath.Join(d, "file"), []byte("text"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	links := map[string]string{
		"leads out": filepath.Join(outside, "file"), "relative": "../../../../../../../../etc/passwd", "folder": outside,
		"dangling": filepath.Join(outside, "new"), "within": "file",
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	e := New(nil, nil, Policy{Allow: MayAll, Roots: []string{filepath.Join(outside, "none"), dir}})
	good := starlark.StringDict{"dir": starlark.String(dir), "outside": starlark.String(outside)}
	exec(t, e, `
if read_file(dir + "/file") != b"text" or read_file(dir + "/within") != b"text": fail("it cannot be read")
if read_file(dir + "/../" + dir.split("/")[-1] + "/file") != b"text": fail("it cannot be read")
write_file(dir + "/other", "x")
if len(list_dir(dir)) != 7: fail(list_dir(dir))
`, good)
	for _, expr := range []string{
		`read_file("/etc/passwd")`, `read_file(outside + "/file")`, `read_file(dir + "/../" + outside.split("/")[-1] + "/file")`,
		`read_file(dir + "/leads out")`, `read_file(dir + "/relative")`, `read_file(dir + "/folder/file")`, `read_file("policy.go")`,
		`write_file(dir + "/dangling", "x")`, `write_file(outside + "/new", "x")`, `write_file(dir + "/leads out", "x")`, `write_file(dir + "/folder/new", "x")`,
		`list_dir("/")`, `list_dir(dir + "/folder")`, `list_dir(dir + "/..")`,
		`core("/etc/passwd")`, `core(dir + "/leads out")`, `core(dir + "/file", sysroot = "/")`, `core(dir + "/file", exe = "/bin/true")`,
	} {
		v, err := starlark.EvalOptions(options, new(starlark.Thread), "roots.star", expr, with(e, good))
		if err == nil || !strings.Contains(err.Error(), "outside of the folders") && !strings.Contains(err.Error(), "escapes") {
			t.Errorf("%s is %v, %v", expr, v, err)
		}
	}
	data, err := os.ReadFile(filepath.Join(outside, "file"))
	if entries, _ := os.ReadDir(outside); len(entries) != 1 || string(data) != "text" {
		t.Errorf("the folder outside has %v, %q, %v", entries, data, err)
	}
}

// TestRootsOfTargets checks that what is opened for targets and of them is below the
// roots too.
func TestRootsOfTargets(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "file"), []byte("text"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"folder": outside, "root": "/proc/self/root", "file": filepath.Join(outside, "file")} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	e := newEnv(t)
	e.allowed.Roots = []string{dir}
	names := with(e, starlark.StringDict{"dir": starlark.String(dir), "outside": starlark.String(outside), "loop": starlark.String(tracertest.Build(t, "testdata/loop.c"))})
	p := exec(t, e, `
p = launch(loop, stdout = dir + "/out", stderr = dir + "/err")
p.save_core(dir + "/core")
p.dump(dir + "/dump", "main", 8)
core(dir + "/core")
`, names)["p"]
	names["p"] = p
	for _, expr := range []string{
		`launch(loop, stdout = outside + "/new")`, `launch(loop, stdout = dir + "/folder/new")`, `launch(loop, stderr = dir + "/../new")`,
		`launch(loop, stderr = dir + "/file")`, `launch(loop, stdin = dir + "/file")`, `launch(loop, stdin = "/proc/self/environ")`,
		`launch(loop, stdin = dir + "/root/etc/passwd")`, `launch(loop, stdout = "/proc/self/fd/1")`, `launch(loop, tty = "/dev/ptmx")`,
		`p.save_core(outside + "/core")`, `p.save_core(dir + "/folder/core")`, `p.dump(dir + "/folder/dump", "main", 8)`, `p.dump(outside + "/dump", "main", 8)`,
		`core(dir + "/root/etc/passwd")`, `core(dir + "/core", sysroot = dir + "/root")`, `core("/proc/self/exe")`,
	} {
		v, err := starlark.EvalOptions(options, new(starlark.Thread), "roots.star", expr, names)
		if err == nil || !strings.Contains(err.Error(), "outside of the folders") && !strings.Contains(err.Error(), "escapes") {
			t.Errorf("%s is %v, %v", expr, v, err)
		}
	}
	data, err := os.ReadFile(filepath.Join(outside, "file"))
	if entries, _ := os.ReadDir(outside); len(entries) != 1 || string(data) != "text" {
		t.Errorf("the folder outside has %v, %q, %v", entries, data, err)
	}
	if n := len(e.tr.Processes()); n != 1 {
		t.Errorf("%d processes are held, 1 was launched", n)
	}
}
