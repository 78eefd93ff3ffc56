package syscalls

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// A Memory is what the pointers of a system call point into.
type Memory interface {
	// ReadAt returns the number of bytes read before the first that cannot be.
	ReadAt(addr uint64, buf []byte) (int, error)
}

// A Decoder shows system calls as strace(1) does.
type Decoder struct {
	Memory  Memory
	Path    func(fd int) string // what a descriptor, or AT_FDCWD, stands for, or ""; nil if that is not to be shown
	Stack   uint64              // the stack pointer, where the kernel left what rt_sigreturn goes back to
	Strings int                 // bytes that are shown of data
	Whole   bool                // structs are shown with all fields, and lists with all elements
}

// Enter returns the arguments of a call that is about to be made, up to the first that
// the kernel fills in, and whether there is one.
func (d *Decoder) Enter(nr int, args [6]uint64) (texts []string, more bool) {
	s, c := d.call(nr, args)
	i := s.filled()
	c.show(s, 0, i, func() { texts = append(texts, string(c.b)); c.b = c.b[:0] })
	return texts, i < len(s.params)
}

// Exit returns the arguments of a call that has returned ret from the one on at which
// Enter ended, and what it returned, such as "-1 ENOENT (No such file or directory)".
func (d *Decoder) Exit(nr int, args [6]uint64, ret int64) (texts []string, result string) {
	s, c := d.call(nr, args)
	c.ret, c.failed = ret, Failed(ret) != ""
	c.show(s, s.filled(), len(s.params), func() { texts = append(texts, string(c.b)); c.b = c.b[:0] })
	c.result(s.ret)
	return texts, string(c.b)
}

// Begin returns what Enter does as a text, such as "3, ".
func (d *Decoder) Begin(nr int, args [6]uint64) string {
	s, c := d.call(nr, args)
	i := s.filled()
	c.show(s, 0, i, func() { c.add(", ") })
	if i == len(s.params) {
		c.b = bytes.TrimSuffix(c.b, []byte(", "))
	}
	return string(c.b)
}

// resultColumn is where strace shows results.
const resultColumn = 40

// End returns what Exit does as a text, such as `"text", 4096) = 4`, which stands at a
// column.
func (d *Decoder) End(nr int, args [6]uint64, ret int64, column int) string {
	s, c := d.call(nr, args)
	c.ret, c.failed = ret, Failed(ret) != ""
	c.show(s, s.filled(), len(s.params), func() { c.add(", ") })
	c.b = append(bytes.TrimSuffix(c.b, []byte(", ")), ')')
	for n := column + len(c.b); n < resultColumn-1; n++ {
		c.b = append(c.b, ' ')
	}
	c.add(" = ")
	c.result(s.ret)
	return string(c.b)
}

// filled returns the number of the first argument that the kernel fills in.
func (s *signature) filled() int {
	for i, p := range s.params {
		if p.out {
			return i
		}
	}
	return len(s.params)
}

// raw is the signature of calls that have none.
var raw = &signature{params: slices.Repeat([]parameter{{show: func(c *call, v uint64, _ int) { c.hex(v) }}}, 6), ret: "long"}

// call returns the signature of a call and what shows it.
func (d *Decoder) call(nr int, args [6]uint64) (*signature, *call) {
	c := &call{d: d, nr: nr, args: args, b: make([]byte, 0, 128)}
	s := signatures()[Name(nr)]
	if s == nil {
		return raw, c
	}
	if len(s.of) > 0 {
		word := args[s.by]
		kind := s.params[s.by].kind
		if kind == "futex" {
			word &^= futexModifiers
		}
		if variant := s.of[nameOf(kind, uint64(uint32(word)))]; variant != nil {
			s = variant
		}
	}
	return s, c
}

// A call is a system call that is being shown.
type call struct {
	d      *Decoder
	nr     int
	args   [6]uint64
	ret    int64
	failed bool
	b      []byte
}

// show shows the arguments from one on up to another, and calls next behind each.
func (c *call) show(s *signature, from, to int, next func()) {
	for i, p := range s.params[from:to] {
		if p.kind == "-" || p.flags != nil && !slices.ContainsFunc(p.flags, func(m uint64) bool { return c.args[p.if1]&m == m }) {
			continue
		}
		v := c.args[from+i]
		switch {
		case p.out && c.failed && p.kind != "len*": // which the kernel leaves then
			c.pointer(v)
		case p.show != nil:
			p.show(c, v, p.arg)
		default:
			c.set(p.set, v)
		}
		next()
	}
}

// result shows what the call returned.
func (c *call) result(kind string) {
	switch {
	case c.failed && restarts[int(-c.ret)] != "":
		c.add("? ", Failed(c.ret), " (", restartTexts[int(-c.ret)], ")")
	case c.failed:
		c.add("-1 ", Failed(c.ret), " (", ErrorText(int(-c.ret)), ")")
	case kind == "long":
		c.signed(c.ret)
	default:
		results[kind](c)
	}
}

// restartTexts say what becomes of a call that a signal interrupts, as strace has it.
var restartTexts = map[int]string{
	512: "To be restarted if SA_RESTART is set",
	513: "To be restarted",
	514: "To be restarted if no handler",
	516: "Interrupted by signal",
}

// ErrorText returns what an error number means, such as "No such file or directory".
func ErrorText(n int) string {
	text := unix.Errno(n).Error()
	return strings.ToUpper(text[:1]) + text[1:]
}

func (c *call) add(texts ...string) {
	for _, text := range texts {
		c.b = append(c.b, text...)
	}
}

func (c *call) signed(v int64)    { c.b = strconv.AppendInt(c.b, v, 10) }
func (c *call) unsigned(v uint64) { c.b = strconv.AppendUint(c.b, v, 10) }

// hex shows a word in hexadecimal, and 0 as such.
func (c *call) hex(v uint64) {
	if v != 0 {
		c.add("0x")
	}
	c.b = strconv.AppendUint(c.b, v, 16)
}

func (c *call) pointer(v uint64) {
	if v == 0 {
		c.add("NULL")
		return
	}
	c.hex(v)
}

// octal shows the bits of a file's mode, with three digits at least.
func (c *call) octal(v uint64) {
	text := strconv.FormatUint(v, 8)
	c.add("000"[:max(1, 3-len(text))], text)
}

// A set is a parsed line of sets.
type set struct {
	flags bool
	zero  string // the name of no flag
	names []string
	words []uint64
	byVal map[uint64]string // of values
}

var parsedSets = sync.OnceValue(func() map[string]*set {
	all := make(map[string]*set)
	for name, line := range sets {
		words := strings.Fields(line)
		s := &set{flags: words[0] == "|", byVal: make(map[uint64]string)}
		for _, word := range words[1:] {
			if zero, ok := strings.CutSuffix(word, ":"); ok {
				s.zero = zero
				continue
			}
			v := constants[word]
			s.names, s.words = append(s.names, word), append(s.words, v)
			if s.byVal[v] == "" {
				s.byVal[v] = word
			}
		}
		all[name] = s
	}
	return all
})

// setOf returns the set of a name.
func setOf(name string) *set { return parsedSets()[name] }

// nameOf returns the name of a value in a set, or "".
func nameOf(name string, v uint64) string { return setOf(name).byVal[v] }

// set shows a value, or flags. Values are 32 bits wide.
func (c *call) set(s *set, v uint64) {
	if !s.flags {
		v = uint64(uint32(v))
		if text := s.byVal[v]; text != "" {
			c.add(text)
			return
		}
		c.hex(v)
		c.add(" /* ", strings.ToUpper(strings.TrimRight(commonPrefix(s.names), "_")), "_??? */")
		return
	}
	begin := len(c.b)
	v = c.flags(s, v, begin)
	switch {
	case v != 0 && len(c.b) == begin:
		c.hex(v)
		if prefix := commonPrefix(s.names); prefix != "" {
			c.add(" /* ", prefix, "??? */")
		}
	case v != 0:
		c.add("|")
		c.hex(v)
	case len(c.b) > begin:
	case s.zero != "":
		c.add(s.zero)
	default:
		c.add("0")
	}
}

// flags shows the flags of a set that are in v, the first of which stands at begin, and
// returns the other bits.
func (c *call) flags(s *set, v uint64, begin int) uint64 {
	for i, m := range s.words {
		if m != 0 && v&m == m {
			if len(c.b) > begin {
				c.add("|")
			}
			c.add(s.names[i])
			v &^= m
		}
	}
	return v
}

// commonPrefix returns what the names begin with, up to a "_".
func commonPrefix(names []string) string {
	prefix, _, _ := strings.Cut(names[0], "_")
	prefix += "_"
	if slices.ContainsFunc(names, func(name string) bool { return !strings.HasPrefix(name, prefix) }) {
		return ""
	}
	return prefix
}

// quote shows data between quotes, as C has it.
func (c *call) quote(data []byte) {
	c.add(`"`)
	for i, b := range data {
		switch {
		case b == '"' || b == '\\':
			c.b = append(c.b, '\\', b)
		case b >= ' ' && b <= '~':
			c.b = append(c.b, b)
		case b >= '\t' && b <= '\r':
			c.b = append(c.b, '\\', "tnvfr"[b-'\t'])
		default:
			c.add(`\`)
			if i+1 < len(data) && data[i+1] >= '0' && data[i+1] <= '9' {
				c.add("000"[:3-len(strconv.FormatUint(uint64(b), 8))])
			}
			c.b = strconv.AppendUint(c.b, uint64(b), 8)
		}
	}
	c.add(`"`)
}
