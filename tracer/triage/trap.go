package triage

// This file knows the instructions that are made to end a program.

// checks are clang's checks of undefined behaviour, by the number that -fsanitize-trap
// leaves in the instruction (clang/lib/CodeGen/CodeGenFunction.h, LIST_SANITIZER_CHECKS).
var checks = []string{
	"an addition overflows", "an unreachable place was reached", "a check of control flow integrity failed", "a division by zero, or one that overflows",
	"an object has another dynamic type", "a floating-point number is out of range", "a function has another type", "an implicit conversion changed the value",
	"a builtin has an invalid argument", "an Objective-C cast is invalid", "a value is none of its type", "a function returned no value",
	"a multiplication overflows", "a negation overflows", "a null argument is not allowed", "a null return value is not allowed",
	"a null argument is not allowed", "a null return value is not allowed", "an index is out of bounds", "pointer arithmetic overflows",
	"a shift is out of bounds", "a subtraction overflows", "a pointer is null, misaligned or to another type", "an assumed alignment does not hold",
	"the length of an array is not positive",
}

// check says which check ended the program, if the instruction at the pc is ud2 or ud1,
// which compilers end programs by.
func (x *examination) check() string {
	code := make([]byte, 5)
	n, _ := x.p.ReadAt(x.pc, code)
	switch {
	case n >= 2 && code[0] == 0x0f && code[1] == 0x0b:
		return "__builtin_trap, a failed check or code that cannot be reached"
	case n == len(code) && string(code[:4]) == "\x67\x0f\xb9\x40" && int(code[4]) < len(checks): // ud1 eax, [eax+n]
		return "by clang's -fsanitize-trap, " + checks[code[4]]
	case n >= 2 && code[0] == 0x0f && code[1] == 0xb9:
		return "a failed check"
	}
	return ""
}
