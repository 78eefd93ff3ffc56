//go:build linux && amd64

package tracer

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestLayout launches a program again, which is found to have mapped what it had, and once
// more when its file has been written over with another program of the same size. What is
// told of its images has to be what a tracer says that knows none of it.
func TestLayout(t *testing.T) {
	first := tracertest.Build(t, "testdata/scenes.c")
	second := tracertest.Build(t, "testdata/scenes.c", "-Dcrash=crush")
	path := filepath.Join(t.TempDir(), "program")
	install := func(from string) {
		t.Helper()
		data, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(path, data, 0o777)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	images := func(p *Process) (all []string) {
		t.Helper()
		list, err := p.Images()
		if err != nil {
			t.Fatal(err)
		}
		for _, img := range list {
			all = append(all, fmt.Sprintf("%s %#x %#x-%#x %s", img.Path, img.Bias, img.Start, img.End, img.File.BuildID()))
		}
		return all
	}
	// run returns what is mapped at the beginning and where it crashes.
	run := func(tr *Tracer, function string) (all [][]string) {
		t.Helper()
		p, err := tr.Launch([]string{path, "crash"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Kill()
		all = append(all, images(p))
		stop := cont(t, p)
		all = append(all, images(p))
		if name, _ := p.SymbolAt(stop.PC); name.Name != function {
			t.Errorf("it is in %s, want %s", name.Name, function)
		}
		return all
	}
	count := func(tr *Tracer) (n int) {
		for _, l := range tr.layouts.recent {
			if l != nil {
				n++
			}
		}
		return n
	}

	install(first)
	old := newTracer(t)
	want := fmt.Sprint(run(old, "crash"))
	known := count(old)
	if got := fmt.Sprint(run(old, "crash")); got != want {
		t.Errorf("launched again, it has\n%s, want\n%s", got, want)
	}
	install(second)
	got := fmt.Sprint(run(old, "crush"))
	if known != 2 || count(old) != known {
		t.Errorf("%d layouts are known, then %d, want 2: nothing was recalled", known, count(old))
	}
	old.Close()
	if want := fmt.Sprint(run(newTracer(t), "crush")); got != want {
		t.Errorf("written over, it has\n%s, want\n%s", got, want)
	}
}
