package debuginfo

// This file makes types that no file has.

// nowhere is the entry of types that no file has.
var nowhere = &entry{u: &unit{data: new(Data)}, ab: new(abbrev)}

// NewBase returns a base type of size bytes, with the encoding DW_ATE_*.
func NewBase(name string, size int64, encoding uint64) *Type {
	return &Type{Kind: Base, Name: name, Size: size, Encoding: encoding, e: nowhere}
}

// PointerTo returns the type of pointers to t.
func PointerTo(t *Type) *Type { return &Type{Kind: Pointer, Size: 8, elem: t, e: nowhere} }

// ArrayOf returns the type of arrays of n elements of type t, which is not void.
func ArrayOf(t *Type, n int64) *Type {
	a := &Type{Kind: Array, Size: -1, elem: t, dims: []Dim{{Count: n, e: nowhere}}, e: nowhere}
	if t.Size >= 0 && n >= 0 && (n == 0 || t.Size <= 1<<62/n) {
		a.Size = t.Size * n
	}
	return a
}

// Row returns the type of what an index selects of an array: its elements' type, or
// for one of several dimensions an array of the others.
func (t *Type) Row() (*Type, error) {
	elem, err := t.Elem()
	if err != nil || elem == nil {
		return nil, err
	}
	dims := t.Dims()
	if len(dims) < 2 {
		return elem, nil
	}
	row := &Type{Kind: Array, Size: elem.Size, elem: elem, dims: dims[1:], e: t.e}
	for _, d := range row.dims {
		if row.Size < 0 || d.Count < 0 || d.Count > 0 && row.Size > 1<<62/d.Count {
			row.Size = -1
			break
		}
		row.Size *= d.Count
	}
	return row, nil
}

// ReferenceTo returns the type of references to t, which is not void.
func ReferenceTo(t *Type) *Type { return &Type{Kind: Reference, Size: 8, elem: t, e: nowhere} }

// FunctionOf returns the type of functions that return ret, or nothing if that is nil,
// and take parameters, and more of them if it is variadic.
func FunctionOf(ret *Type, params []Param, variadic bool) *Type {
	return &Type{Kind: Function, Size: -1, elem: ret, params: params, variadic: variadic, e: nowhere}
}

// UnionOf returns a union with a name whose members are the fields.
func UnionOf(name string, size int64, fields []Field) *Type {
	return &Type{Kind: Union, Name: name, Size: size, fields: fields, e: nowhere}
}

// NewField returns a member of type t at the start of a type.
func NewField(name string, t *Type) Field { return Field{Name: name, typ: t, e: nowhere} }
