package script

import (
	"io"
	"slices"
	"strings"
	"unicode"
)

// The end of the REPL's prompt, and the one within an item.
const (
	prompt1 = ">>> "
	prompt2 = "... "
)

// An item is what the REPL runs at once: a line of simple statements, a compound
// one, or a command.
type item struct {
	text string
	line int // number of its first line, from 1
}

// An itemReader divides lines into items. A compound statement ends before the
// next line that is not indented, and on a terminal also at a blank line; a command
// with its line, or if it takes a block with the line "end" that ends that.
type itemReader struct {
	readLine   func(prompt string) (string, error)
	prompt     func() string
	isCommand  func(line string) bool
	blockDepth func(line string, depth int) int // how many blocks of commands are open behind a line
	blank      bool                             // a blank line ends a compound statement

	entry string   // what was read, for the history
	held  []string // lines that were read but belong to the next item
	added bool     // the last of them is a blank one that was not read
	lines int      // how many the items so far have
	eof   bool
}

// next returns the next item, or the error of readLine. At the end of the input,
// an unfinished item is complete.
func (r *itemReader) next() (item, error) {
	var text strings.Builder
	var lex lexer
	block, depth := false, 0
	for {
		prompt := prompt2
		if text.Len() == 0 {
			prompt = r.prompt()
		}
		line, err := r.line(prompt)
		if err == io.EOF && text.Len() > 0 {
			break
		}
		if err != nil {
			return item{}, err
		}
		first := text.Len() == 0
		if line == "" && r.added && len(r.held) == 0 {
			r.added = false
			if first { // the item was complete without it
				continue
			}
		}
		inBlock := block && !lex.open()
		if inBlock && startsItem(line) {
			r.held = append([]string{line}, r.held...)
			break
		}
		text.WriteString(line + "\n")
		if inBlock && r.blank && strings.TrimSpace(line) == "" && !r.goesOn() || text.Len() > maxSource {
			break
		}
		if first {
			if r.isCommand(line) {
				if depth = r.blockDepth(line, 0); depth == 0 {
					break
				}
				continue
			}
			block = isCompound(line)
		}
		if depth != 0 {
			if depth = r.blockDepth(line, depth); depth == 0 {
				break
			}
			continue
		}
		lex.line(line)
		if !block && !lex.open() {
			break
		}
	}
	it := item{text.String(), r.lines + 1}
	r.lines += strings.Count(it.text, "\n")
	return it, nil
}

// goesOn reports whether what was pasted goes on with an indented line, so that a blank one
// before it is within the block.
func (r *itemReader) goesOn() bool {
	i := slices.IndexFunc(r.held, func(line string) bool { return strings.TrimSpace(line) != "" })
	return i >= 0 && strings.ContainsAny(r.held[i][:1], " \t")
}

// done reports whether all that was read belongs to the items so far.
func (r *itemReader) done() bool { return len(r.held) == 0 || len(r.held) == 1 && r.added }

// line returns the next line. One that holds newlines is an old item, recalled
// from the history; the blank line after it says that it is complete.
func (r *itemReader) line(prompt string) (string, error) {
	if len(r.held) == 0 {
		if r.eof {
			return "", io.EOF
		}
		text, err := r.readLine(prompt)
		if err != nil {
			r.eof = err == io.EOF
			r.entry = ""
			return "", err
		}
		r.entry += text + "\n"
		r.held = strings.Split(strings.TrimRight(text, "\n"), "\n")
		if len(r.held) > 1 {
			r.held = append(r.held, "")
			r.added = true
		}
	}
	line := r.held[0]
	r.held = r.held[1:]
	return line, nil
}

// isCompound reports whether an item that starts with line is a compound
// statement.
func isCompound(line string) bool {
	switch firstWord(line) {
	case "def", "for", "if", "while":
		return true
	}
	return false
}

// startsItem reports whether line, below a complete line of a compound statement,
// belongs to the next item: it is neither blank, indented, a comment, nor another
// branch.
func startsItem(line string) bool {
	if line == "" || strings.ContainsAny(line[:1], " \t\r#") {
		return false
	}
	word := firstWord(line)
	return word != "elif" && word != "else"
}

// firstWord returns the identifier with which line starts, or "".
func firstWord(line string) string {
	end := strings.IndexFunc(line, func(r rune) bool { return !isIdent(r) })
	if end < 0 {
		return line
	}
	return line[:end]
}

func isIdent(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

// A lexer knows of Starlark's lexical structure what decides whether a line ends
// within something: brackets, a string, or a line joined to the next.
type lexer struct {
	depth  int    // of brackets
	quote  string // that of the string that is open, or ""
	joined bool   // the line ended in a backslash
}

func (x *lexer) open() bool { return x.depth > 0 || x.quote != "" || x.joined }

// line takes the next line in. A string in plain quotes ends with its line unless
// the newline is escaped.
func (x *lexer) line(line string) {
	if escaped := x.scan(line); len(x.quote) == 1 && !escaped {
		x.quote = ""
	}
}

// scan follows text, which is a line or the start of one. It reports whether the
// text ends in the backslash of an escape sequence.
func (x *lexer) scan(text string) (escaped bool) {
	x.joined = false
	for text != "" {
		size := 1
		switch c := text[0]; {
		case x.quote != "":
			if c == '\\' {
				size = 2
			} else if strings.HasPrefix(text, x.quote) {
				size = len(x.quote)
				x.quote = ""
			}
		case c == '#':
			return false
		case c == '"' || c == '\'':
			x.quote = text[:1]
			if triple := strings.Repeat(x.quote, 3); strings.HasPrefix(text, triple) {
				x.quote = triple
			}
			size = len(x.quote)
		case c == '(' || c == '[' || c == '{':
			x.depth++
		case c == ')' || c == ']' || c == '}':
			x.depth = max(0, x.depth-1)
		case text == "\\":
			x.joined = true
		}
		if size > len(text) {
			return true
		}
		text = text[size:]
	}
	return false
}
