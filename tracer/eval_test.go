//go:build linux && amd64

package tracer

import (
	"encoding/json"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/tracertest"
	"github.com/tracelark/tracelark/tracer/value"
)

// stoppedFrame launches a program and returns its innermost frame where it traps.
func stoppedFrame(t *testing.T, path string) *Frame {
	t.Helper()
	p, err := newTracer(t).Launch([]string{path}, &LaunchOptions{Env: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	stop, err := p.Cont(&MoveOptions{Timeout: 30 * time.Second})
	if err != nil || stop.Reason != ReasonSignal || stop.Signal != int(unix.SIGTRAP) {
		t.Fatalf("got stop %v, %v", stop, err)
	}
	frames, err := p.Thread().Frames(1)
	if err != nil {
		t.Fatal(err)
	}
	return frames[0]
}

// TestEvalAsGDB compares the types and values of expressions with those that gdb
// prints, assignments among them.
func TestEvalAsGDB(t *testing.T) {
	for source, list := range map[string]string{"eval.c": "eval_c.txt", "eval.cc": "eval_cc.txt"} {
		t.Run(source, func(t *testing.T) {
			path := tracertest.Build(t, "testdata/"+source, "-O0", "-lstdc++")
			cmd := exec.Command(tracertest.Tool(t, "gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x", "testdata/eval.py", path)
			cmd.Env = append(cmd.Environ(), "LC_ALL=C.UTF-8", "EXPRESSIONS=testdata/"+list)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("gdb: %v\n%s", err, out)
			}
			text, err := os.ReadFile("testdata/" + list)
			if err != nil {
				t.Fatal(err)
			}
			expressions := strings.Split(strings.TrimSpace(string(text)), "\n")
			f := stoppedFrame(t, path)
			n := 0
			for line := range strings.Lines(string(out)) {
				if !strings.HasPrefix(line, "{") {
					continue
				}
				var want struct{ Type, Value, Error string }
				if err := json.Unmarshal([]byte(line), &want); err != nil {
					t.Fatal(err)
				}
				expr := expressions[n]
				n++
				if strings.HasPrefix(expr, "sizeof") && want.Type == "int" {
					want.Type = "unsigned long"
				}
				wantText := want.Type + " | " + want.Value
				if want.Error != "" {
					wantText = "error"
				}
				got := "error"
				v, err := f.Eval(expr, nil)
				if err == nil {
					if _, err = v.Bytes(); err == nil || v.Type().Size < 0 {
						got = typeText(v) + " | " + v.Format(&value.Format{Bare: true})
					}
				}
				if got != wantText && differences[expr] == "" {
					t.Errorf("%s: got %s (%v)\ngdb: %s %s", expr, got, err, wantText, want.Error)
				} else if got == wantText && differences[expr] != "" {
					t.Errorf("%s: is no difference any more", expr)
				}
			}
			if n != len(expressions) {
				t.Errorf("gdb evaluated %d of %d expressions:\n%s", n, len(expressions), out)
			}
		})
	}
}

// typeText writes the type of a value without the qualifiers, which expressions drop.
func typeText(v *value.Value) string {
	if v.Type() == nil {
		return "void"
	}
	return v.Type().String()
}

// differences are the expressions that gdb 13 evaluates otherwise, with the reason. The
// type of sizeof, which has its int instead of size_t, is one of all.
var differences = map[string]string{
	"wide + 1":                               "gdb has no arithmetic on 128 bits",
	"wide >> 60":                             "gdb has no arithmetic on 128 bits",
	"(long)(wide >> 40)":                     "gdb has no arithmetic on 128 bits",
	"yes + yes":                              "gdb does not add truth values",
	"first.flags + first.delta":              "gdb does not promote a bit-field to int, as C does",
	"~first.flags":                           "gdb does not promote a bit-field to int, as C does",
	"dynamic_cast<square *>(base) == &sq":    "gdb 13 says false",
	"reinterpret_cast<named *>(&sq) == side": "gdb moves the pointer to the base before it compares",
	"nullptr == 0":                           "gdb does not know nullptr",
	"int(3.7)":                               "gdb has no casts like calls",
	"char(65)":                               "gdb has no casts like calls",
	"long(value)":                            "gdb has no casts like calls",
}

// TestEvalCalls evaluates expressions that call functions, which needs leave.
func TestEvalCalls(t *testing.T) {
	f := stoppedFrame(t, tracertest.Build(t, "testdata/eval.c", "-O0"))
	if _, err := f.Eval("twice(3)", nil); err == nil || !strings.Contains(err.Error(), "call=True") {
		t.Errorf("a call without leave: got %v", err)
	}
	call := func(t *Thread, c *Call) (*Result, error) { return t.Invoke(c, nil) }
	for expr, want := range map[string]string{
		"twice(3) + 1":                    "7",
		"function(counter)":               "14",
		"sum(-1, 258)":                    "1",
		`count("four")`:                   "4",
		"count(words[0])":                 "5",
		"twice(twice(local))":             "48",
		"((long (*)(int))twice)(-4)":      "4294967288",
		"(int)atoi(\"-12\")":              "-12",
		"strlen(\"four\")":                "4",
		"(double)atof(\"2.5\") * 2":       "5",
		"(float)strtof(\"1.5\", 0)":       "1.5",
		"*(char *)strchr(\"seven\", 'v')": "118 'v'",
		"twice(first.u.i) == 84 ? 1 : 2":  "1",
	} {
		v, err := f.Eval(expr, &EvalOptions{Call: call})
		if err != nil {
			t.Errorf("%s: %v", expr, err)
		} else if got := v.Format(&value.Format{Bare: true}); got != want {
			t.Errorf("%s: got %s, want %s", expr, got, want)
		}
	}
	for expr, want := range map[string]string{"twice()": "takes 1 arguments", "twice(1, 2)": "takes 1 arguments", "twice(pi, 1)": "takes 1", "sum(first, 1)": "argument 1"} {
		if v, err := f.Eval(expr, &EvalOptions{Call: call}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, %v, want %q", expr, v, err, want)
		}
	}
}

// TestInvoke evaluates expressions that call functions and methods of C++ with arguments
// and results of all classes, in programs of two compilers.
func TestInvoke(t *testing.T) {
	for _, flags := range [][]string{{"-O0"}, {"-O1", "-fno-inline", "-fno-ipa-sra", "-fno-ipa-cp", "-gdwarf-4"}} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			f := stoppedFrame(t, tracertest.Build(t, "testdata/invoke.cc", append(flags, "-lstdc++")...))
			th := f.t.(*Thread)
			before := look(t, th)
			o := &EvalOptions{Call: func(t *Thread, c *Call) (*Result, error) { return t.Invoke(c, nil) }}
			for _, test := range []struct{ expr, want string }{
				{"half(5)", "double 2.5"},
				{"half(real) + twice(2.25f)", "double 5.25"},
				{"twice(3)", "float 6"},
				{"longer(1.5L)", "long double 1.75"},
				{"longer(number)", "long double 5.25"},
				{"many(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1)", "double 136"},
				{"many(.5, 2.f, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16)", "double 1495.5"},
				{"swap(both)", "pair {a = 2, b = 1}"},
				{"swap(swap(both)).a", "long 1"},
				{"add(mix, 2)", "mixed {d = 3.5, n = 5}"},
				{"scale(three, 2).z", "float 6"},
				{"scale(three, 0.5)", "reals {x = 0.5, y = 1, z = 1.5}"},
				{"little(tiny)", "small {s = 9, c = 121 'y'}"},
				{"big(huge, 10)", "large {v = {11, 12, 13, 14, 15}}"},
				{"big(big(huge, 10), 1).v[4]", "long 16"},
				{"wrap(deep)", "wrapped {it = 2.5}"},
				{"after(empty, 6)", "long 6"},
				{"last(1, 2, 3, 4, 5, both, 6)", "long 126"},
				{"wider(-3)", "__int128 9"},
				{"turn(z)", "std::complex<double> {_M_value = -2 + 1i}"},
				{"spin(zf)", "complex float 2 + 0i"},
				{"lanes(v)", "__m128 {2, 4, 6, 8}"},
				{"flip(true)", "bool false"},
				{"next(red)", "color green"},
				{"total(3, 1.5, real, 2.0)", "int 5"},
				{"measure(\"four\")", "size_t 4"},
				{"measure(text)", "size_t 47"},
				{"kind(1)", "int 1"}, {"kind(1L)", "int 2"}, {"kind(1.5)", "int 3"}, {"kind(1.5f)", "int 3"}, {"kind('c')", "int 1"},
				{"kind(\"x\")", "int 4"}, {"kind(both)", "int 5"}, {"kind(blue)", "int 6"}, {"kind(&both)", "int 7"},
				{"raise(number, 3), number", "int 8"},
				{"place(array, 1)", "int & 20"},
				{"place(array, 1) + 1", "int 21"},
				{"pointer(\"\")", "int 0"},
				{"halver(3)", "double 1.5"},
				{"(*halver)(3)", "double 1.5"},
				{"((float (*)(float))twice)(1.5)", "float 3"},
				{"greet(brief).size()", "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::size_type 11"},
				{"greet(text).length() + greet(brief).length()", "unsigned long 64"},
				{"repeat(brief, 3).size()", "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::size_type 15"},
				{"numbers.size()", "std::vector<int, std::allocator<int> >::size_type 3"},
				{"numbers.at(1)", "std::vector<int, std::allocator<int> >::reference 6"},
				{"numbers.front() = 9, numbers.at(0)", "std::vector<int, std::allocator<int> >::reference 9"},
				{"text.size()", "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >::size_type 47"},
				{"sq.area()", "double 9"},
				{"base->area()", "double 9"},
				{"base->shape::area()", "double 0"},
				{"base->corners(1)", "int 101"},
				{"side->same()", "long 78"},
				{"sq.label()", "long 77"},
				{"side->label()", "long 77"},
				{"sq.name()", "const char * \"shape\""},
				{"sq.answer()", "int 42"},
				{"shape::answer()", "int 42"},
				{"sq.grow()", "int 1"},
				{"sq.grow(1)", "int 4"},
				{"sq.grow(0.5)", "double 4.5"},
				{"grow()", "int 1"},
				{"this->both(1)", "double 21.25"},
				{"sq.*::width", "double 4.5"},
				{"base->*::sides", "int 4"},
				{"(sq.*method)(0.5)", "double 20.75"},
				{"(base->*virt)()", "double 20.25"},
				{"(sq.*second)()", "long 77"},
				{"sq.*::width = 2, sq.width", "double 2"},
				{"::width", "double square::* &square::width"},
				{"::sides", "int shape::* &shape::sides"},
				{"virt", "double (shape::*)(const shape *) &virtual shape::area() const"},
				{"second", "long (square::*)(square *) <named::label()>, this adjustment 16"},
				{"method", "double (square::*)(const square *, double) <square::both(double) const>"},
				{"none", "void (shape::*)(shape *) NULL"},
				{"nowhere", "int shape::* NULL"},
				{"limits", "bounds {static most = -7, static fixed = true, n = 3}"},
				{"bounds::most - limits.most", "int 0"},
				{"inbox->area()", "double 5"},
				{"dynamic_cast<boxed<unsigned short, 5ul> *>(inbox)->it", "unsigned short 5"},
			} {
				v, err := f.Eval(test.expr, o)
				if err != nil {
					t.Errorf("%s: %v", test.expr, err)
					continue
				}
				got := v.Format(&value.Format{Bare: true})
				if _, quoted, ok := strings.Cut(got, ` "`); ok {
					got = `"` + quoted
				}
				if _, symbol, ok := strings.Cut(got, " <"); ok && got[0] == '(' {
					got = "<" + symbol
				}
				if _, inner, ok := strings.Cut(got, ": "); ok && got[0] == '@' {
					got = inner
				}
				if got = typeText(v) + " " + got; got != test.want {
					t.Errorf("%s: got %s, want %s", test.expr, got, test.want)
				}
			}
			for expr, want := range map[string]string{
				"half()": "takes 1 arguments", "swap(1)": "argument 1: int is no pair", "kind()": "none of 7", "kind(sq)": "none of 7",
				"sq.nothing()": "has no member nothing", "sq.grow(1, 2)": "none of 3", "base->grow()": "no member grow", "(sq.*none)()": "null",
				"sq.*nowhere": "null", "number.*::width": "has no members", "both.*::width": "not of", "number()": "is no function", "measure(both)": "none of 2",
			} {
				if v, err := f.Eval(expr, o); err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: got %v, %v, want %q", expr, v, err, want)
				}
			}
			wantSame(t, th, before)

			// What is returned in memory stays until the process moves.
			one, err := f.Eval("greet(brief)", o)
			if err != nil {
				t.Fatal(err)
			}
			two, err := f.Eval("repeat(brief, 2)", o)
			if err != nil {
				t.Fatal(err)
			}
			for v, want := range map[*value.Value]string{one: "hello brief", two: "briefbrief"} {
				data, err := v.Field("_M_p")
				if err != nil {
					if data, err = v.Field("_M_dataplus"); err == nil {
						data, err = data.Field("_M_p")
					}
				}
				if err != nil {
					t.Fatal(err)
				}
				if text, err := data.Text(100); err != nil || string(text) != want {
					t.Errorf("got %q, %v, want %q", text, err, want)
				}
			}
		})
	}
}

// TestResultsAsGDB compares what functions return with what gdb's finish prints.
func TestResultsAsGDB(t *testing.T) {
	functions := []string{
		"half", "twice", "longer", "many", "swap", "add", "scale", "little", "big", "wrap", "after", "last", "turn", "flip", "next", "total", "place",
		"square::area", "named::label", "shape::name", "shape::answer",
	}
	// gdb 13 has wrong results of wider and lanes, and its printers show the strings of greet.
	for _, compiler := range []string{"gcc", "clang"} {
		path := tracertest.BuildWith(t, compiler, "testdata/invoke.cc", "-lstdc++")
		cmd := exec.Command(tracertest.Tool(t, "gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x", "testdata/finish.py", path)
		cmd.Env = append(cmd.Environ(), "LC_ALL=C.UTF-8", "FUNCTIONS="+strings.Join(functions, " "))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("gdb: %v\n%s", err, out)
		}
		p, err := newTracer(t).Launch([]string{path, "results"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range functions {
			breakAt(t, p, name, nil)
		}
		n := 0
		for line := range strings.Lines(string(out)) {
			var want struct{ Function, Value string }
			if json.Unmarshal([]byte(line), &want) != nil {
				continue
			}
			n++
			th := cont(t, p).Thread
			frames, err := th.Frames(1)
			if err != nil {
				t.Fatal(err)
			}
			stop, err := th.Finish(soon)
			if err != nil {
				t.Fatal(err)
			}
			v, err := stop.Result()
			if name := frames[0].Function(); err != nil || name != want.Function || v.String() != want.Value {
				t.Errorf("%s returns %v, %v, want %s of %s", name, v, err, want.Value, want.Function)
			}
		}
		if n < len(functions) {
			t.Errorf("gdb finished %d of %d functions:\n%s", n, len(functions), out)
		}
	}
}

// TestEvalBare evaluates expressions in a program without debug information, and in
// a core.
func TestEvalBare(t *testing.T) {
	path := tracertest.Build(t, "testdata/eval.c", "-O0", "-g0")
	f := stoppedFrame(t, path)
	file := t.TempDir() + "/core"
	if err := f.t.(*Thread).p.SaveCore(file); err != nil {
		t.Fatal(err)
	}
	c, err := f.in.tr.OpenCore(file, nil)
	if err != nil {
		t.Fatal(err)
	}
	frames, err := c.Thread().Frames(1)
	if err != nil {
		t.Fatal(err)
	}
	dead := frames[0]
	for expr, want := range map[string]string{
		"1 + 2":                           "3",
		"(long)main == (long)&main":       "1",
		"*(int *)&table":                  "1",
		"((int *)table)[2]":               "3",
		"*(int *)((char *)&table + 4)":    "2",
		"*(uint16_t *)&port":              "65535",
		"*(char **)words":                 "",
		"$rsp == $sp":                     "1",
		"(long)$rip - (long)main > 0":     "1",
		"*(unsigned char *)($rip - 1)":    "204",
		"sizeof(unsigned short[3])":       "6",
		"*(long *)$rsp == *(long *)($sp)": "1",
	} {
		v, err := f.Eval(expr, nil)
		w, coreErr := dead.Eval(expr, nil)
		if err != nil || coreErr != nil {
			t.Errorf("%s: %v, %v in a core", expr, err, coreErr)
			continue
		}
		bare := &value.Format{Bare: true}
		if got, was := v.Format(bare), w.Format(bare); got != was || want != "" && strings.Fields(got)[0] != want {
			t.Errorf("%s: got %s, %s in a core, want %s", expr, got, was, want)
		}
	}
	for expr, want := range map[string]string{
		"*(int *)&table = 3": "core",
		"main()":             "no process that could call",
		"tabel":              "table",
		"$raxx":              "rax",
		"$r19":               "no register $r19",
	} {
		if _, err := dead.Eval(expr, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", expr, err, want)
		}
	}
}

// TestEvalAlias takes the type of a function that debug information has by another name.
func TestEvalAlias(t *testing.T) {
	f := stoppedFrame(t, tracertest.Build(t, "testdata/alias.c", "-O0"))
	may := &EvalOptions{Call: func(t *Thread, c *Call) (*Result, error) { return t.Invoke(c, nil) }}
	for expr, want := range map[string]string{`second("abc")`: `"bc"`, `second("abc")[1]`: "99 'c'", "sizeof second(\"\")": "8", "&second == &behind": "1"} {
		v, err := f.Eval(expr, may)
		if err != nil || !strings.HasSuffix(v.String(), want) {
			t.Errorf("%s: got %v, %v, want %s", expr, v, err, want)
		}
	}
}

// TestEvalRegisters writes registers and reads vectors.
func TestEvalRegisters(t *testing.T) {
	f := stoppedFrame(t, tracertest.Build(t, "testdata/eval.c", "-O0"))
	for _, test := range []struct{ expr, want string }{
		{"$rax = 0x1122334455667788", "1234605616436508552"},
		{"$eax == 0x55667788", "1"},
		{"$al = 1, $ax", "30465"},
		{"$ah", "119"},
		{"$rax += 2", "1234605616436508419"},
		{"sizeof($xmm0.v4_float)", "16"},
		{"$xmm0.v4_int32[0] == ($xmm0.v2_int64[0] & 0xffffffff) || $xmm0.v4_int32[0] < 0", "1"},
		{"$zf == 0 || 1", "1"},
		{"sizeof($st0)", "16"},
		{"$st0 * 2", "0"},
	} {
		v, err := f.Eval(test.expr, nil)
		if err != nil {
			t.Errorf("%s: %v", test.expr, err)
		} else if got := v.Format(&value.Format{Bare: true}); got != test.want {
			t.Errorf("%s: got %s, want %s", test.expr, got, test.want)
		}
	}
}
