package debuginfo

import (
	"debug/dwarf"
	"strings"
)

// Type returns the type of the function.
func (f *Func) Type() (*Type, error) {
	e, err := f.u.readEntry(f.off)
	if err != nil {
		return nil, err
	}
	return e.functionType()
}

// functionType returns the type of the function that e declares or is an instance of.
func (e *entry) functionType() (*Type, error) {
	var ret *Type
	var err error
	if v, at := e.inherited(dwarf.AttrType); at != nil {
		if ret, err = at.u.typeOf(v); err != nil {
			return nil, err
		}
	}
	params, variadic := []Param{}, false
	var failed error
	err = e.children(func(c *entry) bool {
		switch c.ab.tag {
		case dwarf.TagFormalParameter:
			var p Param
			if v, at := c.inherited(dwarf.AttrType); at != nil {
				p.Type, failed = at.u.typeOf(v)
			}
			artificial, _ := c.inherited(dwarf.AttrArtificial)
			p.Artificial = artificial.u != 0
			params = append(params, p)
		case dwarf.TagUnspecifiedParameters:
			variadic = true
		}
		return failed == nil
	})
	if failed != nil {
		err = failed
	}
	return FunctionOf(ret, params, variadic), err
}

// Constant returns the enumerator called name and its type, of those outside of
// functions in the unit with the code at pc. The name may have the scopes of the
// enumeration before it. The error is ErrNotFound if there is none.
func (d *Data) Constant(name string, pc uint64) (*Type, int64, error) {
	var t *Type
	var found int64
	var failed error
	scope, plain := "", name
	if i := strings.LastIndex(name, "::"); i >= 0 {
		scope, plain = name[:i], name[i+2:]
	}
	var look func(e *entry, depth int) bool
	look = func(e *entry, depth int) bool {
		err := e.children(func(c *entry) bool {
			switch c.ab.tag {
			case dwarf.TagNamespace, dwarf.TagStructType, dwarf.TagClassType, dwarf.TagUnionType:
				return depth >= maxTypes || look(c, depth+1)
			case dwarf.TagEnumerationType:
			default:
				return true
			}
			outer := c.qualifiedName()
			outer = outer[:max(0, len(outer)-len(c.name())-len("::"))]
			if scope != "" && !matches(outer, scope) || c.flag(dwarf.AttrEnumClass) {
				return true
			}
			err := c.children(func(k *entry) bool {
				if k.ab.tag != dwarf.TagEnumerator || k.name() != plain {
					return true
				}
				if t, failed = c.u.typeAt(c.off); t != nil {
					found = t.enumValue(k.get(dwarf.AttrConstValue))
				}
				return false
			})
			if failed == nil {
				failed = err
			}
			return t == nil && failed == nil
		})
		if failed == nil {
			failed = err
		}
		return t == nil && failed == nil
	}
	d.unitsAt(pc, func(u *unit) bool {
		u, err := u.whole()
		if err != nil {
			failed = err
			return false
		}
		root, err := u.readEntry(u.start)
		if err != nil {
			failed = err
			return false
		}
		return look(root, 0)
	})
	if t == nil && failed == nil {
		failed = d.noName("enumerator", name)
	}
	return t, found, failed
}
