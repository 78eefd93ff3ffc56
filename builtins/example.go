package builtins

import (
	"embed"
	"io/fs"
	"path"
	"strings"
	"sync"
)

// The examples of the rows, as a session of the REPL has them. Each file is one session,
// in which "== NAMES" begins the example of the rows with these names, given by patterns
// as those of path.Match. What a statement prints stands below it; a test runs them all.
//
//go:embed examples/*.txt
var examples embed.FS

// An Example is the part of a session that shows rows.
type Example struct {
	Rows string // their names, with spaces between
	Text string // statements behind ">>> " and "... ", and what they print
}

// Examples returns the examples by the names of their files, in the order of the session.
var Examples = sync.OnceValue(func() map[string][]Example {
	files := make(map[string][]Example)
	names, _ := fs.Glob(examples, "examples/*.txt")
	for _, name := range names {
		text, _ := examples.ReadFile(name) // which is there, as Glob says
		for section := range strings.SplitSeq("\n"+string(text), "\n== ") {
			if rows, body, ok := strings.Cut(section, "\n"); ok {
				files[path.Base(name)] = append(files[path.Base(name)], Example{rows, strings.TrimRight(body, "\n")})
			}
		}
	}
	return files
})

// inherited are the types whose members are shown by the examples of another's.
var inherited = map[string]string{"core": "process", "observed": "process", "program": "process", "observed_thread": "process", "thread": "process"}

// exampleOf returns the example of the row called name, or "". A type has those members
// too that another has.
func exampleOf(name string) string {
	for _, file := range Examples() {
		for _, e := range file {
			for pattern := range strings.FieldsSeq(e.Rows) {
				if ok, _ := path.Match(pattern, name); ok {
					return e.Text
				}
			}
		}
	}
	class, member, _ := strings.Cut(name, ".")
	if other, ok := inherited[class]; ok && member != "" {
		return exampleOf(other + "." + member)
	}
	return ""
}
