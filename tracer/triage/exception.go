package triage

import (
	"bytes"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/ianlancetaylor/demangle"
)

// This file finds the C++ exception that nobody catches in memory.

// The header of an exception of the Itanium C++ ABI, of which the functions that
// unwind hold pointers to the part that is theirs (struct __cxa_exception).
const (
	exceptionType   = uint64(1<<64 - 80) // from that part
	exceptionObject = 32
	typeName        = 8 // in a std::type_info
	typeBase        = 16
)

// exceptionClasses begin the unwinder's part: "GNUCC++\0", of libc++ "CLNGC++\0". Where
// std::rethrow_exception throws it, "GNUCC++\x01", and a pointer to the exception is where else
// its type is (struct __cxa_dependent_exception).
var exceptionClasses = map[uint64]bool{0x474e5543432b2b00: true, 0x434c4e47432b2b00: true, dependent: true}

const dependent = 0x474e5543432b2b01

// exception returns the type and the text of the exception that is under way, such as
// "std::runtime_error: no such key", or "".
func (x *examination) exception() string {
	last := x.frameOf("cxa_throw", "cxa_rethrow", "std::terminate", "std::terminate()")
	if last < 0 {
		return ""
	}
	start, end := x.sp, x.Stack.Frames[last].CFA
	if end == 0 || end < start || end-start > 1<<16 {
		end = start + 1<<14
	}
	stack := make([]byte, end-start)
	n, _ := x.p.ReadAt(start, stack)
	seen := make(map[uint64]bool)
	candidates := make([]uint64, 0, n/8)
	for i := 0; i+8 <= n; i += 8 {
		candidates = append(candidates, binary.LittleEndian.Uint64(stack[i:]))
	}
	for _, p := range candidates {
		if p%16 != 0 || seen[p] || x.mapping(p) == nil {
			continue
		}
		seen[p] = true
		if class, ok := x.word(p); ok && exceptionClasses[class] {
			if class == dependent {
				object, _ := x.word(p + exceptionType)
				p = object - exceptionObject
			}
			if s := x.describe(p); s != "" {
				return s
			}
		}
	}
	return ""
}

// describe describes the exception whose unwinder's part lies at p.
func (x *examination) describe(p uint64) string {
	typ, ok := x.word(p + exceptionType)
	if !ok {
		return ""
	}
	name := x.typeName(typ)
	if name == "" {
		return ""
	}
	object := p + exceptionObject
	text := ""
	switch {
	case name == "char const*" || name == "char*":
		if q, ok := x.word(object); ok {
			text = x.cstring(q, maxMessage)
		}
	case name == "std::string" || strings.HasPrefix(name, "std::__cxx11::basic_string<char"):
		text = x.string(object)
	case name == "int" || name == "unsigned int" || name == "long" || name == "unsigned long":
		if v, ok := x.word(object); ok {
			text = integer(name, v)
		}
	case x.derives(typ, "St11logic_error", "St13runtime_error"):
		// Behind the table of virtual functions lies a pointer to the text.
		if q, ok := x.word(object + 8); ok {
			text = x.cstring(q, maxMessage)
		}
	}
	if text == "" {
		return name
	}
	return name + ": " + text
}

// typeName returns the name of a std::type_info.
func (x *examination) typeName(typ uint64) string {
	p, ok := x.word(typ + typeName)
	if !ok || x.mapping(p) == nil {
		return ""
	}
	mangled := strings.TrimPrefix(x.cstring(p, 1<<10), "*")
	if mangled == "" {
		return ""
	}
	name, err := demangle.ToString("_ZTS"+mangled, demangle.NoClones)
	if err != nil {
		return mangled
	}
	return strings.TrimPrefix(name, "typeinfo name for ")
}

// derives reports whether a type is one of those named, or has one of them for its
// only base, or that one's.
func (x *examination) derives(typ uint64, mangled ...string) bool {
	for range 16 {
		p, ok := x.word(typ + typeName)
		if !ok {
			return false
		}
		name := x.cstring(p, 1<<10)
		for _, m := range mangled {
			if name == m {
				return true
			}
		}
		if typ, ok = x.word(typ + typeBase); !ok || x.mapping(typ) == nil {
			return false
		}
	}
	return false
}

// string returns the text of a std::string of libstdc++.
func (x *examination) string(addr uint64) string {
	p, ok := x.word(addr)
	n, ok2 := x.word(addr + 8)
	if !ok || !ok2 {
		return ""
	}
	text := make([]byte, min(n, maxMessage))
	got, _ := x.p.ReadAt(p, text)
	return string(bytes.ToValidUTF8(text[:got], nil))
}

// integer returns the value of an exception that is a number.
func integer(typ string, v uint64) string {
	switch typ {
	case "int":
		return strconv.Itoa(int(int32(v)))
	case "unsigned int":
		return strconv.FormatUint(uint64(uint32(v)), 10)
	case "long":
		return strconv.FormatInt(int64(v), 10)
	}
	return strconv.FormatUint(v, 10)
}
