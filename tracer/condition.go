package tracer

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/tracelark/tracelark/tracer/arch"
)

// A Condition is a compiled expression in the registers and the memory of a
// thread, such as
//
//	rdi == 3 and u32(rsi + 8) > 7
//	cstr(rdi) == "/etc/passwd" or bytes(rsi, 4) in (b"GET ", b"PUT ")
//
// It looks and computes like Starlark and Python. Numbers are integers of any
// size, decimal or 0x, 0o and 0b, so nothing wraps around: rdi - rsi may be
// negative, and rax + 1 may be 2^64. Only an address is taken modulo 2^64. The
// operators, the loosest first:
//
//	or
//	and
//	not
//	== != < <= > >= in not in      a < b < c is a < b and b < c
//	|   ^   &   << >>   + -   * // %
//	+x -x ~x
//
// What can be named and called:
//
//	rdi edi di dil ...   registers and their parts, unsigned
//	arg0 ... arg5        rdi, rsi, rdx, rcx, r8 and r9, which at the first
//	                     instruction of a function hold its first arguments
//	retval               rax, which where it has returned holds its value
//	zf cf sf of ...      flags, 0 or 1
//	tid                  the thread's ID
//	hits                 how often the breakpoint was reached by a thread that
//	                     can hit it, this time included, whatever came of it
//	name                 the address of a symbol that is none of these
//	addr("libc!free+8")  the address of a location
//	u8(a) u16 u32 u64    the unsigned number in memory at a, little-endian
//	i8(a) i16 i32 i64    the signed number
//	ptr(a)               u64(a)
//	cstr(a)              the bytes from a up to a zero or to 4096 of them
//	bytes(a, n)          n bytes, at most 65536
//	signed(x)            x as a signed number of its register's width, or of
//	                     64 bits if it is no register: signed(eax) < 0
//
// Text is written "text" or b"text", with Python's escapes \n \t \r \0 \\ \' \"
// \xHH. It is compared with text, and is found in a tuple or, as a part, in other
// text. A number that is not 0 holds.
//
// Symbols are looked up once, when the Condition is made.
type Condition struct {
	text  string
	test  func(*scope) bool
	scope scope
}

// Limits of conditions.
const (
	maxCondition = 4096    // bytes of source
	maxDepth     = 100     // parentheses in parentheses
	maxCStr      = 4096    // bytes that cstr reads
	maxBytes     = 1 << 16 // bytes that bytes reads
)

// ParseCondition compiles a condition. addr returns the addresses of the locations
// that it names, as Process.Addr does; it may be nil if there are none. Whatever is
// wrong is a *ConditionError.
func ParseCondition(text string, addr func(loc string) (uint64, error)) (*Condition, error) {
	p := conditionParser{text: text, addr: addr}
	if len(text) > maxCondition {
		p.fail(0, "it is %d bytes long, more than %d", len(text), maxCondition)
	}
	p.next()
	test := p.truth(p.or())
	if p.tok.kind != tokEnd {
		p.fail(p.tok.at, "unexpected %s", p.tok)
	}
	if p.err != nil {
		return nil, p.err
	}
	return &Condition{text: text, test: test}, nil
}

// String returns the condition's source.
func (c *Condition) String() string { return c.text }

// Holds evaluates the condition for a thread, which is stopped; others may run.
// hits is what the name hits stands for. What cannot be computed, such as a number
// in memory that is not mapped, is an error.
func (c *Condition) Holds(t *Thread, hits int) (bool, error) {
	regs, err := t.Regs()
	if err != nil {
		return false, err
	}
	c.scope = scope{memory: t.p, regs: regs, tid: t.TID, hits: hits}
	return c.holds()
}

func (c *Condition) holds() (bool, error) {
	ok := c.test(&c.scope)
	if err := c.scope.err; err != nil {
		return false, fmt.Errorf("condition %q: %w", c.text, err)
	}
	return ok, nil
}

// A ConditionError says what is wrong with the source of a condition.
type ConditionError struct {
	Text   string // the source
	Offset int    // of what is wrong, in bytes
	Msg    string
}

// Error returns the message with the line below it, and a caret where it is wrong.
func (e *ConditionError) Error() string {
	start := strings.LastIndexByte(e.Text[:e.Offset], '\n') + 1
	line, _, _ := strings.Cut(e.Text[start:], "\n")
	blank := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, e.Text[start:e.Offset])
	return fmt.Sprintf("condition: %s\n\t%s\n\t%s^", e.Msg, line, blank)
}

// A scope is what an evaluation sees. The first error ends what is read; what is
// computed after it does not count.
type scope struct {
	memory interface {
		ReadAt(addr uint64, buf []byte) (int, error)
	}
	regs      *arch.Regs
	tid, hits int
	err       error
	word      [8]byte
}

func (s *scope) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// read fills buf and reports whether it could.
func (s *scope) read(addr uint64, buf []byte) bool {
	if s.err == nil {
		_, s.err = s.memory.ReadAt(addr, buf)
	}
	return s.err == nil
}

// cstr appends the string at addr to buf.
func (s *scope) cstr(addr uint64, buf []byte) []byte {
	const piece = 256 // which never crosses into another page
	for n := 0; n < maxCStr; n = len(buf) {
		part := buf[n : n+int(min(piece-addr%piece, uint64(maxCStr-n)))]
		if !s.read(addr, part) {
			return nil
		}
		if end := bytes.IndexByte(part, 0); end >= 0 {
			return buf[:n+end]
		}
		buf = buf[:n+len(part)]
		addr += uint64(len(part))
	}
	return buf
}
