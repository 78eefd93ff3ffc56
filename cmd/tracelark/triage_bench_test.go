//go:build linux && amd64

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// BenchmarkTriage looks at the same crash both ways, and as scripts over gdb do, with
// one worker. The time of a CPU that a case takes, that of the target included, depends
// less on what else the machine is about than the time that passes. What is made once,
// such as tables of the C library's debug information, is spread over all cases.
func BenchmarkTriage(b *testing.B) {
	prog := tracertest.Build(b, "testdata/parser.c", "-fstack-protector-all")
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	b.Chdir(dir)
	write := func(n int) string {
		cases := fmt.Sprintf("cases%d", n)
		if err := os.MkdirAll(cases, 0o777); err != nil {
			b.Fatal(err)
		}
		for i := range n {
			if err := os.WriteFile(filepath.Join(cases, fmt.Sprintf("%05d", i)), []byte("a.S."), 0o666); err != nil {
				b.Fatal(err)
			}
		}
		return cases
	}
	measure := func(name string, n int, start func(cases string) []*exec.Cmd) {
		b.Run(name, func(b *testing.B) {
			cases := write(n)
			var used time.Duration
			var most int64 // that a process had in RAM, in KB
			for b.Loop() {
				for _, cmd := range start(cases) {
					cmd.Env = append(os.Environ(), asCommand+"=1")
					if out, err := cmd.CombinedOutput(); err != nil {
						b.Fatalf("%v: %s", err, out)
					}
					used += cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
					most = max(most, cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
				}
			}
			total := float64(b.N * n)
			b.ReportMetric(total/b.Elapsed().Seconds(), "cases/s")
			b.ReportMetric(used.Seconds()*1000/total, "cpu-ms/case")
			b.ReportMetric(float64(most)/1024, "MB-max")
			b.ReportMetric(0, "ns/op")
		})
	}
	for _, mode := range []string{"exec", "snapshot"} {
		measure(mode, 10000, func(cases string) []*exec.Cmd {
			return []*exec.Cmd{exec.Command(exe, "triage", "-q", "-j", "1", "--mode", mode, "--restart", "-o", mode, cases, "--", prog, "@@")}
		})
	}
	measure("gdb", 10, func(cases string) (list []*exec.Cmd) {
		for i := range 10 {
			run := fmt.Sprintf("run %s/%05d > /dev/null 2>&1", cases, i)
			list = append(list, exec.Command(tracertest.Tool(b, "gdb"), "-nx", "-batch", "-ex", run, "-ex", "bt", "-ex", "x/i $pc", "-ex", "info registers", prog))
		}
		return list
	})
}
