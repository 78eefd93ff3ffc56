package debuginfo

import "debug/dwarf"

// Result returns the type of what the function returns; nil is void.
func (f *Func) Result() (*Type, error) {
	e, err := f.u.readEntry(f.off)
	if err != nil {
		return nil, err
	}
	v, at := e.inherited(dwarf.AttrType)
	if at == nil {
		return nil, nil
	}
	return at.u.typeOf(v)
}
