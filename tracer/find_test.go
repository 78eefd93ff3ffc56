//go:build linux && amd64

package tracer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// launchFind runs testdata/find.c until its memory is ready.
func launchFind(t testing.TB) *Process {
	t.Helper()
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/find.c")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if stop := cont(t, p); stop.Reason != ReasonSignal {
		t.Fatalf("stop = %s, want the signal", stop.Reason)
	}
	return p
}

// pointer returns the value of a variable of the program.
func pointer(t testing.TB, p *Process, name string) uint64 {
	t.Helper()
	var word [8]byte
	if _, err := p.ReadAt(must(p.Addr(name)), word[:]); err != nil {
		t.Fatal(err)
	}
	return binary.LittleEndian.Uint64(word[:])
}

const (
	findPage = 4096
	findGiB  = 1 << 30
)

func TestFind(t *testing.T) {
	p := launchFind(t)
	literal := func(s string) *Pattern { return must(Literal([]byte(s))) }
	masked := func(s string) *Pattern { return must(Masked(s)) }
	expr := func(s string) *Pattern { return must(Regexp(s)) }
	needles := []uint64{10*findPage - 3, 500*findPage - 6, findGiB / 2, findGiB - 6}
	var holes []uint64
	for i := uint64(0); i < 64; i += 2 {
		holes = append(holes, i*findPage+4000)
	}
	bytes64K := string(make([]byte, 64<<10))
	for _, test := range []struct {
		pat    *Pattern
		base   string    // what offsets count from
		within [2]uint64 // offsets of start and end, or none
		o      FindOptions
		want   []uint64
	}{
		{literal("needle"), "sparse", [2]uint64{}, FindOptions{}, needles},
		{literal("needle"), "sparse", [2]uint64{}, FindOptions{Perms: "rwp"}, needles},
		{literal("needle"), "sparse", [2]uint64{}, FindOptions{Perms: "x"}, nil},
		{literal("needle"), "sparse", [2]uint64{}, FindOptions{Perms: "s"}, nil},
		{literal("needle"), "sparse", [2]uint64{}, FindOptions{Max: 2}, needles[:2]},
		{literal("needle"), "sparse", [2]uint64{needles[0], needles[2] + 6}, FindOptions{}, needles[:3]},
		{literal("needle"), "sparse", [2]uint64{needles[0] + 1, needles[2] + 5}, FindOptions{}, needles[1:2]},
		{literal("needle"), "sparse", [2]uint64{needles[1], needles[1]}, FindOptions{}, nil},
		{literal("needle\x00\x00\x00"), "sparse", [2]uint64{}, FindOptions{Perms: "r"}, needles[:3]},
		{literal("\x00needle" + bytes64K[:5000] + "\x00"), "sparse", [2]uint64{}, FindOptions{Perms: "r"}, []uint64{needles[0] - 1, needles[1] - 1, needles[2] - 1}},
		{literal(bytes64K), "sparse", [2]uint64{0, findGiB}, FindOptions{Max: 1}, []uint64{10*findPage + 3}},
		{literal(bytes64K), "sparse", [2]uint64{findGiB - 6 - 65538, findGiB}, FindOptions{}, []uint64{findGiB - 6 - 65538, findGiB - 6 - 65537, findGiB - 6 - 65536}},
		{masked("6e ?5 6? 64 ??65"), "sparse", [2]uint64{}, FindOptions{}, needles},
		{masked("? 6? ?? ? 64 6c 65"), "sparse", [2]uint64{needles[1], findGiB}, FindOptions{}, []uint64{needles[2] - 1, needles[3] - 1}},
		{masked("?0 6e65"), "sparse", [2]uint64{0, findGiB}, FindOptions{Perms: "r"}, []uint64{needles[0] - 1, needles[1] - 1, needles[2] - 1, needles[3] - 1}},
		{masked("6c 65 ? ?"), "sparse", [2]uint64{0, findGiB}, FindOptions{Perms: "r"}, []uint64{needles[0] + 4, needles[1] + 4, needles[2] + 4}},
		{masked("?? 0?"), "sparse", [2]uint64{20*findPage + 1, 20*findPage + 5}, FindOptions{}, []uint64{20*findPage + 1, 20*findPage + 2, 20*findPage + 3}},
		{expr("ne+dl."), "sparse", [2]uint64{0, findGiB}, FindOptions{}, needles},
		{expr(`\x00needle\x00{3}`), "sparse", [2]uint64{0, findGiB}, FindOptions{Perms: "r"}, []uint64{needles[0] - 1, needles[1] - 1, needles[2] - 1}},
		{expr(`\bneedle\b`), "sparse", [2]uint64{0, findGiB}, FindOptions{}, needles},
		{expr(`\Bneedle|needle\B|(?m)^needle`), "sparse", [2]uint64{0, findGiB}, FindOptions{}, nil},
		{expr(`(?m)^needle$`), "sparse", [2]uint64{needles[3], findGiB}, FindOptions{}, needles[3:]},
		{expr(`\x00+needle`), "sparse", [2]uint64{needles[2] - 10, needles[2] + 6}, FindOptions{}, []uint64{needles[2] - 10}},
		{expr(`\x00{1000}`), "sparse", [2]uint64{20 * findPage, 20*findPage + 5000}, FindOptions{Max: 4}, []uint64{20 * findPage, 20*findPage + 1000, 20*findPage + 2000, 20*findPage + 3000}},
		{literal("hidden"), "hidden", [2]uint64{}, FindOptions{Perms: "r"}, nil},
		{literal("hidden"), "hidden", [2]uint64{}, FindOptions{}, []uint64{100}},
		{literal("cut file"), "cut", [2]uint64{}, FindOptions{}, []uint64{50}},
		{expr("(cut) (file)"), "cut", [2]uint64{}, FindOptions{Perms: "w"}, []uint64{50}},
		{literal("hole"), "holes", [2]uint64{}, FindOptions{}, holes},
		{literal("5\xff\n065536\xff"), "dense", [2]uint64{0, 3 << 20}, FindOptions{}, []uint64{1<<19 - 3}},
		{literal("99999\xff\n"), "dense", [2]uint64{}, FindOptions{}, []uint64{99999*8 + 1, 199999*8 + 1, 299999*8 + 1}},
		{expr(`\xff\n06553[56]`), "dense", [2]uint64{1 << 18, 3 << 18}, FindOptions{}, []uint64{1<<19 - 10, 1<<19 - 2}},
		{expr("[\xf0-\xff]\n065536"), "dense", [2]uint64{1 << 18, 3 << 18}, FindOptions{}, []uint64{1<<19 - 2}},
	} {
		base := pointer(t, p, test.base)
		if test.within != [2]uint64{} {
			test.o.Start, test.o.End = base+test.within[0], base+test.within[1]
		}
		got, err := p.Find(test.pat, &test.o)
		for i := range got {
			got[i] -= base
		}
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%.40q with %+v is at %#x of %s, %v, want %#x", test.pat, test.o, got[:min(len(got), 8)], test.base, err, test.want)
		}
	}
}

// TestFindRegexp compares searches piece by piece with package regexp, which sees
// everything at once.
func TestFindRegexp(t *testing.T) {
	p := launchFind(t)
	dense := pointer(t, p, "dense")
	data := make([]byte, 20000)
	if _, err := p.ReadAt(dense, data); err != nil {
		t.Fatal(err)
	}
	// Without 0xff, bytes are characters.
	if _, err := p.WriteAt(dense, bytes.ReplaceAll(data, []byte{0xff}, []byte{'-'})); err != nil {
		t.Fatal(err)
	}
	p.ReadAt(dense, data)
	for _, text := range []string{"1", "[0-9]+-", "00(0-\n00)?1", "(?s)01.{100}", "(?s)2.{90}9", `(?m)^.*7-$`, `\b\d+7\b`, `[^7]+`, "(?s)9-.1"} {
		for shift := range 10 {
			// No match is longer than what is kept.
			s := &search{in: &p.target, pat: must(Regexp(text)), chunk: 1000, keep: 200}
			if err := s.run(&FindOptions{Start: dense + uint64(shift), End: dense + uint64(len(data))}); err != nil {
				t.Fatal(err)
			}
			got := s.hits
			var want []uint64
			for _, loc := range regexp.MustCompile(text).FindAllIndex(data[shift:], -1) {
				want = append(want, dense+uint64(shift+loc[0]))
			}
			if !slices.Equal(got, want) {
				i := 0
				for i < min(len(got), len(want)) && got[i] == want[i] {
					i++
				}
				t.Errorf("%q has %d matches from %d on, want %d; number %d is another", text, len(got), shift, len(want), i)
			}
		}
	}
}

// TestFindMasked compares searches piece by piece with a look at every place.
func TestFindMasked(t *testing.T) {
	p := launchFind(t)
	dense := pointer(t, p, "dense")
	data := make([]byte, 20000)
	if _, err := p.ReadAt(dense, data); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"3?", "?1", "31", "?? 3? ??", "30 ?? ?? 3? 31", "3? 30 ?? ff ? ?0 3?", "ff", "?? ?? ff ?? ??"} {
		pat := must(Masked(text))
		var want []uint64
		for i := range data[:len(data)-len(pat.bytes)+1] {
			fits := true
			for j, word := range strings.Fields(text) {
				if got := fmt.Sprintf("%02x", data[i+j]); word != "?" && (word[0] != '?' && word[0] != got[0] || word[1] != '?' && word[1] != got[1]) {
					fits = false
				}
			}
			if fits {
				want = append(want, dense+uint64(i))
			}
		}
		s := &search{in: &p.target, pat: pat, chunk: 1000, keep: pat.longest()}
		if err := s.run(&FindOptions{Start: dense, End: dense + uint64(len(data))}); err != nil {
			t.Fatal(err)
		}
		if len(want) == 0 || !slices.Equal(s.hits, want) {
			t.Errorf("%q is at %d places, want %d", text, len(s.hits), len(want))
		}
	}
	for text, want := range map[string]string{
		"":                         "pattern of 0 bytes, want 1 to 1024",
		strings.Repeat("00", 1025): "pattern of 1025 bytes, want 1 to 1024",
		"48 8":                     `"8" has half a byte: want two digits for each`,
		"48 8?b":                   `"8?b" has half a byte: want two digits for each`,
		"48 xb":                    "'x' is neither a hexadecimal digit nor ?",
		"? ??":                     "pattern of no digit is everywhere",
		"48 \xc3\xa9":              "'é' is neither a hexadecimal digit nor ?",
	} {
		if _, err := Masked(text); err == nil || err.Error() != want {
			t.Errorf("Masked(%.20q) = %v, want %s", text, err, want)
		}
	}
}

// TestFindTouchesNothing checks that a search leaves memory that was never touched
// so, and that both ways of asking for that agree.
func TestFindTouchesNothing(t *testing.T) {
	p := launchFind(t)
	lists := make(map[string][]uint64)
	list := func(name string, read bool) (runs []uint64) {
		t.Helper()
		start, size := pointer(t, p, name), map[string]uint64{"sparse": findGiB, "holes": 64 * findPage}[name]
		m := openPagemap(p.task())
		defer m.close()
		m.read = read
		for at := start; at < start+size; {
			lo, hi := m.next(at, start+size)
			for page := lo; page < hi; page += findPage {
				runs = append(runs, (page-start)/findPage)
			}
			at = hi
		}
		return runs
	}
	for _, name := range []string{"sparse", "holes"} {
		lists[name] = list(name, false)
		if read := list(name, true); !slices.Equal(read, lists[name]) {
			t.Errorf("the touched pages of %s are %d, or %d when each is asked for", name, lists[name], read)
		}
	}
	if want := []uint64{9, 10, 499, 1 << 17, 1<<18 - 1}; !slices.Equal(lists["sparse"], want) {
		t.Errorf("the touched pages are %d, want %d", lists["sparse"], want)
	}
	if len(lists["holes"]) != 32 {
		t.Errorf("the touched pages are %d, want 32", lists["holes"])
	}
	if _, err := p.Find(must(Literal([]byte("\x00needle\x00"))), nil); err != nil {
		t.Fatal(err)
	}
	for name, want := range lists {
		if got := list(name, false); !slices.Equal(got, want) {
			t.Errorf("after a search the touched pages of %s are %d, they were %d", name, got, want)
		}
	}
}

func TestFindHidesBreakpoints(t *testing.T) {
	p := launch(t, "loop", "3")
	work := must(p.Addr("work"))
	code := make([]byte, 16)
	if _, err := p.ReadAt(work, code); err != nil {
		t.Fatal(err)
	}
	breakAt(t, p, "work", nil)
	hits, err := p.Find(must(Literal(code)), &FindOptions{Perms: "x"})
	if err != nil || !slices.Equal(hits, []uint64{work}) {
		t.Errorf("Find = %#x, %v, want %#x", hits, err, work)
	}
}

func TestFindIsInterrupted(t *testing.T) {
	p := launchFind(t)
	for _, text := range []string{"needle", `\x00{50}x`} {
		pat := must(Regexp(text))
		go p.tr.Interrupt()
		var err error
		for err == nil {
			_, err = p.Find(pat, nil)
		}
		if !errors.Is(err, ErrInterrupted) || err.Error() != fmt.Sprintf("find [%d]: interrupted", p.PID) {
			t.Errorf("Find: %v, want that it is interrupted", err)
		}
	}
	if stop, err := p.Cont(&MoveOptions{Signal: Deliver(0)}); err != nil || stop.Reason != ReasonExit {
		t.Errorf("after the search the process stops with %v, %v", stop, err)
	}
}

func TestFindRefusals(t *testing.T) {
	p := launchFind(t)
	pat := must(Literal([]byte("x")))
	for _, test := range []struct {
		o    FindOptions
		want string
	}{
		{FindOptions{Start: 2, End: 1}, "the end, 0x1, is before the start, 0x2"},
		{FindOptions{Perms: "rz"}, `permissions "rz" are not letters of "rwxps"`},
	} {
		_, err := p.Find(pat, &test.o)
		if err == nil || err.Error() != fmt.Sprintf("find [%d]: %s", p.PID, test.want) {
			t.Errorf("Find with %+v: %v, want %s", test.o, err, test.want)
		}
	}
	for _, data := range [][]byte{nil, make([]byte, 65537)} {
		if pat, err := Literal(data); pat != nil || err == nil {
			t.Errorf("Literal of %d bytes = %v, %v", len(data), pat, err)
		}
	}
	for _, text := range []string{"(", "^a", "a$", `\Aa`, `a\z`, "x{1001}", "b|(a$)"} {
		if pat, err := Regexp(text); pat != nil || err == nil {
			t.Errorf("Regexp(%q) = %v, %v", text, pat, err)
		}
	}
	if err := p.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Find(pat, nil); !errors.Is(err, ErrExited) {
		t.Errorf("Find in a dead process: %v", err)
	}
}

func BenchmarkFind(b *testing.B) {
	p := launchFind(b)
	dense := pointer(b, p, "dense")
	bench := func(name string, pat *Pattern, o *FindOptions, size int64) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				if _, err := p.Find(pat, o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	all := &FindOptions{Start: dense, End: dense + 3<<20}
	bench("bytes", must(Literal([]byte("not there"))), all, 3<<20)
	bench("prefix", must(Regexp("not the(re|ir)")), all, 3<<20)
	bench("regexp", must(Regexp("[a-z]+there")), all, 3<<20)
	bench("masked", must(Masked("3? 0d ?? 30 31 ?? ff")), all, 3<<20)
	bench("open", must(Masked("3? ?d")), all, 3<<20)
	bench("sparse", must(Literal([]byte("not there"))), nil, findGiB)
}
