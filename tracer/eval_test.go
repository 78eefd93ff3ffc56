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
			cmd.Env = append(cmd.Environ(), "LC_ALL=C", "EXPRESSIONS=testdata/"+list)
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
	call := func(t *Thread, addr uint64, args []Arg) (uint64, error) { return t.Call(addr, args, nil) }
	for expr, want := range map[string]string{
		"twice(3) + 1":                   "7",
		"function(counter)":              "14",
		"sum(-1, 258)":                   "1",
		`count("four")`:                  "4",
		"count(words[0])":                "5",
		"twice(twice(local))":            "48",
		"((long (*)(int))twice)(-4)":     "4294967288",
		"(int)atoi(\"-12\")":             "-12",
		"twice(first.u.i) == 84 ? 1 : 2": "1",
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
	} {
		v, err := f.Eval(test.expr, nil)
		if err != nil {
			t.Errorf("%s: %v", test.expr, err)
		} else if got := v.Format(&value.Format{Bare: true}); got != test.want {
			t.Errorf("%s: got %s, want %s", test.expr, got, test.want)
		}
	}
}
