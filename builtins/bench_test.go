package builtins

import (
	osexec "os/exec"
	"strconv"
	"strings"
	"testing"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// The benchmarks measure scripts beside a C loop that does the same with bare
// ptrace, and beside gdb's Python. Those run once and give their own numbers:
// compare within one run, machines differ and have moods.

// script runs the body of a function of n in a process that calls work for ever,
// after it has run for a while.
func script(b *testing.B, setup, body string) {
	env := newEnv(b)
	more := starlark.StringDict{"path": starlark.String(tracertest.Build(b, "testdata/bench.c"))}
	text := "p = launch([path])\np.until('work')\n" + setup + "\ndef bench(n):\n    " + body + "\n"
	names := with(env, more)
	_, program, err := starlark.SourceProgramOptions(options, "bench.star", text, names.Has)
	if err != nil {
		b.Fatal(err)
	}
	thread := new(starlark.Thread)
	globals, err := program.Init(thread, names) // which does not freeze them
	if err != nil {
		b.Fatal(err)
	}
	run := func(n int) {
		if _, err := starlark.Call(thread, globals["bench"], starlark.Tuple{starlark.MakeInt(n)}, nil); err != nil {
			b.Fatal(err)
		}
	}
	run(1)
	b.ResetTimer()
	run(b.N)
	b.StopTimer()
}

// measured runs a program that prints "name ns" lines.
func measured(b *testing.B, name string, args ...string) map[string]float64 {
	out, err := osexec.Command(name, args...).Output()
	if err != nil {
		b.Fatalf("%s: %v", name, err)
	}
	ns := make(map[string]float64)
	for line := range strings.Lines(string(out)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil {
			ns[key] = v
		}
	}
	return ns
}

// c reports what the C loop takes with tracer and tracee on one CPU.
func c(b *testing.B, name string) {
	ns := measured(b, tracertest.Build(b, "../tracer/testdata/cloop.c", "-O2"), "pin")
	b.ReportMetric(ns[name], "ns/op")
}

func BenchmarkStep(b *testing.B) {
	b.Run("script", func(b *testing.B) { script(b, "", "for _ in range(n): p.step()") })
	b.Run("c", func(b *testing.B) { c(b, "step") })
}

// BenchmarkStepAttached steps a process that was attached to, one instruction in three of
// which is none that is emulated.
func BenchmarkStepAttached(b *testing.B) {
	for _, bench := range []struct{ name, body string }{
		{"one by one", "for _ in range(n): p.step()"},
		{"at once", "p.step(n)"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			target := tracertest.Start(b, tracertest.Build(b, "../cmd/tracelark/testdata/turning.c"))
			target.ReadLine()
			script(b, "p = attach("+strconv.Itoa(target.PID)+")", bench.body)
		})
	}
}

func BenchmarkStepRegs(b *testing.B) {
	b.Run("script", func(b *testing.B) {
		script(b, "", "for _ in range(n):\n        p.step()\n        p.regs.rax")
	})
	b.Run("c", func(b *testing.B) { c(b, "step_regs") })
}

// BenchmarkCalls measures what a script does between stops. "loop" is what the others
// have besides.
func BenchmarkCalls(b *testing.B) {
	for _, bench := range []struct{ name, setup, body string }{
		{"loop", "", "for _ in range(n): pass"},
		{"builtin", "", "for _ in range(n): u8(1)"},
		{"attribute", "s = p.stop", "for _ in range(n): s.tid"},
		{"register", "r = p.regs", "for _ in range(n): r.rax"},
		{"registers of the process", "", "for _ in range(n): p.regs.rax"},
		{"method", "", "for _ in range(n): p.addr(1)"},
		{"function", "f = lambda s: None", "for _ in range(n): f(1)"},
		{"word", "", "for _ in range(n): p.read_u64('work')"},
		{"word at an int", "a = p.addr('work')", "for _ in range(n): p.read_u64(a)"},
		{"frame", "", "for _ in range(n): p.frame"},
	} {
		b.Run(bench.name, func(b *testing.B) { script(b, bench.setup, bench.body) })
	}
}

// BenchmarkStepUntil measures steps in the engine, with a condition that is false.
// The C loop's step_regs reads as much.
func BenchmarkStepUntil(b *testing.B) {
	b.Run("expression", func(b *testing.B) { script(b, "", "p.step(n, until='rax == 1 and rip == 0')") })
	b.Run("over", func(b *testing.B) { script(b, "", "p.step(n, until='rip == 0', over=True)") })
	b.Run("function", func(b *testing.B) { script(b, "", "p.step(n, until=lambda s: False)") })
	b.Run("range", func(b *testing.B) { script(b, "", "p.step(n, out_of=(0, 1 << 63))") })
	b.Run("c", func(b *testing.B) { c(b, "step_regs") })
}

func BenchmarkBreakpoint(b *testing.B) {
	b.Run("script", func(b *testing.B) {
		script(b, `
state = [0, 0] # hits to come, sum of the arguments
def hit(s):
    state[1] += s.thread.regs.rdi
    state[0] -= 1
    return STOP if state[0] == 0 else None
p.breakpoint("work", handler=hit)`, "state[0] = n; p.cont()")
	})
	b.Run("c", func(b *testing.B) { c(b, "breakpoint") })
	b.Run("gdb", func(b *testing.B) {
		count := tracertest.Build(b, "../examples/targets/count.c")
		gdb := tracertest.Tool(b, "gdb")
		ns := measured(b, gdb, "-nx", "-batch", "-x", "../tracer/testdata/gdbstop.py", "--args", count)
		b.ReportMetric(ns["gdb_breakpoint"], "ns/op")
	})
}

// BenchmarkCondition measures a breakpoint whose condition is false, but for the
// last call.
func BenchmarkCondition(b *testing.B) {
	b.Run("expression", func(b *testing.B) {
		script(b, "", "p.breakpoint('work', when='hits == %d' % n, temp=True); p.cont()")
	})
	b.Run("function", func(b *testing.B) {
		script(b, `
hits = [0]
def when(n):
    def last(s):
        hits[0] += 1
        return hits[0] == n
    return last`, "hits[0] = 0; p.breakpoint('work', when=when(n), temp=True); p.cont()")
	})
}

func BenchmarkRead64MiB(b *testing.B) {
	b.Run("script", func(b *testing.B) {
		script(b, "p.breakpoint('work', temp=True)\np.cont()\nblock = p.addr('block')", "for _ in range(n): p.read(block, 64 << 20)")
		b.SetBytes(64 << 20)
	})
	b.Run("c", func(b *testing.B) { c(b, "read64m") })
}

// BenchmarkSyscall measures a system call that a hook sees enter, and one that none
// asks for, under the eyes of a hook for another; with a filter and without.
func BenchmarkSyscall(b *testing.B) {
	calls := tracertest.Build(b, "../tracer/testdata/calls.c")
	for _, bench := range []struct {
		name, hook string
		filter     starlark.Value
	}{
		{"traced", "getppid", starlark.None},
		{"filtered", "getppid", starlark.String("getppid")},
		{"others traced", "getpgrp", starlark.None},
		{"others filtered", "getpgrp", starlark.String("getpgrp")},
	} {
		b.Run(bench.name, func(b *testing.B) {
			names := with(newEnv(b), starlark.StringDict{
				"path": starlark.String(calls), "n": starlark.MakeInt(b.N),
				"hook": starlark.String(bench.hook), "filter": bench.filter,
			})
			globals, err := starlark.ExecFileOptions(options, new(starlark.Thread), "bench.star", `
seen = [0]
def handler(s):
    seen[0] += 1
p = launch([path, "loop", str(n)], filter = filter)
p.on("syscall", handler, names = hook, phase = "enter")
p.cont()
count = seen[0]
`, names)
			if err != nil {
				b.Fatal(err)
			}
			if n, _ := starlark.AsInt32(globals["count"]); bench.hook == "getppid" && n != b.N {
				b.Fatalf("%d calls were seen, want %d", n, b.N)
			}
		})
	}
}

func BenchmarkLaunch(b *testing.B) {
	env := newEnv(b)
	more := starlark.StringDict{"path": starlark.String(tracertest.Build(b, "testdata/bench.c"))}
	thread := new(starlark.Thread)
	globals, err := starlark.ExecFileOptions(options, thread, "bench.star", "def bench():\n    launch([path]).kill()\n", with(env, more))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := starlark.Call(thread, globals["bench"], nil, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAttach measures attach to a process of 1000 threads that wait, and its
// detach; C says what the former takes.
func BenchmarkAttach(b *testing.B) {
	sweep := tracertest.Build(b, "../tracer/testdata/csweep.c", "-O2", "-pthread")
	b.Run("script", func(b *testing.B) {
		target := tracertest.Start(b, sweep, "target", "1000")
		env := newEnv(b)
		thread := new(starlark.Thread)
		more := starlark.StringDict{"pid": starlark.MakeInt(target.PID)}
		globals, err := starlark.ExecFileOptions(options, thread, "bench.star", "def take():\n    return attach(pid)\n", with(env, more))
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			v, err := starlark.Call(thread, globals["take"], nil, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			if err := v.(*process).p.Detach(0); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	})
	b.Run("c", func(b *testing.B) { b.ReportMetric(measured(b, sweep, "1000")["attach"], "ns/op") })
}

// BenchmarkStepProgram steps through the beginning of a program, the dynamic linker and
// what comes after it, instead of a loop.
func BenchmarkStepProgram(b *testing.B) {
	const steps = 20000
	python := tracertest.Tool(b, "python3")
	for _, bench := range []struct{ name, body string }{
		{"step", "for _ in range(n): p.step()"},
		{"until", "p.step(n, until='rax == 1 and rip == 0')"},
	} {
		b.Run(bench.name, func(b *testing.B) {
			thread := new(starlark.Thread)
			more := starlark.StringDict{"path": starlark.String(python)}
			globals, err := starlark.ExecFileOptions(options, thread, "bench.star", "def start():\n    return launch([path, '-S', '-c', ''])\ndef bench(p, n):\n    "+bench.body+"\n", with(newEnv(b), more))
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				b.StopTimer()
				p, err := starlark.Call(thread, globals["start"], nil, nil)
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if _, err := starlark.Call(thread, globals["bench"], starlark.Tuple{p, starlark.MakeInt(steps)}, nil); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := p.(*process).p.Kill(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/steps, "ns/step")
		})
	}
	b.Run("c", func(b *testing.B) { c(b, "step") })
}
