package tracer

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"unicode/utf8"
)

// A Pattern is what Process.Find looks for: bytes, some of whose bits may be open, a regular
// expression, or pointers.
type Pattern struct {
	text   string // of an expression, or of a mask
	bytes  []byte // or else these
	mask   []byte // the bits of bytes that count, or nil for all
	anchor [2]int // from and to which of bytes all bits count: the longest run of these
	re     *regexp.Regexp
	behind bool // re has a byte of context before its first group

	pointers  bool // to what is from low up to high
	low, high uint64
}

// maxMatch is the longest match that Find is sure to see.
const maxMatch = 64 << 10

// Literal returns the Pattern of data, of which there must be 1 to 65536 bytes.
func Literal(data []byte) (*Pattern, error) {
	if len(data) == 0 || len(data) > maxMatch {
		return nil, fmt.Errorf("pattern of %d bytes, want 1 to %d", len(data), maxMatch)
	}
	return &Pattern{bytes: bytes.Clone(data)}, nil
}

// maxMasked is how many bytes a mask may have: each place of memory may cost as many steps.
const maxMasked = 1024

// Masked returns the Pattern of bytes in hexadecimal, in which ? stands for any digit and,
// alone between spaces, for any byte: "48 8b ?? ?4", "488B?5", "e8 ? ? ? ?". There must be
// 1 to 1024 bytes, and a digit.
func Masked(text string) (*Pattern, error) {
	pat := &Pattern{text: text}
	for _, word := range strings.Fields(text) {
		if word == "?" {
			word = "??"
		}
		if len(word)%2 != 0 {
			return nil, fmt.Errorf("%q has half a byte: want two digits for each", word)
		}
		for i := 0; i < len(word); i += 2 {
			var b, mask byte
			for _, c := range word[i : i+2] {
				b, mask = b<<4, mask<<4
				if c == '?' {
					continue
				}
				digit, err := strconv.ParseUint(string(c), 16, 4)
				if err != nil {
					return nil, fmt.Errorf("%q is neither a hexadecimal digit nor ?", c)
				}
				b, mask = b|byte(digit), mask|0xf
			}
			pat.bytes, pat.mask = append(pat.bytes, b), append(pat.mask, mask)
		}
	}
	if len(pat.bytes) == 0 || len(pat.bytes) > maxMasked {
		return nil, fmt.Errorf("pattern of %d bytes, want 1 to %d", len(pat.bytes), maxMasked)
	}
	if len(bytes.Trim(pat.mask, "\x00")) == 0 {
		return nil, errors.New("pattern of no digit is everywhere")
	}
	for from := 0; from < len(pat.mask); {
		to := from
		for to < len(pat.mask) && pat.mask[to] == 0xff {
			to++
		}
		if to-from > pat.anchor[1]-pat.anchor[0] {
			pat.anchor = [2]int{from, to}
		}
		from = to + 1
	}
	return pat, nil
}

// index returns where bytes first are in data, or -1.
func (pat *Pattern) index(data []byte) int {
	if pat.mask == nil {
		return bytes.Index(data, pat.bytes)
	}
	from, to := pat.anchor[0], pat.anchor[1]
	behind := len(pat.bytes) - to
	for at := 0; at+len(pat.bytes) <= len(data); at++ {
		n := bytes.Index(data[at+from:len(data)-behind], pat.bytes[from:to])
		if n < 0 {
			break
		}
		if at += n; pat.fits(data[at:]) {
			return at
		}
	}
	return -1
}

// fits reports whether data begins with bytes, as far as they count.
func (pat *Pattern) fits(data []byte) bool {
	for i, b := range pat.bytes {
		if data[i]&pat.mask[i] != b {
			return false
		}
	}
	return true
}

// Pointers returns the Pattern of words, each at a multiple of eight, that are addresses
// from low to below high.
func Pointers(low, high uint64) (*Pattern, error) {
	if low >= high {
		return nil, fmt.Errorf("nothing lies from %#x to %#x", low, high)
	}
	return &Pattern{pointers: true, low: low, high: high}, nil
}

// Regexp returns the Pattern of a regular expression in the syntax of package
// regexp, which matches bytes, not characters: \xff is the byte, . any byte but a
// newline, and a character beyond ASCII is the bytes of its UTF-8. Memory has no
// beginning and no end for ^ and $ to match, so those are errors without the flag
// m, with which they match at newlines. A match is taken for sure if it is
// no longer than 65536 bytes; one that is empty is none.
func Regexp(text string) (*Pattern, error) {
	// Bytes are matched as the characters of the same numbers.
	wide := string(widen(nil, []byte(text)))
	tree, err := syntax.Parse(wide, syntax.Perl)
	if err != nil {
		return nil, err
	}
	pat := &Pattern{text: text}
	if err := pat.check(tree); err != nil {
		return nil, err
	}
	if pat.behind {
		wide = "(?s:.)(" + wide + ")"
	}
	if pat.re, err = regexp.Compile(wide); err != nil {
		return nil, err
	}
	return pat, nil
}

// check refuses what memory has not and notes whether a match depends on the byte
// before it.
func (pat *Pattern) check(tree *syntax.Regexp) error {
	switch tree.Op {
	case syntax.OpBeginText, syntax.OpEndText:
		return errors.New("memory has no ends for ^ and $: the flag in (?m) makes them match at newlines")
	case syntax.OpBeginLine, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		pat.behind = true
	}
	for _, sub := range tree.Sub {
		if err := pat.check(sub); err != nil {
			return err
		}
	}
	return nil
}

// String returns the expression or mask, the bytes, or the range.
func (pat *Pattern) String() string {
	switch {
	case pat.pointers:
		return fmt.Sprintf("%#x-%#x", pat.low, pat.high)
	case pat.re == nil && pat.mask == nil:
		return string(pat.bytes)
	}
	return pat.text
}

// longest returns how long a match can be.
func (pat *Pattern) longest() int {
	switch {
	case pat.pointers:
		return 8
	case pat.re == nil:
		return len(pat.bytes)
	}
	return maxMatch
}

// find returns where the expression is in text, behind a number of bytes that are
// context.
func (pat *Pattern) find(text []byte, context int) (start, end int, ok bool) {
	if pat.behind {
		if loc := pat.re.FindSubmatchIndex(text); loc != nil {
			return loc[2], loc[3], true
		}
	} else if loc := pat.re.FindIndex(text[context:]); loc != nil {
		return context + loc[0], context + loc[1], true
	}
	return 0, 0, false
}

// inZeros reports whether there is a match in memory that is all zero.
func (pat *Pattern) inZeros() bool {
	switch {
	case pat.pointers:
		return pat.low == 0
	case pat.re == nil:
		return len(bytes.Trim(pat.bytes, "\x00")) == 0
	}
	return pat.re.Match(make([]byte, 2*maxMatch))
}

// widen appends data to wide with each byte as the character of the same number.
func widen(wide, data []byte) []byte {
	for _, c := range data {
		wide = utf8.AppendRune(wide, rune(c))
	}
	return wide
}

// isASCII reports whether widen would change nothing.
func isASCII(data []byte) bool {
	for _, c := range data {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
