package value

import (
	"fmt"
	"slices"

	"github.com/tracelark/tracelark/tracer/debuginfo"
)

// This file chooses the callee of a call among those of a name by the types of the
// arguments, as C++ does, but for templates and conversions by classes.

// choose returns the callee that suits arguments best.
func (e *evaluator) choose(n *node, list []callee, args []*Value) (*callee, error) {
	if len(list) == 1 {
		return &list[0], list[0].takes(len(args))
	}
	var best []*callee
	least := cannot
	var last error
	for i := range list {
		c := &list[i]
		if last = c.takes(len(args)); last != nil {
			continue
		}
		rank, err := e.rank(c, args)
		switch {
		case err != nil:
			return nil, err
		case rank < least:
			best, least = append(best[:0], c), rank
		case rank == least && rank < cannot:
			best = append(best, c)
		}
	}
	switch {
	case len(best) == 0 && last != nil && least == cannot && len(list) > 0:
		return nil, fmt.Errorf("none of %d functions called %s takes these %d arguments", len(list), n.x.text, len(args))
	case len(best) == 0:
		return nil, fmt.Errorf("none of %d functions called %s takes arguments of these types", len(list), n.x.text)
	}
	if len(best) > 1 { // for objects that are constant and for others
		if i := slices.IndexFunc(best, func(c *callee) bool { return !c.constant() }); i >= 0 && best[0].method != nil {
			return best[i], nil
		}
		if !slices.ContainsFunc(best, func(c *callee) bool { return c.typ.String() != best[0].typ.String() }) {
			return best[0], nil
		}
		return nil, fmt.Errorf("%d functions called %s take these arguments: cast them to the types of one", len(best), n.x.text)
	}
	return best[0], nil
}

// constant reports whether a method is one for constant objects.
func (c *callee) constant() bool {
	params, _, err := c.typ.Params()
	if err != nil || len(params) == 0 || params[0].Type == nil {
		return false
	}
	t := params[0].Type
	for t != nil && (t.Kind == debuginfo.Const || t.Kind == debuginfo.Typedef) {
		if t, err = t.Elem(); err != nil {
			return false
		}
	}
	if t == nil || t.Kind != debuginfo.Pointer {
		return false
	}
	to, err := t.Elem()
	return err == nil && to != nil && to.Kind == debuginfo.Const
}

// takes returns an error if the callee does not take n arguments.
func (c *callee) takes(n int) error {
	params, variadic, err := c.typ.Params()
	if err != nil {
		return err
	}
	want := len(params)
	if c.this != nil && want > 0 && (c.method == nil || !c.method.Static) {
		want--
	}
	if len(params) > 0 && (n < want || n > want && !variadic) || c.method != nil && n > 0 && want == 0 && !variadic {
		return fmt.Errorf("the function takes %d arguments, got %d", want, n)
	}
	return nil
}

// Ranks of conversions, from none on.
const (
	promotes = 1
	converts = 1 << 4
	strains  = 1 << 8 // what C++ would refuse
	cannot   = 1 << 20
)

// rank returns how far arguments are from the parameters of a callee.
func (e *evaluator) rank(c *callee, args []*Value) (int, error) {
	params, _, err := c.typ.Params()
	if err != nil {
		return 0, err
	}
	if c.this != nil && len(params) > 0 && (c.method == nil || !c.method.Static) {
		params = params[1:]
	}
	sum := 0
	for i, x := range args {
		if i >= len(params) {
			sum += converts
			continue
		}
		rank, err := e.distance(x, params[i].Type)
		if err != nil {
			return 0, err
		}
		sum = min(cannot, sum+rank)
	}
	return sum, nil
}

// distance returns how far a value is from a parameter.
func (e *evaluator) distance(x *Value, t *debuginfo.Type) (int, error) {
	to, err := stripped(t)
	if err != nil || to == nil {
		return cannot, err
	}
	if isReference(to) {
		if to, err = to.Elem(); err == nil {
			to, err = stripped(to)
		}
		if err != nil || to == nil {
			return cannot, err
		}
	}
	if x, err = x.referent(); err != nil {
		return 0, err
	}
	from, err := stripped(x.typ)
	if err != nil || from == nil {
		return cannot, err
	}
	switch {
	case isAggregate(to) || isAggregate(from):
		switch {
		case !isAggregate(to) || !isAggregate(from):
			return cannot, nil
		case to.Name == from.Name:
			return 0, nil
		}
		if base, err := x.Field(to.Name); err == nil && isBase(base, to) {
			return converts, nil
		}
		return cannot, nil
	case to.Kind == debuginfo.Pointer:
		return distanceOfPointers(x, from, to)
	case to.Kind == debuginfo.MemberPointer || from.Kind == debuginfo.MemberPointer:
		if to.String() == from.String() {
			return 0, nil
		}
		return cannot, nil
	case !x.IsScalar():
		return cannot, nil
	case to.Kind == from.Kind && to.Name == from.Name && to.Size == from.Size:
		return 0, nil
	case to.Kind == debuginfo.Enum:
		return strains, nil
	case from.Kind == debuginfo.Pointer:
		if to.Encoding == encBoolean {
			return 2 * converts, nil
		}
		return strains, nil
	case isFloat(from) && isFloat(to) && to.Name == "double" && from.Name == "float":
		return promotes, nil
	case !isFloat(from) && !isFloat(to) && to.Name == "int" && from.Size < 4:
		return promotes, nil
	case from.Kind == debuginfo.Enum && !isFloat(to) && to.Size == from.Size:
		return promotes, nil
	}
	return converts, nil
}

func distanceOfPointers(x *Value, from, to *debuginfo.Type) (int, error) {
	elem, err := to.Elem()
	if err == nil {
		elem, err = stripped(elem)
	}
	if err != nil {
		return 0, err
	}
	var own *debuginfo.Type
	switch from.Kind {
	case debuginfo.Pointer, debuginfo.Array:
		if own, err = from.Elem(); err == nil {
			own, err = stripped(own)
		}
		if err != nil {
			return 0, err
		}
	case debuginfo.Function:
		own = from
	case debuginfo.Unspecified:
		return promotes, nil
	default:
		if n, err := x.Int(); err == nil && n.Sign() == 0 {
			return converts + 1, nil
		}
		return strains, nil
	}
	switch {
	case elem == nil && own == nil, elem != nil && own != nil && elem.String() == own.String():
		return 0, nil
	case elem == nil:
		return converts + 1, nil
	case own != nil && isAggregate(elem) && isAggregate(own):
		const somewhere = 1 << 20
		if base, err := At(x.in, own, somewhere).Field(elem.Name); err == nil && isBase(base, elem) {
			return converts, nil
		}
	}
	return strains, nil
}
