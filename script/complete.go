package script

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/builtins"
)

// lazy compiles a regular expression when it is needed first. Those with classes of Unicode
// take a tenth of a millisecond each, at every start.
func lazy(expr string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) })
}

var (
	// chain matches the identifiers joined by dots at the end of a line.
	chain = lazy(`(?:[\pL_][\pL\pN_]*\.)*(?:[\pL_][\pL\pN_]*)?$`)
	// member matches an operand of C that calls nothing, and behind it what begins a member.
	member = lazy(`([\pL_$][\pL\pN_]*(?:(?:->|\.|::)[\pL_][\pL\pN_]*|\[[^\[\]()]*\])*)(?:->|\.)((?:[\pL_][\pL\pN_]*)?)$`)
	// opening matches the bracket of a call at the end of a line, behind what is called.
	opening = lazy(`((?:[\pL_][\pL\pN_]*\.)*[\pL_][\pL\pN_]*)\($`)
)

// maxCandidates bounds what a person is asked to choose from.
const maxCandidates = 200

// A completer returns what begins with a prefix.
type completer func(prefix string) []string

// complete returns the words that could stand at the end of text, sorted, and how
// many bytes of them are there already. It follows attributes but calls nothing.
func (s *Session) complete(text string) (names []string, prefix int) {
	// As a run, so that a panic or a slow attribute is not the end of the session.
	s.exec(func(thread *starlark.Thread) error {
		names, prefix = s.candidates(thread, text)
		return nil
	})
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > maxCandidates {
		if common := commonPrefix(names[0], names[len(names)-1]); len(common) > prefix {
			return []string{common}, prefix
		}
		names = names[:maxCandidates]
	}
	return names, prefix
}

// commonPrefix returns what two words begin with.
func commonPrefix(a, b string) string {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return strings.ToValidUTF8(a[:n], "")
}

// candidates is complete without order and limit.
func (s *Session) candidates(thread *starlark.Thread, text string) (names []string, prefix int) {
	if name, word, ok := s.commandWord(text); ok {
		if m := member().FindStringSubmatch(text); m != nil {
			if names := beginning(s.engine.Members(m[1]), m[2]); len(names) > 0 {
				return names, len(m[2])
			}
		}
		line := strings.TrimLeft(strings.TrimSuffix(text, word), " .")
		if words, ok := s.engine.CommandWords(thread, line); ok {
			return beginning(words, word), len(word)
		}
		names = s.wordsFor(name)(word)
		if strings.HasSuffix(line, "sizeof(") {
			names = append(names, s.engine.Types(word)...)
		}
		return names, len(word)
	}
	var lex lexer
	lex.scan(text)
	if lex.quote != "" {
		return s.quoted(text, lex.quote)
	}
	expr := chain().FindString(text)
	before := strings.TrimSuffix(text, expr)
	if strings.Contains(before, "#") || partOfOperand(before) {
		return nil, 0
	}
	parts := strings.Split(expr, ".")
	last := parts[len(parts)-1]
	if len(parts) > 1 {
		names = s.attributes(parts[:len(parts)-1])
	} else {
		fn, open := s.callee(before)
		for _, name := range s.engine.Parameters(fn) {
			names = append(names, name+"=")
		}
		if open == "attach" && expr == "" {
			return s.pids(""), 0
		}
		if expr == "" && fn == nil {
			return nil, 0
		}
		if expr != "" {
			names = append(names, s.globals.Keys()...)
			names = append(names, starlark.Universe.Keys()...)
		}
		if before == "" || strings.TrimSpace(before) == "." {
			names = append(names, s.engine.CommandNames()...)
			names = append(names, "help")
		}
		if strings.TrimSpace(before) == "." {
			names = append(names, "save", "load", "time")
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, last) || last == "" && strings.HasPrefix(name, "_")
	})
	return names, len(last)
}

// commandWord returns the name of the command that text is, and the word at its end
// that is not complete.
func (s *Session) commandWord(text string) (name, word string, ok bool) {
	line := strings.TrimLeft(text, " .?")
	name, rest := builtins.SplitCommand(line)
	if strings.HasPrefix(strings.TrimSpace(text), "?") {
		return "help", line, true
	}
	dotted := strings.HasPrefix(strings.TrimSpace(text), ".")
	if after := line[len(name):]; after == "" || after[0] != ' ' && after[0] != '/' || !(isOwn(name, dotted) || s.engine.IsCommand(name)) {
		return "", "", false
	}
	if rest != "" && !s.isCommand(text) {
		return "", "", false
	}
	if dotted && (name == "time") {
		return "", "", false
	}
	start := strings.LastIndexAny(line, " \t*&(-+!,<>=") + 1
	if name == "attach" { // a process is its ID and its name
		start = len(name) + 1
	}
	return name, line[start:], !strings.Contains(line[:start], "#")
}

// wordsFor returns the completer of the words of a command.
func (s *Session) wordsFor(name string) completer {
	switch name {
	case "attach":
		return s.engine.Running
	case "run", "r", "start", "starti", "file", "core", "save", "load", "source", "gcore", "restore":
		return paths
	case "ptype", "dt", "whatis":
		return func(prefix string) []string { return append(s.program(prefix), s.engine.Types(prefix)...) }
	case "help", "apropos":
		return func(prefix string) []string { return beginning(append(builtins.Topics(), s.words()...), prefix) }
	}
	return s.program
}

// program returns names of the program that is looked at.
func (s *Session) program(prefix string) []string {
	switch {
	case strings.HasPrefix(prefix, "$"):
		return s.engine.Registers(prefix)
	case prefix == "":
		return s.engine.Variables("")
	}
	return slices.Concat(s.engine.Variables(prefix), s.engine.Symbols(prefix), s.engine.Sources(prefix))
}

// beginning returns the words with a prefix.
func beginning(words []string, prefix string) []string {
	return slices.DeleteFunc(words, func(word string) bool { return !strings.HasPrefix(word, prefix) })
}

// paths returns the paths of files that begin with a prefix, those of directories with a
// slash at their ends.
func paths(prefix string) (names []string) {
	dir, base := filepath.Split(prefix)
	entries, _ := os.ReadDir(filepath.Join(dir, "."))
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), base) || base == "" && e.Name()[0] == '.' {
			continue
		}
		name := dir + e.Name()
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			name += "/"
		}
		names = append(names, name)
	}
	return names
}

// quoted completes a string that is not closed: a module, a path, or for a function that
// takes a location, a place.
func (s *Session) quoted(text, quote string) (names []string, prefix int) {
	i := strings.LastIndex(text, quote)
	before, word := text[:i], text[i+len(quote):]
	_, name := s.callee(before)
	name = name[strings.LastIndexByte(name, '.')+1:]
	switch name {
	case "load":
		if rest, ok := strings.CutPrefix(word, std); ok || strings.HasPrefix(std, word) {
			for _, module := range s.loader.moduleNames() {
				if strings.HasPrefix(module, rest) || !ok {
					names = append(names, std+module)
				}
			}
		}
		return append(names, paths(word)...), len(word)
	case "breakpoint", "addr", "symbol", "symbols", "until", "watch", "disasm", "line", "read", "read_cstr", "eval", "var", "find", "dump":
		return s.program(word), len(word)
	case "help", "run_command":
		return beginning(append(builtins.Topics(), s.engine.CommandNames()...), word), len(word)
	}
	return paths(word), len(word)
}

// callee returns the function whose arguments the end of text is in, and its name.
func (s *Session) callee(text string) (fn starlark.Value, name string) {
	depth := 0
	for i := len(text) - 1; i >= 0; i-- {
		switch text[i] {
		case ')', ']', '}':
			depth++
		case '[', '{':
			depth--
		case '(':
			if depth--; depth < 0 {
				match := opening().FindStringSubmatch(text[:i+1])
				if match == nil {
					return nil, ""
				}
				return s.value(strings.Split(match[1], ".")), match[1]
			}
		}
		if depth < 0 {
			return nil, ""
		}
	}
	return nil, ""
}

// pids returns the IDs of processes.
func (s *Session) pids(prefix string) (names []string) {
	for _, name := range s.engine.Running(prefix) {
		pid, _, _ := strings.Cut(name, " ")
		names = append(names, pid)
	}
	return names
}

// partOfOperand reports whether what follows text is the rest of a longer operand,
// as in "f().x" or "0x1f", and not a name by itself.
func partOfOperand(text string) bool {
	return strings.TrimSpace(text) != "." && text != "" && (strings.HasSuffix(text, ".") || isIdent(rune(text[len(text)-1])))
}

// attributes returns the names of the attributes of the value at path.
func (s *Session) attributes(path []string) []string {
	if x, ok := s.value(path).(starlark.HasAttrs); ok {
		return x.AttrNames()
	}
	return nil
}

// value returns the value at a path of attributes, or nil.
func (s *Session) value(path []string) starlark.Value {
	v := s.lookup(path[0])
	for _, name := range path[1:] {
		x, ok := v.(starlark.HasAttrs)
		if !ok {
			return nil
		}
		var err error
		if v, err = x.Attr(name); err != nil || v == nil {
			return nil
		}
	}
	return v
}
