package value

import (
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// A Scope is a Context that knows what else the names of an expression mean. Where a
// name means nothing, the error is or wraps debuginfo.ErrNotFound.
type Scope interface {
	Context

	// Language returns the language of the code that the names are looked up for.
	Language() debuginfo.Language

	// Local returns the variable or argument of the frame's function called name.
	Local(name string) (*Value, error)

	// Constant returns the enumerator called name.
	Constant(name string) (*Value, error)

	// Functions returns the functions called name, of which C++ may have several.
	// The type is UnknownFunction if nothing tells another one.
	Functions(name string) ([]*Value, error)

	// Register returns the register called name, without a dollar, or what else stands
	// behind one: "1", "" and "$2" of the values that were shown before.
	Register(name string) (*Value, error)

	// Variable returns what gives $name another value, or nil if it is a register.
	Variable(name string) (set func(*Value) error)

	// Operator returns what an operator of a class, such as "[]", "*", "->" or "==", or
	// a method, such as "size", makes of an object.
	Operator(op string, x *Value, args []*Value) (*Value, error)

	// Call calls the function at addr and returns what it returns, of type ret; nil is
	// void.
	Call(addr uint64, ret *debuginfo.Type, args []Arg) (*Value, error)
}

// An Arg is an argument of a call: data, which the target gets a pointer to, with a
// zero byte behind it, or else a value that is passed as its type is.
type Arg struct {
	Value *Value
	Data  []byte
}

// Eval evaluates an expression of C or C++, as debuggers take them: assignments write
// to the target, $rip is a register, p@n the array of n objects from that on which p
// is, {type} addr the object at an address, 'file.c'::x a variable of a file. In a
// member function members of its object need no "this". Qualifiers of types are
// ignored. The error is an ExprError, which tells the column.
func Eval(s Scope, text string) (*Value, error) {
	e := &evaluator{Scope: s, meanings: make(map[string]meaning)}
	n, err := parse(text, e.meaning)
	if err != nil {
		return nil, err
	}
	v, err := e.eval(n)
	if at := new(nodeError); errors.As(err, &at) {
		return nil, &ExprError{text, at.at, at.err}
	}
	return v, err
}

// A nodeError is an error of the part of an expression at an offset.
type nodeError struct {
	at  int
	err error
}

func (e *nodeError) Error() string { return e.err.Error() }
func (e *nodeError) Unwrap() error { return e.err }

type evaluator struct {
	Scope
	meanings map[string]meaning
}

// meaning implements what the parser asks: variables hide types.
func (e *evaluator) meaning(name string) meaning {
	m, ok := e.meanings[name]
	if ok {
		return m
	}
	if _, err := e.object(name); err == nil || !errors.Is(err, debuginfo.ErrNotFound) {
		m = isObject
	} else if _, err := typeNamed(e, name); err == nil {
		m = isType
	} else if _, err := e.Functions(name); err == nil {
		m = isObject
	}
	e.meanings[name] = m
	return m
}

// object returns what a name means that is no function.
func (e *evaluator) object(name string) (*Value, error) {
	switch name {
	case "true", "false":
		return e.int(boolType, newInt(uint64(len("false")-len(name))))
	case "nullptr", "NULL":
		return e.int(debuginfo.PointerTo(nil), new(big.Int))
	}
	v, err := e.Local(name)
	if err == nil || !errors.Is(err, debuginfo.ErrNotFound) {
		return v, err
	}
	if this, thisErr := e.Local("this"); thisErr == nil {
		if v, err := this.Field(name); err == nil && !isClassNamed(v, name) {
			return v, nil
		}
	}
	v, err = e.Var(name)
	if err == nil || !errors.Is(err, debuginfo.ErrNotFound) {
		return v, err
	}
	if v, constErr := e.Constant(name); constErr == nil {
		return v, nil
	}
	// A constant or a static member, with the name of its type.
	if i := strings.LastIndex(name, "::"); i > 0 {
		if t, typeErr := typeNamed(e, name[:i]); typeErr == nil {
			if v, ok := e.memberOf(t, name[i+2:]); ok {
				return v, nil
			}
		}
	}
	return nil, err
}

// isClassNamed reports whether what Field found is a base class, not a member.
func isClassNamed(v *Value, name string) bool {
	t, err := stripped(v.typ)
	return err == nil && t != nil && isClass(t) && (t.Name == name || plainName(t.Name) == name)
}

// memberOf returns the enumerator or the static member of a type.
func (e *evaluator) memberOf(t *debuginfo.Type, name string) (*Value, bool) {
	under, err := t.Strip()
	if err != nil || under == nil {
		return nil, false
	}
	list, _ := under.Enumerators()
	for _, c := range list {
		if c.Name == name {
			v, err := e.int(t, big.NewInt(c.Value))
			return v, err == nil
		}
	}
	fields, _ := under.Fields()
	for i := range fields {
		if f := &fields[i]; f.Static && f.Name == name {
			return At(e, under, 0).member(under, f), true
		}
	}
	return nil, false
}

func (e *evaluator) int(t *debuginfo.Type, n *big.Int) (*Value, error) { return FromInt(e.Scope, t, n) }

// eval returns the value of a node. Its error tells where it is.
func (e *evaluator) eval(n *node) (*Value, error) {
	v, err := e.node(n)
	if err == nil {
		return v, nil
	}
	if _, ok := err.(*nodeError); !ok {
		err = &nodeError{n.at, err}
	}
	return nil, err
}

func (e *evaluator) node(n *node) (*Value, error) {
	switch n.op {
	case opNumber, opChar, opString:
		return e.literal(n)
	case opRegister:
		return e.Register(n.text)
	case opName:
		return e.name(n.text)
	case opSizeof, opAlignof:
		return e.sizeof(n)
	case opCall:
		return e.call(n, nil, false)
	case "&&", "||":
		x, err := e.truth(n.x)
		if err == nil && x == (n.op == "&&") {
			x, err = e.truth(n.y)
		}
		if err != nil {
			return nil, err
		}
		return e.bool(x)
	case "?:":
		x, err := e.truth(n.x)
		switch {
		case err != nil:
			return nil, err
		case x:
			return e.eval(n.y)
		}
		return e.eval(n.args[0])
	}
	if n.x.op == opRegister {
		if set := e.Variable(n.x.text); set != nil && changes(n.op) {
			return e.change(n, set)
		}
	}
	x, err := e.operand(n)
	if n.op == "." && n.x.op == opName && errors.Is(err, debuginfo.ErrNotFound) {
		if v, err := e.name(n.x.text + "." + n.text); err == nil {
			return v, nil // of a package of Go
		}
	}
	if err != nil {
		return nil, err
	}
	switch n.op {
	case "->":
		if x, err = e.pointee(x); err != nil {
			return nil, err
		}
		return e.member(x, n)
	case ".":
		return e.member(x, n)
	case opCast, opReread, opDynamic, opAt:
		t, err := typeOf(e, n.typ)
		if err != nil {
			return nil, err
		}
		switch n.op {
		case opAt:
			addr, err := x.Uint64()
			if err == nil && t == nil {
				err = errors.New("void has no values")
			}
			if err != nil {
				return nil, err
			}
			return At(e.Scope, t, addr), nil
		case opDynamic:
			return e.dynamicCast(x, t)
		}
		return e.cast(x, t, n.op == opReread)
	case "*x":
		if v, ok, err := e.overloaded("*", x); ok {
			return v, err
		}
		return deref(x)
	case "&x":
		return e.addressOf(x)
	case "+x", "-x", "~x", "!x":
		return e.unary(n.op[0], x)
	case "++x", "--x", "x++", "x--":
		return e.increment(n.op, x)
	}
	y, err := e.eval(n.y)
	if err != nil {
		return nil, err
	}
	switch n.op {
	case ",":
		return y, nil
	case "=":
		return e.assign(x, y)
	case opIndex:
		if v, ok, err := e.overloaded("[]", x, y); ok {
			return v, err
		}
		if !isPointerOrArray(x) && isPointerOrArray(y) {
			x, y = y, x
		}
		i, err := index(y)
		if err != nil {
			return nil, &nodeError{n.y.at, err}
		}
		return x.Index(i)
	case "@":
		return e.array(x, y)
	case ".*", "->*":
		return y.MemberOf(x)
	}
	if op, ok := compound(n.op); ok {
		z, err := e.binary(op, x, y)
		if err != nil {
			return nil, err
		}
		return e.assign(x, z)
	}
	if v, ok, err := e.overloaded(n.op, x, y); ok {
		return v, err
	}
	return e.binary(n.op, x, y)
}

// compound returns the operator of an assignment such as +=.
func compound(op string) (string, bool) {
	plain, ok := strings.CutSuffix(op, "=")
	return plain, ok && plain != "" && levels[op] == 0
}

// changes reports whether an operator assigns to its first part.
func changes(op string) bool {
	_, ok := compound(op)
	return ok || op == "=" || strings.Trim(op, "x") == "++" || strings.Trim(op, "x") == "--"
}

// change evaluates what assigns to a variable of the debugger.
func (e *evaluator) change(n *node, set func(*Value) error) (before *Value, err error) {
	var y *Value
	op, _ := compound(n.op)
	if n.y != nil {
		y, err = e.eval(n.y)
	} else {
		op = strings.Trim(n.op, "x")[:1]
		y, err = e.int(intType, big.NewInt(1))
	}
	if err == nil && n.op != "=" {
		if before, err = e.eval(n.x); err == nil {
			y, err = e.binary(op, before, y)
		}
	}
	if err == nil {
		err = set(y)
	}
	if n.op[0] != 'x' {
		before = y
	}
	return before, err
}

// operand returns the first part of a node.
func (e *evaluator) operand(n *node) (*Value, error) {
	if n.op != opCast || n.x.op != opCall {
		return e.eval(n.x)
	}
	t, err := typeOf(e, n.typ)
	if err != nil {
		return nil, err
	}
	v, err := e.call(n.x, t, true)
	if at := new(nodeError); err != nil && !errors.As(err, &at) {
		err = &nodeError{n.x.at, err}
	}
	return v, err
}

// name returns what a name means.
func (e *evaluator) name(name string) (*Value, error) {
	v, err := e.object(name)
	if err == nil || !errors.Is(err, debuginfo.ErrNotFound) {
		return v, err
	}
	list, err := e.Functions(name)
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// member returns a member of a structure, or of what a pointer to one points to. A
// member may have the name of its class before it.
func (e *evaluator) member(x *Value, n *node) (*Value, error) {
	parts := strings.Split(n.text, "::")
	for _, part := range parts {
		var err error
		if x, err = x.Field(part); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func (e *evaluator) truth(n *node) (bool, error) {
	v, err := e.eval(n)
	if err != nil {
		return false, err
	}
	truth, err := v.Truth()
	if err != nil {
		err = &nodeError{n.at, err}
	}
	return truth, err
}

func (e *evaluator) sizeof(n *node) (*Value, error) {
	t, err := typeOf(e, n.typ)
	var size int64
	if n.typ == nil {
		var x *Value
		if x, err = e.eval(n.x); err == nil {
			if x, err = x.referent(); err == nil && x.bits > 0 {
				err = errors.New("a bit-field has no size in bytes")
			}
		}
		if err != nil {
			return nil, err
		}
		t = x.typ
	}
	if err != nil {
		return nil, err
	}
	if n.op == opAlignof {
		size, err = Alignment(t)
	} else {
		if under, stripErr := stripped(t); stripErr == nil && under != nil && isReference(under) {
			t, err = under.Elem()
		}
		if err == nil && t == nil {
			size = 1 // as GCC has it
		} else if err == nil {
			size, err = At(e.Scope, t, 0).Size()
		}
	}
	if err != nil {
		return nil, err
	}
	return e.int(ulongType, big.NewInt(size))
}

// Alignment returns how a type is aligned, in bytes: as the psABI has it, where no attribute
// says otherwise, which debug information does not tell of all.
func Alignment(t *debuginfo.Type) (int64, error) { return alignment(t, new(int)) }

// alignment counts in seen the structures and arrays that it looks at.
func alignment(t *debuginfo.Type, seen *int) (int64, error) {
	under, err := stripped(t)
	switch {
	case err != nil:
		return 0, err
	case under == nil || under.Kind == debuginfo.Function:
		return 1, nil
	case *seen > maxClasses:
		return 0, fmt.Errorf("%s is made of itself", t)
	}
	switch under.Kind {
	case debuginfo.Array:
		*seen++
		elem, err := under.Elem()
		if err != nil {
			return 0, err
		}
		return alignment(elem, seen)
	case debuginfo.Struct, debuginfo.Class, debuginfo.Union:
		*seen++
		fields, err := under.Fields()
		if err != nil {
			return 0, err
		}
		most := int64(1)
		for i := range fields {
			if fields[i].Static {
				continue
			}
			ft, err := fields[i].Type()
			if err != nil {
				return 0, err
			}
			n, err := alignment(ft, seen)
			if err != nil {
				return 0, err
			}
			most = max(most, n)
		}
		return most, nil
	}
	if under.Size <= 0 {
		return 0, fmt.Errorf("the alignment of %s is not known", t)
	}
	if under.Encoding == encComplex && under.Kind == debuginfo.Base {
		return under.Size / 2, nil
	}
	return min(under.Size, 16), nil
}
