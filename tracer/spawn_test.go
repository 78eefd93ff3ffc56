//go:build linux && amd64

package tracer

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// spawnKey asks a test to be what it starts: this program with its own streams, limits,
// and signals.
const spawnKey = "TRACELARK_SPAWN"

// rerun returns a command that runs one test of this program, after what a shell does.
func rerun(test, script string, args ...string) *exec.Cmd {
	cmd := exec.Command("/bin/sh", append([]string{"-c", script + `exec "$0" "-test.run=^` + test + `$" "$@"`, os.Args[0]}, args...)...)
	cmd.Env = append(os.Environ(), spawnKey+"=1")
	return cmd
}

// TestLaunchInheritance compares what a program has of the one that launches it with what
// package os/exec leaves to it.
func TestLaunchInheritance(t *testing.T) {
	if os.Getenv(spawnKey) == "" {
		f, err := os.Open("/etc")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd := rerun("TestLaunchInheritance", "ulimit -Sn 100; trap '' HUP; ")
		cmd.ExtraFiles = []*os.File{f, f}
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%v:\n%s", err, out)
		}
		return
	}
	var old, blocked unix.Sigset_t
	tr := newTracer(t)
	blocked.Val[0] = 1 << (unix.SIGUSR2 - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &blocked, &old); err != nil {
		t.Fatal(err)
	}
	// What differs between any two processes, or between one that is traced and one that is not.
	own := regexp.MustCompile(`(?m)^(Pid|Tgid|NSp|NStgid|TracerPid|Vm|Hugetlb|Rss|.*ctxt|Ngid|SigQ).*\n|pipe:.*|/proc/[0-9]+/fd`)
	for _, test := range []struct {
		argv  []string
		wants []string
	}{
		{strings.Fields("cat /proc/self/status"), []string{"SigBlk:\t0000000000000800", "SigIgn:\t[0-9a-f]{15}[13579bdf]", "SigCgt:\t0000000000000000"}},
		{strings.Fields("cat /proc/self/limits"), []string{"Max open files            100 "}},
		{strings.Fields("cat /proc/self/oom_score_adj /proc/self/timerslack_ns /proc/self/cgroup /proc/self/comm"), []string{"/\ncat\n"}},
		{strings.Fields("find /proc/self/fd -printf %p:%l\\n"), []string{"/3:/etc\n"}},
		{[]string{"sh", "-c", "umask; pwd; ps -o sid=,pgid=,tty=,ni= $$"}, nil},
	} {
		want, err := exec.Command(test.argv[0], test.argv[1:]...).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range test.wants {
			if !regexp.MustCompile(line).Match(want) { // who runs the tests may ignore other signals, too
				t.Errorf("os/exec does not leave %q to it:\n%s", line, want)
			}
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		p, err := tr.Launch(test.argv, &LaunchOptions{Stdout: w, ASLR: true})
		w.Close()
		if err != nil {
			t.Fatal(err)
		}
		regs, err := p.Thread().Regs()
		if err != nil {
			t.Fatal(err)
		}
		at := regs.SP() - 512
		if _, err := p.Syscall(unix.SYS_PRCTL, Words(unix.PR_GET_PDEATHSIG, at)...); err != nil {
			t.Fatal(err)
		}
		var signal [4]byte
		if _, err := p.ReadAt(at, signal[:]); err != nil || signal != [4]byte{} {
			t.Errorf("the end of the tracer sends it signal %d, %v", signal[0], err)
		}
		out := make(chan []byte)
		go func() {
			data, _ := io.ReadAll(r)
			r.Close()
			out <- data
		}()
		wantExit(t, p, 0)
		if got, want := own.ReplaceAllString(string(<-out), ""), own.ReplaceAllString(string(want), ""); got != want {
			t.Errorf("it says:\n%swith os/exec:\n%s", got, want)
		}
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &old, nil); err != nil {
		t.Fatal(err)
	}
}

// TestLaunchStreams gives a program any of the tracer's streams, and other files, in any
// order.
func TestLaunchStreams(t *testing.T) {
	dir := t.TempDir()
	if os.Getenv(spawnKey) == "" {
		cmd := rerun("TestLaunchStreams", "cd "+dir+"; ", "-test.outputdir="+dir)
		for i, stream := range []**os.File{new(*os.File), new(*os.File), new(*os.File)} {
			f, err := os.Create(filepath.Join(dir, strconv.Itoa(i)))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			*stream = f
			switch i {
			case 0:
				cmd.Stdin = f
			case 1:
				cmd.Stdout = f
			default:
				cmd.Stderr = f
			}
		}
		if err := cmd.Run(); err != nil {
			out, _ := os.ReadFile(filepath.Join(dir, "1"))
			t.Errorf("%v:\n%s", err, out)
		}
		return
	}
	tr := newTracer(t)
	other, err := os.Create(filepath.Join(dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	closed, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	choice := []*os.File{os.Stdin, os.Stdout, os.Stderr, other, closed}
	paths := make([]string, len(choice))
	for i, f := range choice[:4] {
		if paths[i], err = os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd())); err != nil {
			t.Fatal(err)
		}
	}
	// What others have left open to this program is left to what it launches.
	p, err := tr.Launch([]string{"true"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	inherited, err := p.Descriptors()
	if err != nil {
		t.Fatal(err)
	}
	inherited = inherited[3:]
	for n := range 125 {
		is := []int{n % 5, n / 5 % 5, n / 25}
		p, err := tr.Launch([]string{"true"}, &LaunchOptions{Stdin: choice[is[0]], Stdout: choice[is[1]], Stderr: choice[is[2]]})
		if err != nil {
			t.Fatalf("streams %v: %v", is, err)
		}
		var want []int
		for fd, i := range is {
			if got := p.DescriptorPath(fd); got != paths[i] {
				t.Errorf("streams %v: %d is %s, want %s", is, fd, got, paths[i])
			}
			if paths[i] != "" {
				want = append(want, fd)
			}
		}
		got, err := p.Descriptors()
		got = slices.DeleteFunc(got, func(fd int) bool { return slices.Contains(inherited, fd) })
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("streams %v: descriptors %d, %v, want %d", is, got, err, want)
		}
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestExecRefused launches what the kernel refuses.
func TestExecRefused(t *testing.T) {
	tr := newTracer(t)
	dir := t.TempDir()
	script := func(name, interpreter string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!"+interpreter+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.WriteFile(dir+"/data", []byte("\x7fELF"), 0o644); err != nil {
		t.Fatal(err)
	}
	busy, err := os.OpenFile(script("busy", "/bin/sh"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	before, err := procfs.Children(tr.tid)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		argv []string
		o    *LaunchOptions
		want string
	}{
		{[]string{busy.Name()}, nil, "text file busy"},
		{[]string{"true", strings.Repeat("x", 1<<20)}, nil, "argument list too long"},
		{[]string{script("denied", dir+"/data")}, nil, "permission denied"},
		{[]string{script("orphan", dir+"/gone")}, nil, "no such file or directory"},
		{[]string{script("loop", dir+"/loop")}, nil, "too many levels of symbolic links"},
		{[]string{"true", "a\x00b"}, nil, "invalid argument"},
		{[]string{"true"}, &LaunchOptions{Session: true, Stdin: busy}, "ioctl: inappropriate ioctl for device"},
	} {
		_, err := tr.Launch(test.argv, test.o)
		if want := "launch " + test.argv[0] + ": " + test.want; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if after, err := procfs.Children(tr.tid); err != nil || !slices.Equal(after, before) {
		t.Errorf("children %d, %v, want %d as before", after, err, before)
	}
}

// TestSignalAtBirth sends signals to a child before its program begins. Those that this
// program has handlers for must not run them, and all arrive.
func TestSignalAtBirth(t *testing.T) {
	newTracer(t) // keeps to its thread
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGURG, unix.SIGSEGV, unix.SIGSTOP} {
		child, err := conceive("/bin/true", []string{"true"}, &LaunchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		if err := unix.Kill(child.PID, sig); err != nil {
			t.Fatal(err)
		}
		if sig == unix.SIGSTOP {
			tracertest.WaitState(t, child.PID, "T")
		}
		if err := raise(child, &LaunchOptions{}); err != nil {
			t.Fatalf("%s: %v", sig, err)
		}
		if exe, err := os.Readlink(fmt.Sprintf("/proc/%d/exe", child.PID)); err != nil || !strings.HasSuffix(exe, "/true") && !strings.HasSuffix(exe, "/coreutils") {
			t.Errorf("%s: it is %s, %v", sig, exe, err)
		}
		if err := ptrace.Cont(child.PID, 0); err != nil {
			t.Fatal(err)
		}
		status, err := expectStop(child.PID, 0)
		if err != nil || status.StopSignal() != sig {
			t.Errorf("%s: it stops with %s, %v", sig, status.StopSignal(), err)
		}
		unix.Kill(child.PID, unix.SIGKILL)
		for err == nil {
			ptrace.Cont(child.PID, 0)
			_, err = expectStop(child.PID, 0)
		}
	}
}

// TestEndAtBirth kills a child before its program begins, and a tracer that has not come
// to trace one yet.
func TestEndAtBirth(t *testing.T) {
	tr := newTracer(t)
	bear := func() *ptrace.Child {
		child, err := conceive("/bin/true", []string{"true"}, &LaunchOptions{})
		if err == nil {
			err = child.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		return child
	}
	if os.Getenv(spawnKey) != "" {
		child := bear()
		tracertest.WaitState(t, child.PID, "S") // for release
		fmt.Printf("%d\n", child.PID)
		select {}
	}
	child := bear()
	unix.Kill(child.PID, unix.SIGKILL)
	if err := raise(child, &LaunchOptions{}); err == nil {
		t.Error("a child that was killed began")
	}
	for _, err := expectStop(child.PID, 0); err == nil; _, err = expectStop(child.PID, 0) {
		ptrace.Cont(child.PID, 0)
	}
	if _, err := tr.Launch([]string{"true"}, nil); err != nil {
		t.Error(err)
	}

	target := tracertest.Start(t, "/bin/sh", "-c", spawnKey+`=1 exec "$0" "-test.run=^TestEndAtBirth$"`, os.Args[0])
	pid, err := strconv.Atoi(target.ReadLine())
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.Kill(target.PID, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	target.Wait()
	tracertest.WaitEnd(t, pid)
}

// TestLaunchWhileTraced launches a program from one that is traced with its children.
func TestLaunchWhileTraced(t *testing.T) {
	if os.Getenv(spawnKey) != "" {
		p, err := newTracer(t).Launch([]string{"true"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		wantExit(t, p, 0)
		return
	}
	p, err := newTracer(t).Launch([]string{os.Args[0], "-test.run=^TestLaunchWhileTraced$"}, &LaunchOptions{Env: append(os.Environ(), spawnKey+"=1")})
	if err != nil {
		t.Fatal(err)
	}
	p.SetFollow(FollowBoth)
	for p.State() != Exited {
		stop := cont(t, p)
		if stop.Held != nil {
			t.Fatalf("stop = %s, the program was given to the outer tracer", stop.Reason)
		}
		if stop.Reason == ReasonSignal && stop.Signal != int(unix.SIGURG) && stop.Signal != int(unix.SIGCHLD) {
			t.Fatalf("stop = %s, signal %d", stop.Reason, stop.Signal)
		}
	}
	if p.Stop().ExitCode != 0 {
		t.Errorf("it ends with %d", p.Stop().ExitCode)
	}
}
