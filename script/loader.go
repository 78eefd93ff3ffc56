package script

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/stdlib"
)

// maxSource bounds the size of a script in bytes.
const maxSource = 16 << 20

// std is the directory in which load sees the standard library.
const std = "std/"

// A module is a file, or a string of code, that is or was being run.
type module struct {
	name    string // as positions show it
	key     string // what identifies it: a clean absolute path or a name in std; "" for code
	source  string
	globals starlark.StringDict
}

func (m *module) inStd() bool { return strings.HasPrefix(m.key, std) }

// A loader runs modules and finds those that load statements name.
//
// A module runs on the thread that loads it, and so shares its steps, its
// cancellation and its output. Those of users are not frozen, so that a handler
// may change the globals of its module: a session has one thread, and nobody else
// sees them.
type loader struct {
	stdlib      fs.FS
	policy      Policy
	predeclared starlark.StringDict
	guard       guard
	modules     map[string]*module // by key, those that have run
	running     []*module          // each was loaded by the one before it
	lines       map[string][]string
}

func newLoader(stdlib fs.FS, policy Policy, predeclared starlark.StringDict) *loader {
	return &loader{
		stdlib:      stdlib,
		policy:      policy,
		predeclared: predeclared,
		modules:     make(map[string]*module),
		lines:       make(map[string][]string),
	}
}

// open reads the script at path, which is the caller's and not a script's choice.
func (l *loader) open(path string) (*module, error) {
	key, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	m := &module{name: path, key: key}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return m, m.read(f)
}

// load implements the load statement. A module that fails is not remembered, so
// that a REPL's user may mend it.
func (l *loader) load(thread *starlark.Thread, name string) (starlark.StringDict, error) {
	m, err := l.locate(name)
	if err != nil {
		return nil, err
	}
	if done := l.modules[m.key]; done != nil {
		return done.globals, nil
	}
	var chain strings.Builder
	for _, r := range l.running {
		if r.key == m.key || chain.Len() > 0 {
			chain.WriteString(r.name + " -> ")
		}
	}
	if chain.Len() > 0 {
		return nil, fmt.Errorf("cycle in load graph: %s%s", chain.String(), m.name)
	}
	if err := l.fetch(m); err != nil {
		return nil, err
	}
	if err := l.init(thread, m); err != nil {
		return nil, err
	}
	l.modules[m.key] = m
	return m.globals, nil
}

// locate returns the module that a load statement names, without its source. Such
// statements are at top level only, so the file that loads is the last of those
// running; code and the REPL load relative to the working directory.
func (l *loader) locate(name string) (*module, error) {
	from := &module{}
	if n := len(l.running); n > 0 {
		from = l.running[n-1]
	}
	switch {
	case name == "":
		return nil, errors.New("the name of the module is empty")
	case strings.HasPrefix(name, std):
		return &module{name: name, key: name}, nil
	case from.inStd():
		name = std + path.Join(path.Dir(strings.TrimPrefix(from.key, std)), name)
		return &module{name: name, key: name}, nil
	case from.key != "" && !filepath.IsAbs(name):
		name = filepath.Join(filepath.Dir(from.name), name)
	}
	key, err := filepath.Abs(name)
	return &module{name: name, key: key}, err
}

// fetch reads the source of m, which a script loads.
func (l *loader) fetch(m *module) error {
	f, err := l.openFile(m)
	if err != nil {
		return err
	}
	defer f.Close()
	return m.read(f)
}

// read takes the source of m from f. It must be UTF-8 (Starlark specification,
// "Lexical elements").
func (m *module) read(f fs.File) error {
	data, err := io.ReadAll(io.LimitReader(f, maxSource+1))
	switch {
	case err != nil:
		return err
	case len(data) > maxSource:
		return fmt.Errorf("read %s: larger than %d MiB", m.name, maxSource>>20)
	case !utf8.Valid(data) || strings.ContainsRune(string(data), 0):
		return fmt.Errorf("read %s: binary data, not a script", m.name)
	}
	m.source = string(data)
	return nil
}

// digest returns what changes when the source of m does, or of a module that it loads.
// One that cannot be read or parsed is left to those who run it.
func (m *module) digest(policy Policy) string {
	h := sha256.New()
	l := newLoader(stdlib.FS, policy, nil)
	seen := make(map[string]bool)
	var add func(m *module)
	add = func(m *module) {
		seen[m.key] = true
		io.WriteString(h, m.source)
		f, err := fileOptions.Parse(m.name, m.source, 0)
		if err != nil {
			return
		}
		l.running = append(l.running, m)
		defer func() { l.running = l.running[:len(l.running)-1] }()
		for _, stmt := range f.Stmts {
			if load, ok := stmt.(*syntax.LoadStmt); ok {
				if loaded, err := l.locate(load.ModuleName()); err == nil && !seen[loaded.key] && l.fetch(loaded) == nil {
					add(loaded)
				}
			}
		}
	}
	add(m)
	return fmt.Sprintf("%x", h.Sum(nil))
}

func (l *loader) openFile(m *module) (fs.File, error) {
	if !m.inStd() {
		return l.policy.Open("load", m.name)
	}
	if l.stdlib == nil {
		return nil, errors.New("no such module: there is no standard library here")
	}
	f, err := l.stdlib.Open(strings.TrimPrefix(m.key, std))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		names := l.moduleNames()
		for i := range names {
			names[i] = std + names[i]
		}
		err = fmt.Errorf("no such module in the standard library%s", hint(m.key, names))
	}
	return f, err
}

// init runs m.
func (l *loader) init(thread *starlark.Thread, m *module) error {
	l.lines[m.name] = strings.Split(m.source, "\n")
	l.running = append(l.running, m)
	defer func() { l.running = l.running[:len(l.running)-1] }()
	f, err := fileOptions.Parse(m.name, m.source, 0)
	if err != nil {
		return err
	}
	l.guard.rewrite(f)
	prog, err := starlark.FileProgram(f, l.predeclared.Has)
	if err != nil {
		return err
	}
	m.globals, err = prog.Init(thread, l.predeclared)
	if m.inStd() {
		m.globals.Freeze()
	}
	return err
}

// moduleNames returns the names of the modules of the standard library.
func (l *loader) moduleNames() []string {
	if l.stdlib == nil {
		return nil
	}
	names, _ := fs.Glob(l.stdlib, "*.star")
	return names
}
