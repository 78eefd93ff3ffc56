//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// A fakeMemory is memory that is mapped at some addresses.
type fakeMemory map[uint64]string

func (m fakeMemory) ReadAt(addr uint64, buf []byte) (int, error) {
	for start, data := range m {
		if addr >= start && addr-start+uint64(len(buf)) <= uint64(len(data)) {
			return copy(buf, data[addr-start:]), nil
		}
	}
	return 0, &Error{Op: "read", Addr: addr, At: true, Err: unix.EFAULT}
}

// conditionScope is what the conditions of these tests see.
func conditionScope() scope {
	regs := &arch.Regs{}
	regs[arch.RAX] = 1<<64 - 1
	regs[arch.RBX] = 0x1234567890abcdef
	regs[arch.RDI] = 3
	regs[arch.RSI] = 0x1000
	regs[arch.RDX], regs[arch.RCX], regs[arch.R8], regs[arch.R9] = 22, 33, 44, 55
	regs[arch.EFLAGS] = 1<<6 | 1<<10 // zf, df
	word := make([]byte, 16)
	binary.LittleEndian.PutUint64(word, 0x8899aabbccddeeff)
	return scope{
		memory: fakeMemory{
			0x1000: string(word), 0x20ff: "over a border" + strings.Repeat("\x00", 300), 0x4000: strings.Repeat("a", 5000),
			1<<64 - 8: "\x07\x00\x00\x00\x00\x00\x00\x00",
		},
		regs: regs, tid: 42, hits: 300,
	}
}

func conditionAddr(loc string) (uint64, error) {
	switch loc {
	case "word", "libc!word+8", "counter.1":
		return 0x1000, nil
	case "twice":
		return 0, errors.New(`"twice" is 2 places: 0x10, 0x20`)
	}
	return 0, &NotFoundError{Name: loc, near: func() []string { return []string{"word"} }}
}

func TestConditions(t *testing.T) {
	for _, text := range []string{
		"rdi == 3", "not rdi == 4", "rdi", "not not rdi", "not df == 0", "zf and not cf", "cf or zf", "$rdi == 3",
		"arg0 == 3 and $arg1 == word", "arg2 == 22 and arg3 == 33 and arg4 == 44 and arg5 == 55", "retval == rax and signed(retval) < 0", "1 < 2 < 3", "not 1 < 2 < 2", "3 > 2 >= 2 != 1", "rdi in (1, 2, 3)", "rdi in [3]", "rdi not in (1, 2,)", "not rdi in ()",
		"eax == 0xffffffff", "ah == 255", "bx == 0xcdef and bh == 0xcd", "rax == 0xffff_ffff_ffff_ffff", "rax + 1 == 1 << 64", "rdi - 5 == -2", "0b11 == 0o3",
		"signed(rax) == -1", "signed(eax) < 0", "signed(bl) == -17", "signed(rax + 1) == 0", "signed(rbx) == rbx",
		"u8(rsi) == 0xff", "u16(word) == 0xeeff", "u32(word) == 0xccddeeff", "u64(word) == 0x8899aabbccddeeff", "ptr(rsi + 8) == 0",
		"i8(word) == -1", "i16(word) == 0xeeff - 0x10000", "i32(word) < 0", "i64(word) == u64(word) - (1 << 64)",
		"u64(-8) == 7", "u64(rax - 7) == 7", "u8(counter.1) == 255", `addr("libc!word+8") == word`,
		`cstr(0x20ff) == "over a border"`, `cstr(0x2104) == b"a border"`, `cstr(0x20ff) in ("x", "over a border")`, `cstr(0x20ff) != 'over'`,
		`"a bor" in cstr(0x20ff)`, `"x" not in cstr(0x20ff)`, `"a" in ("abc")`, `bytes(word, 3) == b"\xff\xee\xdd"`, `bytes(word, 0) == ""`,
		`cstr(0x4000) < cstr(0x20ff)`, `"\n\t\r\0\\\'\"\x41" == '\x0a\x09\x0d\x00\x5c\x27\x22A'`, `bytes(0x4000, 5000) > cstr(0x4000)`,
		"7 // 2 == 3 and -7 // 2 == -4 and 7 // -2 == -4 and -7 // -2 == 3", "7 % 3 == 1 and -7 % 3 == 2 and 7 % -3 == -2 and -7 % -3 == -1",
		"~0 == -1 and -+-3 == 3 and - -3 == 3", "1 | 2 ^ 3 & 4 == 3", "2 + 3 * 4 == 14", "1 << 2 + 1 == 8", "(1 + 2) * 3 == 9", "10 - 3 - 2 == 5", "-1 >> 70 == -1", "1 << 500 >> 499 == 2 and 1 << 500 >> rax == 0 and -1 << 500 >> (1 << 400) == -1 and 7 >> rax == 0 and 7 >> 64 == 0",
		"tid == 42 and hits % 100 == 0", "rdi == 4 or rdi == 3 and cf == 0", "  rdi\n\t== 3 ",
		"rdi == 4 and u8(0) == 0 or 1", // what is not needed is not computed
	} {
		c, err := ParseCondition(text, conditionAddr)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		c.scope = conditionScope()
		if ok, err := c.holds(); !ok || err != nil {
			t.Errorf("%s is %t, %v", text, ok, err)
		}
		if c.String() != text {
			t.Errorf("String() = %q, want %q", c, text)
		}
	}
}

func TestConditionFaults(t *testing.T) {
	for text, want := range map[string]string{
		"u32(rdi) > 7":                  "read at 0x3: bad address",
		"u64(0x1009) == 1":              "read at 0x1009: bad address",
		"not u8(0) and u8(1)":           "read at 0x0: bad address",
		`cstr(0x2000) == ""`:            "read at 0x2000: bad address",
		`bytes(word, 17) == ""`:         "read at 0x1000: bad address",
		`bytes(word, 1 << 17) == ""`:    "bytes: n is 131072, want 0 to 65536",
		`bytes(word, -1) == ""`:         "bytes: n is -1, want 0 to 65536",
		"1 // (rdi - 3) == 0":           "division by zero",
		"rax % u8(word + 8) == u8(0)":   "division by zero",
		"1 << rax > 0":                  "shift by 18446744073709551615 is not in 0 to 511",
		"1 >> -1 > 0":                   "shift by -1 is negative",
		"(1 << 64) // (zf - 1) in (1,)": "division by zero",
	} {
		c, err := ParseCondition(text, conditionAddr)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for range 2 { // an error does not stay
			c.scope = conditionScope()
			_, err = c.holds()
			if err == nil || err.Error() != fmt.Sprintf("condition %q: %s", text, want) {
				t.Errorf("%s: %v, want %s", text, err, want)
			}
		}
	}
}

func TestConditionMistakes(t *testing.T) {
	for _, test := range []struct {
		text   string
		offset int
		msg    string
	}{
		{"", 0, "unexpected end, want a value"},
		{"rdi == 3 and rdx1 > 7", 13, `unknown register or symbol "rdx1" (did you mean rdx?)`},
		{"arg9 == 1", 0, `unknown register or symbol "arg9" (did you mean arg0 or arg1 or arg2?)`},
		{"wrod", 0, `unknown register or symbol "wrod" (did you mean word?)`},
		{"rdi == twice", 7, `"twice" is 2 places: 0x10, 0x20`},
		{"rdi = 3", 4, `"=" is no operator here, write "=="`},
		{"rdi && rsi", 4, `"&&" is no operator here, write "and"`},
		{"!rdi", 0, `"!" is no operator here, write "not"`},
		{"rdi / 2", 4, `"/" is no operator here, write "//"`},
		{"rdi ==", 6, "unexpected end, want a value"},
		{"rdi == == 3", 7, `unexpected "==", want a value`},
		{"(rdi == 3", 9, `unexpected end, want ")"`},
		{"rdi == 3)", 8, `unexpected ")"`},
		{"rdi rsi", 4, `unexpected "rsi"`},
		{"u32 rsi", 0, `unknown register or symbol "u32" (did you mean word?)`},
		{"u33(rsi)", 0, `unknown function "u33", want u8 u16 u32 u64 i8 i16 i32 i64 ptr cstr bytes signed or addr`},
		{"u32()", 4, `unexpected ")", want a value`},
		{"u32(1, 2)", 5, `unexpected ",", want ")"`},
		{"bytes(1)", 7, `unexpected ")", want ","`},
		{"addr(rsi)", 5, "want a location in quotes"},
		{`addr("nosuch")`, 5, `no symbol "nosuch" (did you mean word?)`},
		{`cstr(rdi) == 3`, 10, "text cannot be compared with a number"},
		{`rdi in (1, "a")`, 11, "a number cannot be compared with text"},
		{`(rdi or rsi) == 3`, 13, "a truth value cannot be compared with a number"},
		{`rdi in (3)`, 7, "want a tuple, such as (1, 2)"},
		{`rdi in 3`, 7, "want a tuple, such as (1, 2)"},
		{"rdi not 3", 8, `unexpected "3", want "in"`},
		{`cstr(rdi)`, 0, "text neither holds nor does not: compare it"},
		{`"a" + 1 == 2`, 0, "want a number, not text"},
		{"-(rdi == 3)", 1, "want a number, not a truth value"},
		{"u8(zf == 1)", 3, "want a number, not a truth value"},
		{"010 == 8", 0, `"010" is no number`},
		{"0x == 8", 0, `"0x" is no number`},
		{"3rdi", 0, `"3rdi" is no number`},
		{`cstr(rdi) == "abc`, 13, "text without an end"},
		{`cstr(rdi) == "abc\`, 13, "text without an end"},
		{`cstr(rdi) == "a\q"`, 15, "unknown escape \"\\\\q\""},
		{`cstr(rdi) == "a\x4"`, 15, "unknown escape \"\\\\x\""},
		{"rdi == #3", 7, "unexpected character '#'"},
		{"rdi == \xff", 7, "unknown register or symbol \"\\xff\" (did you mean word?)"},
		{strings.Repeat("(", 200), 100, "more than 100 parentheses in each other"},
		{strings.Repeat("u8(", 200), 300, "more than 100 parentheses in each other"},
		{strings.Repeat("rdi+", 2000), 0, "it is 8000 bytes long, more than 4096"},
	} {
		_, err := ParseCondition(test.text, conditionAddr)
		want := ConditionError{test.text, test.offset, test.msg}
		var got *ConditionError
		if !errors.As(err, &got) || *got != want {
			t.Errorf("%q: %#v, want %#v", test.text, err, want)
		}
	}
	_, err := ParseCondition("rdi == 3 and\n\t(rdx1 > 7 or\n rsi)", conditionAddr)
	want := "condition: unknown register or symbol \"rdx1\" (did you mean rdx?)\n\t\t(rdx1 > 7 or\n\t\t ^"
	if err == nil || err.Error() != want {
		t.Errorf("the error is\n%v\nwant\n%s", err, want)
	}
	if _, err := ParseCondition("symbol", nil); err == nil {
		t.Error("a symbol is found where there are none")
	}
}

func FuzzCondition(f *testing.F) {
	for _, text := range []string{
		"rdi == 3 and u32(rsi) > 7", `cstr(0x20ff) in ("a", b"\x00") or bytes(rsi, 4) != ""`, "1 < -2 // ~3 % 4 << 5 not in [6]",
		"signed(eax) < 0 or hits % 100 == tid", `addr("word") ^ 0xff | 1 & $rax`, "((1))", "not not 1",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCondition(text, conditionAddr)
		if (c == nil) == (err == nil) {
			t.Fatalf("ParseCondition = %v, %v", c, err)
		}
		if err != nil {
			_ = err.Error()
			return
		}
		c.scope = conditionScope()
		ok, err := c.holds()
		c.scope = conditionScope()
		if again, e := c.holds(); err == nil && (again != ok || e != nil) {
			t.Fatalf("it is %t, then %t, %v", ok, again, e)
		}
	})
}

// launchConditions starts testdata/conditions.c, which calls work n times.
func launchConditions(t testing.TB, n int) *Process {
	t.Helper()
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/conditions.c"), fmt.Sprint(n)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// breakWhen sets a breakpoint on work with a condition.
func breakWhen(t testing.TB, p *Process, when string) *Breakpoint {
	t.Helper()
	b, err := p.Breakpoint(&BreakpointOptions{Location: "work", When: when})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestBreakpointWhen(t *testing.T) {
	for when, want := range map[string]uint64{
		"rdi == 7": 7, "hits == 5": 4, "u64(counter) == 6": 7, `cstr(rsi) == "three"`: 3, "i32(rdx + 12) < 0 and rdi > 0": 4,
		"u8(rdx) == 200 and i8(rdx + 1) == -100 and u16(rdx + 2) == 60000 and i16(rdx + 4) == -30000 and u32(rdx + 8) == 4000000000 and u64(rdx + 16) == 0xfedcba9876543210 and i64(rdx + 24) == -5": 0,
		"rdx == numbers + 32 and rip == work": 1,
	} {
		p := launchConditions(t, 10)
		b := breakWhen(t, p, when)
		stop := cont(t, p)
		if stop.Breakpoint != b || reg(t, stop.Thread, arch.RDI) != want || b.Hits() != 1 {
			t.Errorf("%s: stop = %s at work(%d) after %d hits, want work(%d)", when, stop.Reason, reg(t, stop.Thread, arch.RDI), b.Hits(), want)
		}
	}
}

// TestWhenIsAskedOnce has breakpoints on one place that count.
func TestWhenIsAskedOnce(t *testing.T) {
	p := launchConditions(t, 100)
	third, fifth := breakWhen(t, p, "hits % 3 == 0"), breakWhen(t, p, "hits % 5 == 0")
	all := breakAt(t, p, "work", func(*Stop) (bool, error) { return false, nil })
	stops := 0
	for stop := cont(t, p); stop.Reason == ReasonBreakpoint; stop = cont(t, p) {
		if i := reg(t, stop.Thread, arch.RDI) + 1; i%3 != 0 && i%5 != 0 || (i%3 == 0) != (stop.Breakpoint == third) {
			t.Errorf("breakpoint %d stops at the call number %d", stop.Breakpoint.ID, i)
		}
		stops++
	}
	if third.Hits() != 33 || fifth.Hits() != 20 || all.Hits() != 100 || stops != 47 {
		t.Errorf("%d, %d and %d hits and %d stops, want 33, 20, 100 and 47", third.Hits(), fifth.Hits(), all.Hits(), stops)
	}
}

func TestWhenCannotBeEvaluated(t *testing.T) {
	p := launchConditions(t, 10)
	b := breakWhen(t, p, "rdi == 4 and u32(rdi) > 7")
	_, err := p.Cont(nil)
	want := fmt.Sprintf(`breakpoint 1 at work: condition "rdi == 4 and u32(rdi) > 7": read [%d] at 0x4: bad address`, p.PID)
	if err == nil || err.Error() != want || !errors.Is(err, unix.EFAULT) {
		t.Fatalf("Cont: %v, want %s", err, want)
	}
	// The process is stopped there, and goes on from there.
	if stop := p.Stop(); p.State() != Stopped || stop.Breakpoint != b || reg(t, stop.Thread, arch.RDI) != 4 || b.Hits() != 0 {
		t.Errorf("stop = %s at work(%d) in state %s with %d hits", stop.Reason, reg(t, p.Thread(), arch.RDI), p.State(), b.Hits())
	}
	wantExit(t, p, 0)
}

// TestWhenOfPendingBreakpoint has a condition whose symbol is in a library that is
// still to be loaded, as the breakpoint is.
func TestWhenOfPendingBreakpoint(t *testing.T) {
	p := launchConditions(t, 10)
	b, err := p.Breakpoint(&BreakpointOptions{Location: "libc!pthread_create", When: "u64(environ) == 1 or rip == pthread_create"})
	if err != nil || !b.Pending() {
		t.Fatalf("Breakpoint: %v", err)
	}
	if stop := cont(t, p); stop.Breakpoint != b {
		t.Errorf("stop = %s, want the breakpoint", stop.Reason)
	}
	for _, when := range []string{"nosuchname == 1", "rdi =="} {
		p := launchConditions(t, 10)
		_, err := p.Breakpoint(&BreakpointOptions{Location: "libc!pthread_create", When: when})
		if err == nil {
			_, err = p.Cont(nil)
		}
		var mistake *ConditionError
		if !errors.As(err, &mistake) {
			t.Errorf("%s: %v, want a *ConditionError", when, err)
		}
	}
}

// TestFalseConditionStopsNoOtherThread counts the times that the kernel takes a
// spinning thread off its CPU because it waits, as it does in a stop.
func TestFalseConditionStopsNoOtherThread(t *testing.T) {
	p := launchConditions(t, 1000)
	start := breakWhen(t, p, "rdi == 0")
	if stop := cont(t, p); stop.Breakpoint != start {
		t.Fatalf("stop = %s, want the breakpoint", stop.Reason)
	}
	start.Remove()
	spinner := p.Threads()[1]
	var first, last string
	b := breakWhen(t, p, "hits == 0")
	test := b.when.test
	b.when.test = func(s *scope) bool {
		status, err := os.ReadFile(procfs.Path(spinner.TID, "status"))
		if err != nil {
			t.Error(err)
		}
		_, last, _ = strings.Cut(string(status), "\nvoluntary_ctxt_switches:")
		last, _, _ = strings.Cut(last, "\n")
		if first == "" {
			first = last
		}
		return test(s)
	}
	wantExit(t, p, 0)
	if b.reached != 999 || b.Hits() != 0 || first == "" || first != last {
		t.Errorf("after %d false conditions and %d hits the other thread has stopped %s times, %s times at the first", b.reached, b.Hits(), last, first)
	}
}

// TestKilledInCondition kills the process while a condition is evaluated: its death
// is what Cont reports, whether memory can still be read or not.
func TestKilledInCondition(t *testing.T) {
	for range 20 {
		p := launchConditions(t, 1000)
		b := breakWhen(t, p, "u64(counter) == 1000 or cstr(rsi) == 'four'")
		test := b.when.test
		b.when.test = func(s *scope) bool {
			if s.hits == 10 {
				unix.Kill(p.PID, unix.SIGKILL)
			}
			return test(s)
		}
		if stop := cont(t, p); stop.Reason != ReasonKilled {
			t.Fatalf("stop = %s, want killed", stop.Reason)
		}
	}
}

func BenchmarkCondition(b *testing.B) {
	for _, when := range []string{"rdi == 1", "rdi == 3 and u32(rsi) > 7", "rdi != 1 and u64(rsi) == 7", "rax == 0xfffffffffffffff0"} {
		b.Run(when, func(b *testing.B) {
			c, err := ParseCondition(when, conditionAddr)
			if err != nil {
				b.Fatal(err)
			}
			c.scope = conditionScope()
			for b.Loop() {
				c.holds()
			}
		})
	}
}

// BenchmarkFalseCondition measures a breakpoint that is never hit beside a thread
// that spins, which only the function has to stop.
func BenchmarkFalseCondition(b *testing.B) {
	run := func(b *testing.B, o BreakpointOptions) {
		p := launchConditions(b, b.N)
		o.Location = "work"
		if _, err := p.Breakpoint(&o); err != nil {
			b.Fatal(err)
		}
		b.ResetTimer()
		if stop, err := p.Cont(nil); err != nil || stop.Reason != ReasonExit {
			b.Fatal(stop, err)
		}
	}
	b.Run("expression", func(b *testing.B) { run(b, BreakpointOptions{When: "rdi < 0"}) })
	b.Run("function", func(b *testing.B) {
		run(b, BreakpointOptions{Condition: func(*Stop) (bool, error) { return false, nil }})
	})
}
