package script

import (
	"slices"
	"testing"
	"time"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

func TestComplete(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{"hexd", []string{"hexdump"}},
		{"x = th", []string{"thing"}},
		{"thing.", []string{"address", "color"}},
		{"thing._", []string{"_secret"}},
		{"call(thing.co", []string{"color"}},
		{"thing.color.start", []string{"startswith"}},
		{"my", []string{"my_list"}},
		{"my_list.ap", []string{"append"}},
		{"enum", []string{"enumerate"}},
		{"thing.address.", nil},
		{"thing.none.", nil},
		{"nothing.", nil},
		{"thing().co", nil}, // calls nothing
		{"[thing][0].co", nil},
		{"0x1f", nil},
		{"'th", nil},
		{"# th", nil},
		{"launch('/bin/th", nil},
		{"bomb.fu", []string{"fuse"}},
		{"bomb.fuse.x", nil}, // panics
		{"", nil},
		{"x = ", nil},
	}
	s, _, _ := newFake(t, Options{})
	if err := s.eval(item{"my_list = []\n", 1}); err != nil {
		t.Fatal(err)
	}
	for _, test := range tests {
		if got, _ := s.complete(test.text); !slices.Equal(got, test.want) {
			t.Errorf("complete(%q) = %q, want %q", test.text, got, test.want)
		}
	}
}

// BenchmarkComplete measures a tab in a program of 100 000 functions, the first one and
// the others.
func BenchmarkComplete(b *testing.B) {
	program := tracertest.Build(b, "testdata/symbols.s", "-nostdlib", "-static")
	s, err := New(&Options{Policy: Policy{Allow: MayAll}, Args: []string{program}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	if err := s.eval(item{"p = launch(args)\n", 1}); err != nil {
		b.Fatal(err)
	}
	start := time.Now()
	s.complete("b function_number_1777")
	first := time.Since(start)
	for b.Loop() {
		if names, _ := s.complete("b function_number_1777"); len(names) != 100 {
			b.Fatalf("got %d names", len(names))
		}
	}
	b.ReportMetric(first.Seconds()*1000, "ms/first")
}

// TestName checks which process the name p stands for.
func TestName(t *testing.T) {
	program := tracertest.Build(t, "../examples/targets/count.c")
	s, err := New(&Options{Policy: Policy{Allow: MayAll}, Args: []string{program}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i, test := range []struct{ item, holds string }{
		{"launch(args)", "p.pid > 0"},
		{"first = p", "p == first"},
		{"q = launch(args)", "p == first and q != first"},
		{"file " + program, "p == first"}, // it was not what commands acted on
		{"p = focus.process", "p != first and p != q"},
		{"second = p", "p == second"},
		{"file " + program, "p != second"},
	} {
		for _, text := range []string{test.item, "ok = " + test.holds} {
			if err := s.eval(item{text + "\n", i}); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
		}
		if s.globals["ok"] != starlark.True {
			t.Errorf("after %s it is not true that %s", test.item, test.holds)
		}
	}
}
