//go:build linux && amd64

package tracer

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/tracelark/tracelark/tracer/debuginfo"
	"github.com/tracelark/tracelark/tracer/tracertest"
	"github.com/tracelark/tracelark/tracer/value"
)

// TestThreadLocals reads what each thread has its own of, in a process and its core.
func TestThreadLocals(t *testing.T) {
	linked := tracertest.Build(t, "testdata/tls.c", "-shared", "-fPIC", "-DLIBRARY", "-DNAME=in_linked")
	opened := tracertest.Build(t, "testdata/tls.c", "-shared", "-fPIC", "-DLIBRARY", "-DNAME=in_opened", "-Dwhere=where_opened", "-ftls-model=global-dynamic")
	path := tracertest.Build(t, "testdata/tls.c", linked, "-Wl,-rpath,"+filepath.Dir(linked), "-ldl")
	p, err := newTracer(t).Launch([]string{path, opened}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Var("in_main"); err == nil {
		if v, _ := p.Var("in_main"); v.Err() == nil {
			t.Error("in_main has a place before the program has set up its threads")
		}
	}
	if stop := cont(t, p); stop.Reason != ReasonSignal {
		t.Fatalf("stop is %s", stop.Reason)
	}
	type local interface {
		Var(name string) (*value.Value, error)
	}
	look := func(what string, threads []local) {
		if len(threads) != 4 {
			t.Fatalf("%s has %d threads", what, len(threads))
		}
		word := func(th local, name string, i int64) (uint64, error) {
			v, err := th.Var(name)
			if err != nil {
				return 0, err
			}
			if i >= 0 {
				if v, err = v.Index(i); err != nil {
					return 0, err
				}
			}
			return v.Uint64()
		}
		seen := make(map[uint64]bool)
		for _, th := range threads {
			n, err := word(th, "in_main", -1)
			if err != nil {
				t.Fatalf("%s: in_main: %v", what, err)
			}
			seen[n] = true
			lib, err := word(th, "in_linked", 1)
			if want := map[bool]uint64{true: 2, false: n + 100}[n == 5]; err != nil || lib != want {
				t.Errorf("%s: in_linked of the thread with %d is %d, %v, want %d", what, n, lib, err, want)
			}
			lib, err = word(th, "in_opened", 2)
			if n == 5 || n == 103 {
				if absent := new(debuginfo.AbsentError); !errors.As(err, &absent) {
					t.Errorf("%s: in_opened of the thread with %d, which has not used it, is %d, %v", what, n, lib, err)
				}
			} else if err != nil || lib != n+200 {
				t.Errorf("%s: in_opened of the thread with %d is %d, %v, want %d", what, n, lib, err, n+200)
			}
		}
		for _, n := range []uint64{5, 101, 102, 103} {
			if !seen[n] {
				t.Errorf("%s: no thread has %d", what, n)
			}
		}
	}
	var live, dead []local
	for _, th := range p.Threads() {
		live = append(live, th)
	}
	look("process", live)
	file := filepath.Join(t.TempDir(), "core")
	if err := p.SaveCore(file); err != nil {
		t.Fatal(err)
	}
	c, err := p.tr.OpenCore(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, th := range c.Threads() {
		dead = append(dead, th)
	}
	look("core", dead)
}
