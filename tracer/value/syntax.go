package value

import "math/big"

// A node is a part of an expression. Its op is the operator as it is written, with
// an x where one of one side stands before or behind it, or else one of those below.
type node struct {
	op   string
	at   int // offset in the source
	x, y *node
	args []*node  // of a call; the third part of "?:"
	text string   // a name, the contents of a string, the suffix of a number
	wide string   // the prefix of a string or character
	num  *big.Int // of a number or character
	real *big.Float
	typ  *typeName
}

const (
	opNumber   = "number"
	opChar     = "char"
	opString   = "string"
	opName     = "name"
	opRegister = "register"
	opIndex    = "[]"
	opCall     = "()"
	opCast     = "cast"    // (typ)x, typ(x), static_cast<typ>(x)
	opDynamic  = "dynamic" // dynamic_cast<typ>(x)
	opReread   = "reinterpret"
	opAt       = "{}" // {typ} x
	opSizeof   = "sizeof"
	opAlignof  = "alignof"
)

// A typeName is a type as it is written.
type typeName struct {
	at    int
	name  string // as debug information has it: "struct item", "unsigned long"
	basic bool   // whether name is a type that C has by itself
	steps []step // what is made of it, in order
}

// A step makes a type of another one.
type step struct {
	kind   byte // '*', '&', '[' or '('
	count  int64
	params []*typeName
	more   bool // "..." behind the parameters
}
