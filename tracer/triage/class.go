package triage

import "slices"

// A Severity says how likely a crash is to be of use to an attacker.
type Severity string

// The severities, from the worst on.
const (
	Exploitable         Severity = "EXPLOITABLE"
	ProbablyExploitable Severity = "PROBABLY_EXPLOITABLE"
	NotExploitable      Severity = "NOT_EXPLOITABLE"
	Undefined           Severity = "UNDEFINED"
)

// severities are the severities in order.
var severities = []Severity{Exploitable, ProbablyExploitable, NotExploitable, Undefined}

// Rank returns the severity's place among them all: 0 is the worst.
func (s Severity) Rank() int {
	if i := slices.Index(severities, s); i >= 0 {
		return i
	}
	return len(severities)
}

// A class is a kind of crash, named as CASR names it.
type class struct {
	name        string
	severity    Severity
	description string
}

// classes are all there are. Those of sanitizers are below, each with what it is when
// the report tells whether the access was a read or a write.
var classes = append([]class{
	{"SegFaultOnPc", Exploitable, "execution of memory that holds no code"},
	{"ReturnAv", Exploitable, "access violation of a return"},
	{"BranchAv", Exploitable, "access violation of a jump"},
	{"CallAv", Exploitable, "access violation of a call"},
	{"DestAv", Exploitable, "access violation of a write"},
	{"BranchAvTainted", Exploitable, "access violation of a read whose value a jump would follow"},
	{"CallAvTainted", Exploitable, "access violation of a read whose value would be called"},
	{"DestAvTainted", Exploitable, "access violation of a read whose value would be the address of a write"},
	{"param-overlap", Exploitable, "memory ranges that overlap where they must not"},

	{"BadInstruction", ProbablyExploitable, "bytes that are no instruction, or one that is not permitted"},
	{"SegFaultOnPcNearNull", ProbablyExploitable, "execution of memory near the null pointer"},
	{"BranchAvNearNull", ProbablyExploitable, "access violation of a jump, near the null pointer"},
	{"CallAvNearNull", ProbablyExploitable, "access violation of a call, near the null pointer"},
	{"DestAvNearNull", ProbablyExploitable, "access violation of a write near the null pointer"},
	{"StackGuard", ProbablyExploitable, "stack buffer overflow, noticed by the stack protector"},
	{"HeapError", ProbablyExploitable, "heap corruption, noticed by the allocator"},
	{"use-after-poison", ProbablyExploitable, "use of poisoned memory"},
	{"negative-size-param", ProbablyExploitable, "negative size of a memory range"},
	{"calloc-overflow", ProbablyExploitable, "overflow of the size given to calloc"},
	{"reallocarray-overflow", ProbablyExploitable, "overflow of the size given to reallocarray"},
	{"pvalloc-overflow", ProbablyExploitable, "overflow of the size given to pvalloc"},
	{"overwrites-const-input", ProbablyExploitable, "write to the constant input of a fuzz target"},

	{"AbortSignal", NotExploitable, "abort"},
	{"TrapSignal", NotExploitable, "trap"},
	{"AccessViolation", NotExploitable, "access violation"},
	{"SourceAv", NotExploitable, "access violation of a read"},
	{"SourceAvNearNull", NotExploitable, "access violation of a read near the null pointer"},
	{"SafeFunctionCheck", NotExploitable, "overflow noticed by a checked function of the C library"},
	{"FPE", NotExploitable, "arithmetic exception"},
	{"StackOverflow", NotExploitable, "stack exhaustion"},
	{"double-free", NotExploitable, "release of memory that was released already"},
	{"bad-free", NotExploitable, "release of memory that was not allocated"},
	{"alloc-dealloc-mismatch", NotExploitable, "release of memory by the wrong function"},
	{"unknown-crash", NotExploitable, "invalid memory access"},
	{"initialization-order-fiasco", NotExploitable, "use of a global variable before its initialisation"},
	{"new-delete-type-mismatch", NotExploitable, "release of another size than was allocated"},
	{"bad-malloc_usable_size", NotExploitable, "malloc_usable_size of memory that was not allocated"},
	{"odr-violation", NotExploitable, "several definitions of one symbol"},
	{"memory-leaks", NotExploitable, "memory leak"},
	{"invalid-allocation-alignment", NotExploitable, "invalid alignment of an allocation"},
	{"invalid-aligned-alloc-alignment", NotExploitable, "invalid alignment given to aligned_alloc"},
	{"invalid-posix-memalign-alignment", NotExploitable, "invalid alignment given to posix_memalign"},
	{"allocation-size-too-big", NotExploitable, "allocation of more than there can be"},
	{"out-of-memory", NotExploitable, "memory limit exceeded"},
	{"fuzz target exited", NotExploitable, "exit of a fuzz target"},
	{"timeout", NotExploitable, "time limit exceeded"},
	{"use-of-uninitialized-value", NotExploitable, "use of an uninitialised value"},

	{"RustPanic", NotExploitable, "panic of Rust"},
	{"GoPanic", NotExploitable, "panic of Go"},
	{"Undefined", Undefined, "no crash of a known kind"},
}, accessClasses()...)

// accessClasses returns the classes of sanitizers whose severity depends on the
// access: "heap-buffer-overflow(read)", "heap-buffer-overflow(write)" and, where the
// report does not tell, "heap-buffer-overflow".
func accessClasses() (list []class) {
	for _, c := range []struct{ name, description string }{
		{"heap-buffer-overflow", "access outside of a heap buffer"},
		{"dynamic-stack-buffer-overflow", "access outside of a variable-length stack buffer"},
		{"global-buffer-overflow", "access outside of a global buffer"},
		{"stack-buffer-overflow", "access outside of a stack buffer"},
		{"stack-buffer-underflow", "access before a stack buffer"},
		{"stack-use-after-scope", "use of a local variable outside of its scope"},
		{"stack-use-after-return", "use of a local variable of a function that has returned"},
		{"heap-use-after-free", "use of memory that was released"},
		{"container-overflow", "access outside of a container's elements"},
	} {
		list = append(list,
			class{c.name, ProbablyExploitable, c.description},
			class{c.name + "(read)", NotExploitable, "read " + c.description},
			class{c.name + "(write)", Exploitable, "write " + c.description})
	}
	return list
}

// classNamed returns the class of a name.
func classNamed(name string) (class, bool) {
	i := slices.IndexFunc(classes, func(c class) bool { return c.name == name })
	if i < 0 {
		return class{name, Undefined, "no crash of a known kind"}, false
	}
	return classes[i], true
}

// SeverityOf returns the severity of the class of a name; ok is false if there is none.
func SeverityOf(name string) (s Severity, ok bool) {
	c, ok := classNamed(name)
	return c.severity, ok
}

// nearNull returns the class for a fault near the null pointer in place of one of
// an address that may be chosen.
func nearNull(name string, near bool) string {
	if near {
		return name + "NearNull"
	}
	return name
}
