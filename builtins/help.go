package builtins

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"go.starlark.net/starlark"
	"go.starlark.net/starlarkstruct"
)

// A topic is an entry of the manual: a function, a method, an attribute, a
// constant or a type with its members.
type topic struct {
	name, sig string // the signature with its parentheses, or ": " and the type
	doc       string
	members   []*topic
}

// manual holds the rows of all tables: functions and types by name, members by
// type and name, as in "process.read".
var manual = sync.OnceValue(func() map[string]*topic {
	for _, write := range chapters {
		write()
	}
	return topics
})

// chapters enter what they are about in topics when somebody reads the manual first: most
// runs of the command do not.
var (
	chapters []func()
	topics   = make(map[string]*topic)
)

// newTopic enters a name in the manual, as a chapter does. A function may have the name of the type that it
// returns.
func newTopic(name, sig, doc string) *topic {
	t := &topic{name: name, sig: sig, doc: doc}
	if need, _ := needs(name); need != 0 && strings.HasPrefix(sig, "(") {
		t.doc += fmt.Sprintf(" It needs the permission %s.", need)
	}
	if class := topics[name]; class != nil {
		t.doc += "\n\n    " + class.doc
		t.members = class.members
	}
	topics[name] = t
	return t
}

// add enters a member of t.
func (t *topic) add(name, sig, doc string) {
	t.members = append(t.members, newTopic(name, sig, doc))
}

// String returns the topic as help prints it.
func (t *topic) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n    %s", t.name, t.sig, t.doc)
	if example := exampleOf(t.name); example != "" {
		b.WriteString("\n\n        " + strings.ReplaceAll(example, "\n", "\n        "))
	}
	for _, m := range t.members {
		fmt.Fprintf(&b, "\n\n    %s%s\n        %s", m.name, m.sig, m.doc)
	}
	return b.String()
}

// Doc returns the manual's entry for a topic: a predeclared name such as
// "launch", a type such as "process", or a member such as "process.read".
func Doc(name string) (text string, ok bool) {
	t, ok := manual()[name]
	if !ok {
		return "", false
	}
	return t.String(), true
}

// A Row is an entry of the manual as data.
type Row struct {
	Name      string `json:"name"`
	Signature string `json:"signature,omitempty"` // such as "(addr, n) -> bytes", or the type of an attribute
	Doc       string `json:"doc"`
	Example   string `json:"example,omitempty"`
}

// Rows returns the entry for a topic and those of its members, or all for "", sorted by
// their names.
func Rows(name string) (rows []Row) {
	for _, topic := range Topics() {
		if name == "" || topic == name || strings.HasPrefix(topic, name+".") {
			t := manual()[topic]
			rows = append(rows, Row{topic, strings.TrimPrefix(t.sig, ": "), t.doc, exampleOf(topic)})
		}
	}
	return rows
}

// Contents lists the topics of the manual that are no members of others, a line
// each: the name and the first sentence about it.
func Contents() string {
	var b strings.Builder
	for _, name := range Topics() {
		if !strings.Contains(name, ".") {
			fmt.Fprintf(&b, "%-15s %s.\n", name, manual()[name].summary())
		}
	}
	return b.String()
}

// summary returns the first sentence of the topic's text, without its full stop.
func (t *topic) summary() string {
	first, _, _ := strings.Cut(t.doc, ". ")
	return strings.TrimSuffix(first, ".")
}

// Topics returns the names that Doc knows, sorted.
func Topics() []string {
	return slices.Sorted(maps.Keys(manual()))
}

// help prints what there is to say about a value.
func (e *Env) help(thread *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	var x starlark.Value
	if err := starlark.UnpackPositionalArgs(b.Name(), args, kwargs, 0, &x); err != nil {
		return nil, err
	}
	text := e.describe(thread, x)
	if thread.Print != nil {
		thread.Print(thread, text)
	} else {
		fmt.Fprintln(os.Stdout, text)
	}
	return starlark.None, nil
}

// describe returns the help for x, or for all that is predeclared if x is nil.
func (e *Env) describe(thread *starlark.Thread, x starlark.Value) string {
	switch x := x.(type) {
	case nil:
		return e.index()
	case starlark.String:
		text, known := Doc(string(x))
		if about, ok := e.commandHelp(thread, string(x)); ok {
			text, known = strings.TrimPrefix(text+"\n\n"+about, "\n\n"), true
		}
		if known {
			return text
		}
	case *starlark.Builtin:
		name := x.Name()
		if recv := x.Receiver(); recv != nil {
			name = recv.Type() + "." + name
		}
		// Functions of modules may have the name of a predeclared one.
		if text, ok := Doc(name); ok && (x.Receiver() != nil || e.predeclared[name] == x || strings.Contains(name, ".")) {
			return text
		}
		return name + "\n    A function of Starlark or of one of its modules."
	case *starlark.Function:
		return function(x)
	case constant:
		return manual()[string(x)].String()
	case *starlarkstruct.Module:
		return module(x)
	case *starlarkstruct.Struct:
		if text := functionsOf(x); text != "" {
			return text
		}
	}
	_, universal := starlark.Universe[x.Type()] // int and float are functions too
	if text, ok := Doc(x.Type()); ok && !universal {
		return text
	}
	return fmt.Sprintf("%s\n    A value of Starlark's type %s.", x, x.Type())
}

// functionsOf describes the functions that a struct has, as those of the standard library
// do, or returns "" if it has none.
func functionsOf(s *starlarkstruct.Struct) string {
	var texts []string
	for _, name := range s.AttrNames() {
		if v, err := s.Attr(name); err == nil {
			if fn, ok := v.(*starlark.Function); ok {
				_, text, _ := strings.Cut(function(fn), "(")
				texts = append(texts, name+"("+text)
			}
		}
	}
	return strings.Join(texts, "\n\n")
}

// index lists what is predeclared, each name with the first sentence about it.
func (e *Env) index() string {
	var b strings.Builder
	for _, name := range e.predeclared.Keys() {
		doc := "A value of type " + e.predeclared[name].Type() // that the caller added
		if t, ok := manual()[name]; ok {
			doc = t.summary()
		}
		fmt.Fprintf(&b, "%-15s %s.\n", name, doc)
	}
	b.WriteString("\nhelp(name) tells more.")
	return b.String()
}

// function describes a function that is written in Starlark.
func function(fn *starlark.Function) string {
	doc := fn.Doc()
	if doc == "" {
		doc = "Defined at " + fn.Position().String() + "."
	}
	return fmt.Sprintf("%s(%s)\n    %s", fn.Name(), strings.Join(parameters(fn), ", "), strings.TrimSpace(doc))
}

// parameters returns fn's parameters as they are declared.
func parameters(fn *starlark.Function) []string {
	param := func(i int) string {
		name, _ := fn.Param(i)
		return name
	}
	n, star, kwargs := fn.NumParams(), "", ""
	if fn.HasKwargs() { // Starlark keeps the two last, *args before **kwargs.
		n--
		kwargs = "**" + param(n)
	}
	if fn.HasVarargs() {
		n--
		star = "*" + param(n)
	} else if fn.NumKwonlyParams() > 0 {
		star = "*"
	}
	var params []string
	for i := range n {
		p := param(i)
		if v := fn.ParamDefault(i); v != nil {
			p += "=" + v.String()
		}
		params = append(params, p)
	}
	if star != "" {
		params = slices.Insert(params, n-fn.NumKwonlyParams(), star)
	}
	if kwargs != "" {
		params = append(params, kwargs)
	}
	return params
}

// module describes a module by its docstring, if it has one in doc, and its
// members.
func module(m *starlarkstruct.Module) string {
	var b strings.Builder
	b.WriteString(m.Name)
	if t, ok := manual()[m.Name]; ok {
		if len(t.members) > 0 {
			return t.String() // the module is ours
		}
		fmt.Fprintf(&b, "\n    %s", t.doc)
	}
	for _, name := range m.Members.Keys() {
		switch v := m.Members[name].(type) {
		case *starlark.Function:
			fmt.Fprintf(&b, "\n\n    %s.%s", m.Name, strings.ReplaceAll(function(v), "\n", "\n    "))
		default:
			fmt.Fprintf(&b, "\n\n    %s.%s: %s", m.Name, name, v.Type())
		}
	}
	return b.String()
}
