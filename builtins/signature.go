package builtins

import (
	"strings"

	"go.starlark.net/syntax"
)

// A Signature is how a builtin is called, as its row says.
type Signature struct {
	Params []Param
	Args   bool   // more positional arguments may follow
	Kwargs bool   // other keywords may be given
	Result string // the type as the row has it, such as "list of frame", or "" for none
}

// A Param is a parameter of a Signature.
type Param struct {
	Name     string
	Default  string // as written, or "" if an argument must be given
	Keyword  bool   // only by keyword
	Position syntax.Position
}

// SignatureOf returns how the function or method with a name such as "launch" or
// "process.read" is called. ok is false if the manual has no such function.
func SignatureOf(name string) (sig *Signature, ok bool) {
	t, ok := manual()[name]
	if !ok || !strings.HasPrefix(t.sig, "(") {
		return nil, false
	}
	return t.signature(), true
}

// TypeOf returns the type of the attribute with a name such as "process.thread", as its
// row has it.
func TypeOf(name string) (typ string, ok bool) {
	t, ok := manual()[name]
	if !ok {
		return "", false
	}
	return strings.CutPrefix(t.sig, ": ")
}

// Members returns the names of the members of a type or module, in the order of their
// rows.
func Members(class string) []string {
	t, ok := manual()[class]
	if !ok {
		return nil
	}
	names := make([]string, len(t.members))
	for i, m := range t.members {
		names[i] = strings.TrimPrefix(m.name, class+".")
	}
	return names
}

// signature returns the signature of a function's topic.
func (t *topic) signature() *Signature {
	params, result := t.sig, ""
	if i := strings.LastIndex(t.sig, " -> "); i >= 0 {
		params, result = t.sig[:i], t.sig[i+len(" -> "):]
	}
	sig := &Signature{Result: result}
	// The parameters are those of a Starlark function but for "...", which stands for a
	// default that no value has.
	source := "def f" + strings.ReplaceAll(params, "=...", "=Ellipsis") + ": pass"
	file, err := new(syntax.FileOptions).Parse(t.name, source, 0)
	if err != nil {
		panic(err) // a row is wrong
	}
	sig.params(file.Stmts[0].(*syntax.DefStmt).Params, source)
	return sig
}

// DefSignature returns the signature of a function that is written in Starlark.
func DefSignature(params []syntax.Expr) *Signature {
	sig := new(Signature)
	sig.params(params, "")
	return sig
}

func (sig *Signature) params(params []syntax.Expr, source string) {
	keyword := false
	for _, p := range params {
		switch p := p.(type) {
		case *syntax.Ident:
			sig.Params = append(sig.Params, Param{Name: p.Name, Keyword: keyword, Position: p.NamePos})
		case *syntax.BinaryExpr:
			start, end := p.Y.Span()
			text := "..."
			if source != "" && source[start.Col-1:end.Col-1] != "Ellipsis" {
				text = source[start.Col-1 : end.Col-1]
			}
			name := p.X.(*syntax.Ident)
			sig.Params = append(sig.Params, Param{Name: name.Name, Default: text, Keyword: keyword, Position: name.NamePos})
		case *syntax.UnaryExpr:
			if p.Op == syntax.STARSTAR {
				sig.Kwargs = true
			} else {
				sig.Args, keyword = p.X != nil, true
			}
		}
	}
}

// Keywords returns how many of the parameters are given by keyword only.
func (sig *Signature) Keywords() (n int) {
	for _, p := range sig.Params {
		if p.Keyword {
			n++
		}
	}
	return n
}
