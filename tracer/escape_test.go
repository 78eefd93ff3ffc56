//go:build linux && amd64

package tracer

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// A course is a program that is moved by lines, which comments at their ends name.
type course struct {
	t      *testing.T
	p      *Process
	source string
	marks  map[int]string
}

// newCourse launches a program whose source is in testdata.
func newCourse(t *testing.T, source, path string, args ...string) *course {
	t.Helper()
	p, err := newTracer(t).Launch(append([]string{path}, args...), nil)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(filepath.Join("testdata", source))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	c := &course{t, p, source, make(map[int]string)}
	s := bufio.NewScanner(file)
	for n := 1; s.Scan(); n++ {
		if _, mark, ok := strings.Cut(s.Text(), "// "); ok {
			c.marks[n] = mark
		}
	}
	return c
}

// to runs the main thread, or the one that the mark speaks of, to the line with a mark.
func (c *course) to(mark string) *Thread {
	c.t.Helper()
	o := &BreakpointOptions{Addr: c.addr(mark)}
	if !strings.Contains(mark, "thread") {
		o.Thread = c.p.Threads()[0]
	}
	b, err := c.p.Breakpoint(o)
	if err != nil {
		c.t.Fatal(err)
	}
	stop := cont(c.t, c.p)
	if stop.Breakpoint != b {
		c.t.Fatalf("stop = %+v, want the line with %q", stop, mark)
	}
	if err := b.Remove(); err != nil {
		c.t.Fatal(err)
	}
	return stop.Thread
}

// addr returns the address of the line with a mark.
func (c *course) addr(mark string) uint64 {
	c.t.Helper()
	for n, m := range c.marks {
		if m == mark {
			addrs, err := c.p.places(c.source, n)
			if err != nil {
				c.t.Fatal(err)
			}
			return slices.Min(addrs)
		}
	}
	c.t.Fatalf("no line is marked %q", mark)
	return 0
}

// check checks that a movement has ended in the line with a mark, of a function, and
// has left nothing behind.
func (c *course) check(stop *Stop, err error, function, mark string) {
	c.t.Helper()
	if err != nil || stop.Reason != ReasonStep {
		c.t.Fatalf("stop = %+v, %v, want a step to %q", stop, err, mark)
	}
	frames, err := stop.Thread.Frames(1)
	if err != nil {
		c.t.Fatal(err)
	}
	line, _ := frames[0].Line()
	if got := frames[0].Function(); got != function || c.marks[line.Line] != mark {
		c.t.Fatalf("in %s at line %d (%q), want %s, %q", got, line.Line, c.marks[line.Line], function, mark)
	}
	if n := len(c.p.sites); n != 0 {
		c.t.Errorf("%d sites are left", n)
	}
}

var soon = &MoveOptions{Timeout: 60 * time.Second}

// nextCall is Next up to a call, and over it.
func (c *course) nextCall(th *Thread) (*Stop, error) {
	for {
		call := c.atCall(th)
		if stop, err := th.Next(soon); call || err != nil || stop.Reason != ReasonStep {
			return stop, err
		}
	}
}

// atCall reports whether th stands on a call.
func (c *course) atCall(th *Thread) bool {
	c.t.Helper()
	var code [1]byte
	if _, err := c.p.ReadAt(reg(c.t, th, arch.RIP), code[:]); err != nil {
		c.t.Fatal(err)
	}
	return code[0] == 0xe8
}

// buildCourse builds a program. The last of the flags may be "stripped": of its symbols,
// not of the lines.
func buildCourse(t *testing.T, source, flags string) string {
	t.Helper()
	flags, stripped := strings.CutSuffix(flags, "stripped")
	path := tracertest.Build(t, source, strings.Fields(flags)...)
	if !stripped {
		return path
	}
	out := filepath.Join(t.TempDir(), filepath.Base(path))
	if msg, err := exec.Command(tracertest.Tool(t, "strip"), "--strip-all", "--keep-section=.debug_*", "-o", out, path).CombinedOutput(); err != nil {
		t.Fatalf("strip: %v\n%s", err, msg)
	}
	return out
}

// TestStepOverLongjmp leaves functions by longjmp, with each kind of movement.
func TestStepOverLongjmp(t *testing.T) {
	for _, flags := range []string{"-O0", "-O0 -static", "-O0 -D_FORTIFY_SOURCE=2 -O1 -fno-inline", "-O0 -static-pie -fcf-protection", "-O0 -static stripped"} {
		for _, arg := range []string{"", "threads"} {
			t.Run(flags+" "+arg, func(t *testing.T) {
				path := buildCourse(t, "testdata/jumps.c", flags)
				start := func(t *testing.T) *course { return newCourse(t, "jumps.c", path, arg) }
				t.Run("next_line", func(t *testing.T) {
					c := start(t)
					th := c.to("leaves")
					stop, err := th.StepLine(false, soon)
					c.check(stop, err, "main", "returns twice")
					stop, err = th.StepLine(false, soon)
					c.check(stop, err, "main", "landed")
				})
				t.Run("step_line", func(t *testing.T) {
					c := start(t)
					th := c.to("leap's jump")
					stop, err := th.StepLine(true, soon)
					c.check(stop, err, "main", "returns twice")
				})
				t.Run("next", func(t *testing.T) {
					c := start(t)
					stop, err := c.nextCall(c.to("leaves"))
					c.check(stop, err, "main", "returns twice")
				})
				t.Run("until", func(t *testing.T) {
					c := start(t)
					th := c.to("in leap")
					stop, err := th.Until(c.addr("landed"), soon)
					c.check(stop, err, "main", "landed")
				})
				t.Run("finish", func(t *testing.T) {
					c := start(t)
					th := c.to("in leap")
					stop, err := th.Finish(soon)
					c.check(stop, err, "main", "returns twice")
					if stop.Finished {
						t.Errorf("the function left by longjmp has the value %d", stop.Value)
					}
				})
				t.Run("loop", func(t *testing.T) {
					c := start(t)
					th := c.to("leaves in loop")
					for range 3 {
						stop, err := th.StepLine(false, soon)
						c.check(stop, err, "main", "loops")
						c.settle(th, "leaves in loop", "contained")
					}
				})
				t.Run("contained", func(t *testing.T) {
					c := start(t)
					th := c.to("contained")
					stop, err := th.StepLine(false, soon)
					c.check(stop, err, "main", "signal")
					th = c.to("raises")
					stop, err = th.StepLine(false, soon)
					if err != nil || stop.Reason != ReasonSignal {
						t.Fatalf("stop = %+v, %v, want SIGUSR1", stop, err)
					}
					for stop.Reason == ReasonSignal {
						if stop, err = th.StepLine(false, soon); err != nil {
							t.Fatal(err)
						}
					}
					c.settle(th, "to the coroutine")
					stop, err = th.StepLine(false, soon)
					c.check(stop, err, "main", "and again")
					stop, err = th.StepLine(false, soon)
					c.check(stop, err, "main", "end")
				})
			})
		}
	}
}

// settle makes steps over lines to one of those with marks.
func (c *course) settle(th *Thread, marks ...string) {
	c.t.Helper()
	for range 40 {
		line, err := c.p.LineAt(reg(c.t, th, arch.RIP))
		if err == nil && slices.Contains(marks, c.marks[line.Line]) {
			return
		}
		if stop, err := th.StepLine(false, soon); err != nil || stop.Reason != ReasonStep {
			c.t.Fatalf("stop = %+v, %v on the way to %q", stop, err, marks)
		}
	}
	c.t.Fatalf("no way to %q", marks)
}

// TestStepOverException leaves functions by exceptions, with each kind of movement.
// Another thread throws and catches meanwhile.
func TestStepOverException(t *testing.T) {
	for _, flags := range []string{
		"-lstdc++", "-static -lstdc++", "-fomit-frame-pointer -static-libgcc -lstdc++",
		"-lstdc++ stripped", "-static -lstdc++ stripped", "-static-libgcc -static-libstdc++ -lstdc++ stripped",
	} {
		t.Run(flags, func(t *testing.T) {
			path := buildCourse(t, "testdata/throws.cc", flags)
			for _, test := range []struct {
				name, from string
				function   string
				to, behind string
			}{
				{"through frames", "first", "main", "catches first", "caught first"},
				{"in the thrower", "throws", "main", "catches first", "caught first"},
				{"contained", "contained", "main", "", ""},
				{"rethrown", "second", "main", "catches second", "caught second"},
				{"in the rethrower", "tries to rethrow", "rethrows", "catches to rethrow", "caught to rethrow"},
				{"by rethrow", "rethrows", "rethrows", "", ""},
				{"through C", "third", "main", "catches third", "caught third"},
				{"same function", "fourth", "main", "catches fourth", "caught fourth"},
				{"other thread", "in a thread", "work", "caught in a thread", "behind it in a thread"},
			} {
				t.Run(test.name, func(t *testing.T) {
					for _, move := range []string{"next_line", "step_line", "next"} {
						c := newCourse(t, "throws.cc", path)
						th := c.to(test.from)
						var stop *Stop
						var err error
						switch {
						case move == "next":
							if stop, err = c.nextCall(th); slices.Contains([]string{"same function", "in the thrower", "by rethrow"}, test.name) {
								continue // the first call allocates, or begins
							}
						case move == "step_line" && test.name != "same function" && test.name != "in the thrower":
							continue // it goes into the function
						default:
							stop, err = th.StepLine(false, soon)
						}
						if test.to != "" {
							c.check(stop, err, test.function, test.to)
							c.settle(th, test.behind)
						} else if err != nil || stop.Reason != ReasonStep {
							t.Errorf("%s: stop = %+v, %v", move, stop, err)
						}
					}
				})
			}
			t.Run("finish", func(t *testing.T) {
				c := newCourse(t, "throws.cc", path)
				th := c.to("throws")
				stop, err := th.Finish(soon)
				c.check(stop, err, "main", "catches first")
				if stop.Finished {
					t.Errorf("the function left by an exception has the value %d", stop.Value)
				}
			})
		})
	}
}
