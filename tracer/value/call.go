package value

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// This file calls functions and methods.

// A callee is a function that a call may mean.
type callee struct {
	addr   uint64
	typ    *debuginfo.Type
	method *debuginfo.Method // nil for a function with an address
	this   *Value            // the object of a method, or nil
	direct bool              // not by way of the vtable
}

// UnknownFunction is the type of functions without debug information. A call of one is
// cast to what it returns, or else taken for one that returns int.
var UnknownFunction = debuginfo.FunctionOf(intType, nil, false)

// call calls a function. as is the type that the call is cast to, if cast is set.
func (e *evaluator) call(n *node, as *debuginfo.Type, cast bool) (*Value, error) {
	object, err := e.objectOf(n.x)
	if err != nil {
		return nil, err
	}
	args := make([]*Value, len(n.args))
	for i, a := range n.args {
		if args[i], err = e.eval(a); err != nil {
			return nil, err
		}
	}
	if object != nil {
		if v, ok, err := e.method(object, n.x.text, args); ok {
			return v, err
		}
	}
	list, err := e.callees(n.x, object)
	if err != nil {
		return nil, err
	}
	c, err := e.choose(n, list, args)
	if err != nil {
		return nil, err
	}
	params, _, err := c.typ.Params()
	if err != nil {
		return nil, err
	}
	ret, err := c.typ.Elem()
	if err != nil {
		return nil, err
	}
	if cast && c.typ == UnknownFunction {
		ret = as
	}
	var passed []Arg
	if c.this != nil && len(params) > 0 && (c.method == nil || !c.method.Static) {
		this, err := e.pass(c.this)
		if err != nil {
			return nil, err
		}
		passed = append(passed, this)
	}
	hidden := len(passed)
	for i, x := range args {
		var to *debuginfo.Type
		if i+hidden < len(params) {
			to = params[i+hidden].Type
		}
		arg, err := e.arg(x, to)
		if err != nil {
			return nil, &nodeError{n.args[i].at, fmt.Errorf("argument %d: %w", i+1, err)}
		}
		passed = append(passed, arg)
	}
	if c.addr, err = e.entry(c); err != nil {
		return nil, err
	}
	return e.Call(c.addr, ret, passed)
}

// callees returns what the called part of a call may mean, which may be of an object.
func (e *evaluator) callees(n *node, object *Value) ([]callee, error) {
	switch n.op {
	case ".", "->":
		fn, noField := e.member(object, n)
		if noField == nil {
			return e.function(fn)
		}
		list, err := e.methods(object, n.text)
		if err == nil && len(list) == 0 {
			err = noField
		}
		return list, err
	case ".*", "->*":
		object, err := e.eval(n.x)
		if err != nil {
			return nil, err
		}
		y, err := e.eval(n.y)
		if err != nil {
			return nil, err
		}
		p, object, err := y.bind(object)
		if err != nil {
			return nil, err
		}
		fn, err := y.MemberOf(object)
		if err != nil || !p.method {
			list, fnErr := e.function(fn)
			return list, errors.Join(err, fnErr)
		}
		list, err := e.function(fn)
		if err == nil && p.adjust != 0 {
			addr, _ := object.Address()
			object = At(e.Scope, p.class, addr+uint64(p.adjust))
		}
		if err == nil {
			list[0].this = object
		}
		return list, err
	case opName:
		notOne := error(nil)
		if fn, err := e.object(n.text); err == nil {
			list, err := e.function(fn)
			if err == nil {
				return list, nil
			}
			notOne = err // a variable of some namespace may have the name of the function
		}
		if this, err := e.Local("this"); err == nil {
			if list, err := e.methods(this, n.text); err == nil && len(list) > 0 {
				return list, nil
			}
		}
		found, err := e.Functions(n.text)
		switch {
		case err != nil && notOne != nil:
			return nil, notOne
		case err != nil:
			return nil, &nodeError{n.at, err}
		}
		var list []callee
		for _, fn := range found {
			c, err := e.function(fn)
			if err != nil {
				return nil, err
			}
			list = append(list, c...)
		}
		return list, nil
	}
	fn, err := e.eval(n)
	if err != nil {
		return nil, err
	}
	return e.function(fn)
}

// function returns what a function, or a pointer or reference to one, means.
func (e *evaluator) function(fn *Value) ([]callee, error) {
	fn, err := fn.referent()
	if err != nil {
		return nil, err
	}
	t, err := stripped(fn.typ)
	if err == nil && t != nil && t.Kind == debuginfo.Pointer {
		if fn, err = fn.Deref(); err == nil {
			t, err = stripped(fn.typ)
		}
	}
	if err != nil {
		return nil, err
	}
	addr, ok := fn.Address()
	if t == nil || t.Kind != debuginfo.Function || !ok {
		return nil, fmt.Errorf("%s is no function", fn.typ)
	}
	return []callee{{addr: addr, typ: t}}, nil
}

// methods returns the methods called name of an object, or of what a pointer to one
// points to: those of its class hide those of the bases. One with the name of a class
// before it is that class's, whatever overrides it.
func (e *evaluator) methods(object *Value, name string) ([]callee, error) {
	object, class, err := object.aggregate()
	if err != nil {
		return nil, err
	}
	parts := strings.Split(name, "::")
	for _, part := range parts[:len(parts)-1] {
		if plainName(class.Name) == part {
			continue
		}
		if object, err = object.Field(part); err != nil {
			return nil, err
		}
		if object, class, err = object.aggregate(); err != nil {
			return nil, err
		}
	}
	left := maxClasses
	return methodsOf(object, class, parts[len(parts)-1], len(parts) > 1, &left)
}

func methodsOf(object *Value, class *debuginfo.Type, name string, direct bool, left *int) ([]callee, error) {
	methods, err := class.Methods()
	if *left--; *left < 0 {
		err = fmt.Errorf("%s has too many bases", class)
	}
	if err != nil {
		return nil, err
	}
	var list []callee
	for i := range methods {
		m := &methods[i]
		if m.Name != name || m.Deleted {
			continue
		}
		t, err := m.Type()
		if err != nil {
			return nil, err
		}
		list = append(list, callee{typ: t, method: m, this: object, direct: direct})
	}
	if len(list) > 0 {
		return list, nil
	}
	fields, err := class.Fields()
	if err != nil {
		return nil, err
	}
	for i := range fields {
		if !fields[i].IsBase {
			continue
		}
		base := object.member(class, &fields[i])
		t, err := stripped(base.typ)
		if err != nil || t == nil {
			continue
		}
		if more, err := methodsOf(base, t, name, direct, left); err != nil || len(more) > 0 {
			return more, err
		}
	}
	return nil, nil
}

// entry returns the address of the code of a callee.
func (e *evaluator) entry(c *callee) (uint64, error) {
	m := c.method
	if m == nil {
		return c.addr, nil
	}
	if m.Slot >= 0 && !c.direct {
		if addr, ok := c.this.Address(); ok {
			return c.this.virtual(addr, uint64(m.Slot)*8)
		}
	}
	if m.Linkage != "" {
		if addr, err := e.Symbol(m.Linkage); err == nil || !errors.Is(err, debuginfo.ErrNotFound) {
			return addr, err
		}
	}
	return 0, fmt.Errorf("%s has no code of its own: it was inlined, or is in no file that is mapped", m.Name)
}

func isAggregate(t *debuginfo.Type) bool { return isClass(t) || t.Kind == debuginfo.Union }

// arg returns an argument of a call, for a parameter of type t unless t is nil.
func (e *evaluator) arg(x *Value, t *debuginfo.Type) (Arg, error) {
	to, err := stripped(t)
	if err != nil {
		return Arg{}, err
	}
	if b, ok := x.literal(); ok {
		if to != nil && to.Kind != debuginfo.Pointer {
			return Arg{}, fmt.Errorf("a string is no %s", t)
		}
		return Arg{Data: b}, nil
	}
	switch {
	case to == nil:
		if x, err = x.referent(); err != nil {
			return Arg{}, err
		}
		if from, err := stripped(x.typ); err == nil && from != nil && isAggregate(from) {
			return e.byValue(x, from)
		}
		if x, err = e.promote(x); err != nil {
			return Arg{}, err
		}
		if under, err := stripped(x.typ); err == nil && isFloat(under) && under.Size < 8 {
			x, err = e.cast(x, basicTypes["double"], false)
			return Arg{Value: x}, err
		}
		return Arg{Value: x}, nil
	case isReference(to):
		return e.referred(x, to)
	case isAggregate(to):
		if x, err = e.toClass(x, to); err != nil {
			return Arg{}, err
		}
		return e.byValue(x, to)
	}
	x, err = e.cast(x, t, false)
	return Arg{Value: x}, err
}

// toClass returns an object as one of a class, which may be its base.
func (e *evaluator) toClass(x *Value, class *debuginfo.Type) (*Value, error) {
	x, err := x.referent()
	if err != nil {
		return nil, err
	}
	from, err := stripped(x.typ)
	if err != nil {
		return nil, err
	}
	if from != nil && isAggregate(from) {
		if from.Name == class.Name && from.Size == class.Size {
			return x, nil
		}
		if base, err := x.Field(class.Name); err == nil && isBase(base, class) {
			return base, nil
		}
	}
	return nil, fmt.Errorf("%s is no %s", x.typ, class)
}

// byValue returns an object as an argument that is passed by value. What its class would
// copy is not: the function gets the object itself.
func (e *evaluator) byValue(x *Value, class *debuginfo.Type) (Arg, error) {
	if class.ByReference() {
		return e.pass(x)
	}
	b, err := x.Bytes()
	return Arg{Value: FromBytes(e.Scope, class, b)}, err
}

// pass returns an object as an argument that is passed by its address: that of a copy if
// it has none.
func (e *evaluator) pass(x *Value) (Arg, error) {
	if _, ok := x.Address(); ok {
		p, err := x.AddressOf()
		return Arg{Value: p}, err
	}
	b, err := x.Bytes()
	return Arg{Data: b}, err
}

// referred returns what is passed for a reference: a number of another type is
// converted, and lies on the stack as long as the call takes.
func (e *evaluator) referred(x *Value, t *debuginfo.Type) (Arg, error) {
	elem, err := t.Elem()
	if err != nil {
		return Arg{}, err
	}
	to, err := stripped(elem)
	if err != nil {
		return Arg{}, err
	}
	if x, err = x.referent(); err != nil {
		return Arg{}, err
	}
	switch {
	case to == nil:
		return Arg{}, fmt.Errorf("a reference to void")
	case isAggregate(to):
		if x, err = e.toClass(x, to); err != nil {
			return Arg{}, err
		}
	default:
		from, err := x.strip()
		if err != nil {
			return Arg{}, err
		}
		if same := from.Kind == to.Kind && from.String() == to.String(); !same {
			if x, err = e.cast(x, elem, false); err != nil {
				return Arg{}, err
			}
		}
	}
	return e.pass(x)
}

// literal returns the bytes of an array that is nowhere in the target, as a string is
// that was written in the expression.
func (v *Value) literal() ([]byte, bool) {
	t, err := stripped(v.typ)
	return v.loc.Bytes, err == nil && t != nil && t.Kind == debuginfo.Array && v.loc.Kind == debuginfo.Known
}
