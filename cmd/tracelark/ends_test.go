//go:build linux && amd64

package main

import (
	"bufio"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

var storm = flag.Int("storm", 100, "how often TestKills kills")

// The scripts of TestKills print the target's ID, and then a line for each thing that
// they have done.
const (
	launchAndBreak = `
p = launch([args[0], "threads", "100000000"])
print(p.pid)
p.breakpoint("work", lambda stop: print("hit"))
print(p.cont().reason)
`
	launchAndStep = `
p = launch([args[0], "spin"])
print(p.pid)
while p.step().reason == "step":
    print("step")
print(p.stop.reason)
`
	attachAndDetach = `
print(args[0])
while True:
    p = attach(int(args[0]))
    p.on("thread", lambda stop: print("birth"))
    p.cont(timeout = 0.001)
    p.detach()
    print("detached")
`
)

// TestKills kills the command, or its target, with SIGKILL after random numbers of
// lines. A target that was launched goes with its tracer, one that was attached to runs
// on, and a script whose target is gone comes to its end.
func TestKills(t *testing.T) {
	path := tracertest.Build(t, "../../tracer/testdata/scenes.c")
	busy := strconv.Itoa(tracertest.Start(t, path, "churn", "100000000").PID)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range *storm {
		script, kills, arg := launchAndBreak, "tracer", path
		switch i % 4 {
		case 1:
			script = launchAndStep
		case 2:
			script, arg = attachAndDetach, busy
		case 3:
			kills = "target"
			if i%8 == 3 {
				script = launchAndStep
			}
		}
		lines := random.IntN(40)
		if err := killAfter(t, script, arg, kills, lines); err != nil {
			t.Fatalf("kill %d, of the %s after %d lines: %v", i, kills, lines, err)
		}
	}
}

// killAfter runs a script and kills it, or its target, after a number of lines.
func killAfter(t *testing.T, script, arg, kills string, lines int) error {
	cmd := command(t, "run", "-c", script, arg)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	r := bufio.NewReader(out)
	first, err := r.ReadString('\n')
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil {
		return err
	}
	for range lines {
		if _, err := r.ReadString('\n'); err != nil {
			return err
		}
	}
	if kills == "target" {
		if err := unix.Kill(pid, unix.SIGKILL); err != nil {
			return err
		}
		last := ""
		for line := ""; err == nil; line, err = r.ReadString('\n') {
			if line != "" {
				last = line
			}
		}
		if err := cmd.Wait(); err != nil || last != "killed\n" {
			return fmt.Errorf("the script ends with %q, %v, want killed", last, err)
		}
		return nil
	}
	if err := cmd.Process.Kill(); err != nil {
		return err
	}
	cmd.Wait()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		switch {
		case script == attachAndDetach && runsFree(pid) || script != attachAndDetach && !tracertest.Alive(pid):
			return nil
		case time.Now().After(end):
			return fmt.Errorf("process %d is in state %c", pid, tracertest.State(pid))
		}
	}
}

// runsFree reports whether no thread of a process is stopped or traced.
func runsFree(pid int) bool {
	tids, err := procfs.Tasks(pid)
	for _, tid := range tids {
		status, gone := procfs.Status(tid)
		if gone == nil && (status.TracerPid != 0 || strings.ContainsRune("tT", rune(status.State))) {
			return false
		}
	}
	return err == nil && tracertest.Alive(pid)
}
