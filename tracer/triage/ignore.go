package triage

import (
	_ "embed"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

//go:embed ignore.txt
var ignoreText string

// A Pattern says which frames stacks and keys leave out.
type Pattern struct {
	Kind   string // "function", "file" or "image"
	Regexp string // of the whole name
}

// An ignore is a set of patterns, one expression for each kind.
type ignore struct {
	byKind map[string][]*regexp.Regexp
	known  sync.Map // whether names are ignored, by kind and name
}

// ParsePatterns parses a list of patterns as ignore.txt has them: a line is a kind
// and an expression, or begins with # and says nothing.
func ParsePatterns(text string) ([]Pattern, error) {
	var list []Pattern
	for n, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		kind, expr, _ := strings.Cut(line, " ")
		p := Pattern{kind, strings.TrimSpace(expr)}
		if _, err := p.compile(); err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		list = append(list, p)
	}
	return list, nil
}

func (p *Pattern) compile() (*regexp.Regexp, error) {
	switch p.Kind {
	case "function", "file", "image":
	default:
		return nil, fmt.Errorf("%q is no kind of pattern, want function, file or image", p.Kind)
	}
	if p.Regexp == "" {
		return nil, fmt.Errorf("the pattern for a %s is empty", p.Kind)
	}
	head, tail := "", ""
	if p.Kind == "function" {
		head, tail = "_*", `(\.(cold|part|constprop|isra)(\.\d+)*)*(<.*>)?`
	}
	return regexp.Compile(`^` + head + `(?:` + p.Regexp + `)` + tail + `$`)
}

// own is what is ignored unless more is asked for.
var own = sync.OnceValue(func() *ignore {
	list, err := ParsePatterns(ignoreText)
	if err != nil {
		panic("ignore.txt: " + err.Error())
	}
	s, err := compileAll(list)
	if err != nil {
		panic("ignore.txt: " + err.Error())
	}
	return s
})

// newIgnore returns our own set with more patterns.
func newIgnore(more []Pattern) (*ignore, error) {
	if len(more) == 0 {
		return own(), nil
	}
	s, err := compileAll(more)
	if err != nil {
		return nil, err
	}
	for kind, list := range own().byKind {
		s.byKind[kind] = append(s.byKind[kind], list...)
	}
	return s, nil
}

func compileAll(list []Pattern) (*ignore, error) {
	s := &ignore{byKind: make(map[string][]*regexp.Regexp)}
	for i := range list {
		re, err := list[i].compile()
		if err != nil {
			return nil, fmt.Errorf("ignore %q: %w", list[i].Regexp, err)
		}
		s.byKind[list[i].Kind] = append(s.byKind[list[i].Kind], re)
	}
	return s, nil
}

// has reports whether a name of a kind is ignored.
func (s *ignore) has(kind, name string) bool {
	if name == "" {
		return false
	}
	key := kind + name
	if known, ok := s.known.Load(key); ok {
		return known.(bool)
	}
	found := slices.ContainsFunc(s.byKind[kind], func(re *regexp.Regexp) bool { return re.MatchString(name) })
	s.known.Store(key, found)
	return found
}

// bare returns the name of a function without its parameters.
func bare(name string) string {
	for i := 0; i < len(name); i++ {
		if name[i] != '(' {
			continue
		}
		switch rest := name[i:]; {
		case strings.HasPrefix(rest, "(anonymous namespace)"):
		case strings.HasPrefix(rest, "()") && strings.HasSuffix(name[:i], "operator"):
			i++
		case i > 0 && !strings.HasSuffix(name[:i], "."): // (*T).Method of Go
			return name[:i]
		}
	}
	return name
}

// frame reports whether a frame is ignored.
func (s *ignore) frame(f *Frame) bool {
	return f.Signal || s.has("function", bare(f.Function)) || s.has("file", f.File) || f.Image != "" && s.has("image", path.Base(f.Image))
}
