package builtins

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// This file writes the manual for editors and as a document.
//
//go:generate go test -run TestGenerated -update

// Stub returns the manual as a Python stub file, which the language servers of Python and
// Starlark read. Types of Starlark that Python has not are Any.
func Stub() string {
	var b strings.Builder
	b.WriteString("# What scripts of tracelark have predeclared. Made from the builtins' tables: tracelark doc --pyi.\n" +
		"from typing import Any\n")
	var classes, rest []string
	for _, name := range slices.Sorted(maps.Keys(manual())) {
		switch t := manual()[name]; {
		case strings.Contains(name, "."), name == "int", name == "float": // which Python has
		case len(t.members) > 0 && name != "permissions":
			classes = append(classes, name)
		case strings.HasPrefix(t.sig, "(") || t.sig != "" || name == "STOP" || name == "PIPE" || name == "CAPTURE":
			rest = append(rest, name)
		}
	}
	for _, name := range classes {
		stubClass(&b, manual()[name])
	}
	for _, name := range append(rest, classes...) {
		t := manual()[name]
		switch {
		case strings.HasPrefix(t.sig, "("):
			b.WriteString("\n")
			stubFunc(&b, t, "")
		case t.sig != "" || !slices.Contains(classes, name):
			fmt.Fprintf(&b, "\n%s: %s\n%s", name, pyType(strings.TrimPrefix(t.sig, ": ")), docstring(t, ""))
		case slices.Contains([]string{"crashes", "focus", "json", "ptrace"}, name): // predeclared values
			fmt.Fprintf(&b, "\n%s: %s\n", name, className(name))
		}
	}
	b.WriteString("\nmath: Any\ntime: Any\n")
	return b.String()
}

func stubClass(b *strings.Builder, t *topic) {
	fmt.Fprintf(b, "\nclass %s:\n%s", className(t.name), docstring(t, "    "))
	for _, m := range t.members {
		name := strings.TrimPrefix(m.name, t.name+".")
		if strings.HasPrefix(m.sig, "(") {
			stubFunc(b, m, "    ")
		} else {
			fmt.Fprintf(b, "    %s: %s\n%s", pyName(name), pyType(strings.TrimPrefix(m.sig, ": ")), docstring(m, "    "))
		}
	}
}

// stubFunc writes a function, or the method of a class.
func stubFunc(b *strings.Builder, t *topic, indent string) {
	sig := t.signature()
	var params []string
	if indent != "" {
		params = append(params, "self")
	}
	starred := false
	for _, p := range sig.Params {
		if p.Keyword && !starred {
			starred = true
			params = append(params, map[bool]string{true: "*args: Any", false: "*"}[sig.Args])
		}
		text := pyName(p.Name) + ": Any"
		if p.Default != "" {
			text += " = " + p.Default
		}
		params = append(params, text)
	}
	if sig.Args && !starred {
		params = append(params, "*args: Any")
	}
	if sig.Kwargs {
		params = append(params, "**kwargs: Any")
	}
	_, name, ok := strings.Cut(t.name, ".")
	if !ok {
		name = t.name
	}
	fmt.Fprintf(b, "%sdef %s(%s) -> %s:\n%s%s    ...\n", indent, pyName(name), strings.Join(params, ", "), pyType(cmp.Or(sig.Result, "None")), docstring(t, indent+"    "), indent)
}

// docstring returns a topic's text as a docstring, and that of a function or type with its
// example.
func docstring(t *topic, indent string) string {
	text := t.doc
	class, _, member := strings.Cut(t.name, ".")
	if example := exampleOf(t.name); example != "" && !strings.HasPrefix(t.sig, ":") && (!member || inherited[class] == "") {
		text += "\n\n" + example
	}
	text = strings.NewReplacer(`\`, `\\`, `"""`, `\"\"\"`).Replace(text)
	if strings.HasSuffix(text, `"`) {
		text += " "
	}
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\n", "\n"+indent), "\n"+indent+"\n", "\n\n")
	return indent + `"""` + text + "\"\"\"\n"
}

// className returns the name of a type's class. Functions, and types of Python, may have
// the name of the type.
func className(name string) string {
	var b strings.Builder
	for word := range strings.SplitSeq(name, "_") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// pyName returns a name as Python allows it.
func pyName(name string) string {
	if slices.Contains([]string{"if", "in", "is", "from", "not"}, name) {
		return name + "_"
	}
	return name
}

var listOfType = regexp.MustCompile(`^(list|tuple) of (.*)$`)

// pyType returns a row's type as Python writes it.
func pyType(typ string) string {
	if kind, ok := strings.CutSuffix(typ, " or None"); ok {
		return pyType(kind) + " | None"
	}
	if m := listOfType.FindStringSubmatch(typ); m != nil {
		if m[1] == "tuple" {
			return "tuple[" + pyType(m[2]) + ", ...]"
		}
		return "list[" + pyType(m[2]) + "]"
	}
	switch typ {
	case "int", "str", "bool", "float", "bytes", "list", "dict", "tuple", "None":
		return typ
	case "(value, error)":
		return "tuple[Any, Error | None]"
	}
	if t := manual()[typ]; t != nil && len(t.members) > 0 {
		return className(typ)
	}
	return "Any"
}

// Document returns the manual in Markdown.
func Document() string {
	var b strings.Builder
	b.WriteString("# What scripts have\n\nMade from the builtins' tables, as `tracelark doc NAME` shows them. Process IDs are 4242 in examples.\n")
	for _, name := range slices.Sorted(maps.Keys(manual())) {
		if strings.Contains(name, ".") {
			continue
		}
		t := manual()[name]
		fmt.Fprintf(&b, "\n## %s\n\n`%s%s`\n\n%s\n", name, name, t.sig, strings.ReplaceAll(t.doc, "\n    ", "\n"))
		writeExample(&b, name)
		shown := map[string]bool{exampleOf(name): true, "": true}
		for _, m := range t.members {
			fmt.Fprintf(&b, "\n- `%s%s`: %s\n", m.name, m.sig, m.doc)
			if e := exampleOf(m.name); !shown[e] && inherited[name] == "" {
				shown[e] = true
				writeExample(&b, m.name)
			}
		}
	}
	return b.String()
}

func writeExample(b *strings.Builder, name string) {
	if e := exampleOf(name); e != "" {
		fmt.Fprintf(b, "\n```\n%s\n```\n", e)
	}
}
