//go:build linux && amd64

package tracer

import (
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestFormats compares stacks, lines and values with those of gdb where the debug
// information has a form that compilers do not give it unasked, at all places where a
// program stops itself.
func TestFormats(t *testing.T) {
	for _, test := range []struct {
		name, compiler, source, flags string
		change                        string // commands that make OUT of IN, or ""
		has, lacks                    string // sections
	}{
		{"call frames in .debug_frame", "gcc", "typed.c", "-O2 -fno-asynchronous-unwind-tables -fno-unwind-tables", "", ".debug_frame", ""},
		{"call frames of Clang in .debug_frame", "clang", "typed.c", "-O1 -fno-asynchronous-unwind-tables -fno-unwind-tables", "", ".debug_frame", ""},
		{"zstd", "gcc", "typed.c", "-O2", "objcopy --compress-debug-sections=zstd IN OUT", "", ""},
		{"a file for several", "gcc", "typed.cc", "-O1 -lstdc++", "cp IN OUT; cp IN OUT.other; dwz -m OUT.common OUT OUT.other", ".gnu_debugaltlink", ""},
		{"no .debug_aranges", "gcc", "typed.c", "-O2", "objcopy --remove-section .debug_aranges IN OUT", "", ".debug_aranges"},
		{"none of Clang", "clang", "typed.c", "-O1 -gdwarf-5", "", "", ".debug_aranges"},
		{".debug_aranges of Clang", "clang", "typed.c", "-O1 -gdwarf-5 -gdwarf-aranges", "", ".debug_aranges", ""},
		{"tail calls", "gcc", "passed.c", "-O2", "", "", ""},
		{"tail calls of DWARF 4", "gcc", "passed.c", "-O2 -gdwarf-4", "", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := tracertest.BuildWith(t, test.compiler, "testdata/"+test.source, strings.Fields(test.flags)...)
			if test.change != "" {
				out := filepath.Join(t.TempDir(), "program")
				script := strings.NewReplacer("IN", path, "OUT", out).Replace(test.change)
				for _, tool := range []string{"objcopy", "dwz"} {
					if strings.Contains(script, tool+" ") {
						tracertest.Tool(t, tool)
					}
				}
				if msg, err := exec.Command("/bin/sh", "-ec", script).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", script, err, msg)
				}
				path = out
			}
			file, err := elf.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if test.has != "" && file.Section(test.has) == nil || test.lacks != "" && file.Section(test.lacks) != nil {
				t.Fatalf("the program lacks %s or has %s", test.has, test.lacks)
			}
			compareTraps(t, path)
		})
	}
}

// compareTraps compares what is seen where a program stops itself.
func compareTraps(t *testing.T, path string) {
	t.Helper()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	p, err := newTracer(t).Launch([]string{path}, &LaunchOptions{Env: []string{}, Stdout: null})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var cores []string
	var opened []*Core
	for {
		stop, err := p.Cont(&MoveOptions{Signal: Deliver(0)})
		if err != nil {
			t.Fatal(err)
		}
		if stop.Gone() {
			break
		}
		if stop.Signal != int(unix.SIGTRAP) {
			t.Fatalf("stop = %+v", stop)
		}
		core := filepath.Join(dir, fmt.Sprint(len(cores)))
		if err := p.SaveCore(core); err != nil {
			t.Fatal(err)
		}
		c := openCore(t, core, nil)
		compareFrames(t, c.Thread().Frames, p.Thread().Frames)
		cores, opened = append(cores, core), append(opened, c)
	}
	if len(cores) == 0 {
		t.Fatal("the program does not stop itself")
	}
	compareCores(t, path, cores, opened)
}

// TestPassedOn looks at arguments that functions have got by tail calls: they are right, or
// absent, since it is another function that the caller has called.
func TestPassedOn(t *testing.T) {
	for _, flags := range [][]string{{"-O2"}, {"-O2", "-gdwarf-4"}} {
		p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/passed.c", flags...)}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{
			"called(n=3, passed=7)",
			"last(n=known to the caller alone, which called middle, passed=known to the caller alone, which called middle)",
			"last(n=the caller does not say what it calls, passed=the caller does not say what it calls)",
		} {
			if stop, err := p.Cont(&MoveOptions{Signal: Deliver(0)}); err != nil || stop.Signal != int(unix.SIGTRAP) {
				t.Fatalf("stop = %+v, %v", stop, err)
			}
			f := must(p.Thread().Frames(1))[0]
			var texts []string
			for _, v := range must(f.Args()) {
				text := v.Value.String()
				if _, err := v.Value.Bytes(); err != nil {
					text = strings.TrimPrefix(err.Error(), v.Name+": ")
				}
				texts = append(texts, v.Name+"="+text)
			}
			if got := fmt.Sprintf("%s(%s)", f.Function(), strings.Join(texts, ", ")); got != want {
				t.Errorf("%v: %s, want %s", flags, got, want)
			}
		}
	}
}
