// Package arch describes the x86-64 register file as data: the names, places
// and widths of the registers, and their DWARF numbers.
//
// It knows no process. Package tracer reads and writes the values; package
// unwind computes them for callers' frames.
package arch

// A Reg is the index of a register in Regs.
type Reg uint8

// The general set, in the order of struct user_regs_struct (sys/user.h), which
// is what PTRACE_GETREGS fills and a core's NT_PRSTATUS holds.
const (
	R15 Reg = iota
	R14
	R13
	R12
	RBP
	RBX
	R11
	R10
	R9
	R8
	RAX
	RCX
	RDX
	RSI
	RDI
	OrigRAX
	RIP
	CS
	EFLAGS
	RSP
	SS
	FSBase
	GSBase
	DS
	ES
	FS
	GS

	NumRegs = iota
)

// Regs is the general register set of a thread, laid out as struct
// user_regs_struct.
type Regs [NumRegs]uint64

// PC returns the program counter, rip.
func (r *Regs) PC() uint64 { return r[RIP] }

// SP returns the stack pointer, rsp.
func (r *Regs) SP() uint64 { return r[RSP] }

// A Register names a register or a part of one.
type Register struct {
	Name  string
	Reg   Reg   // the register that holds it
	Shift uint8 // its lowest bit there
	Bits  uint8 // its width
}

// Get returns the register's value in r.
func (d *Register) Get(r *Regs) uint64 { return r[d.Reg] >> d.Shift & d.mask() }

// Set stores v in r the way the CPU does: writing a 32-bit register clears the
// upper half (SDM volume 1, 3.4.1.1), writing a narrower one leaves the rest.
// The bits of v above the register's width are ignored.
func (d *Register) Set(r *Regs, v uint64) {
	if d.Bits == 32 && d.Reg != EFLAGS {
		r[d.Reg] = v & d.mask()
		return
	}
	r[d.Reg] = r[d.Reg]&^(d.mask()<<d.Shift) | (v&d.mask())<<d.Shift
}

func (d *Register) mask() uint64 { return ^uint64(0) >> (64 - d.Bits) }

// Registers lists the whole registers of the general set, in the order in
// which manuals and debuggers print them.
var Registers = []Register{
	{"rax", RAX, 0, 64}, {"rbx", RBX, 0, 64}, {"rcx", RCX, 0, 64}, {"rdx", RDX, 0, 64},
	{"rsi", RSI, 0, 64}, {"rdi", RDI, 0, 64}, {"rbp", RBP, 0, 64}, {"rsp", RSP, 0, 64},
	{"r8", R8, 0, 64}, {"r9", R9, 0, 64}, {"r10", R10, 0, 64}, {"r11", R11, 0, 64},
	{"r12", R12, 0, 64}, {"r13", R13, 0, 64}, {"r14", R14, 0, 64}, {"r15", R15, 0, 64},
	{"rip", RIP, 0, 64}, {"eflags", EFLAGS, 0, 32},
	{"cs", CS, 0, 16}, {"ss", SS, 0, 16}, {"ds", DS, 0, 16}, {"es", ES, 0, 16},
	{"fs", FS, 0, 16}, {"gs", GS, 0, 16},
	{"fs_base", FSBase, 0, 64}, {"gs_base", GSBase, 0, 64}, {"orig_rax", OrigRAX, 0, 64},
}

// Parts lists the sub-registers.
var Parts = []Register{
	{"eax", RAX, 0, 32}, {"ax", RAX, 0, 16}, {"al", RAX, 0, 8}, {"ah", RAX, 8, 8},
	{"ebx", RBX, 0, 32}, {"bx", RBX, 0, 16}, {"bl", RBX, 0, 8}, {"bh", RBX, 8, 8},
	{"ecx", RCX, 0, 32}, {"cx", RCX, 0, 16}, {"cl", RCX, 0, 8}, {"ch", RCX, 8, 8},
	{"edx", RDX, 0, 32}, {"dx", RDX, 0, 16}, {"dl", RDX, 0, 8}, {"dh", RDX, 8, 8},
	{"esi", RSI, 0, 32}, {"si", RSI, 0, 16}, {"sil", RSI, 0, 8},
	{"edi", RDI, 0, 32}, {"di", RDI, 0, 16}, {"dil", RDI, 0, 8},
	{"ebp", RBP, 0, 32}, {"bp", RBP, 0, 16}, {"bpl", RBP, 0, 8},
	{"esp", RSP, 0, 32}, {"sp", RSP, 0, 16}, {"spl", RSP, 0, 8},
	{"r8d", R8, 0, 32}, {"r8w", R8, 0, 16}, {"r8b", R8, 0, 8},
	{"r9d", R9, 0, 32}, {"r9w", R9, 0, 16}, {"r9b", R9, 0, 8},
	{"r10d", R10, 0, 32}, {"r10w", R10, 0, 16}, {"r10b", R10, 0, 8},
	{"r11d", R11, 0, 32}, {"r11w", R11, 0, 16}, {"r11b", R11, 0, 8},
	{"r12d", R12, 0, 32}, {"r12w", R12, 0, 16}, {"r12b", R12, 0, 8},
	{"r13d", R13, 0, 32}, {"r13w", R13, 0, 16}, {"r13b", R13, 0, 8},
	{"r14d", R14, 0, 32}, {"r14w", R14, 0, 16}, {"r14b", R14, 0, 8},
	{"r15d", R15, 0, 32}, {"r15w", R15, 0, 16}, {"r15b", R15, 0, 8},
	{"eip", RIP, 0, 32},
}

// Flags lists the bits of eflags by their short names (SDM volume 1, 3.4.3).
var Flags = []Register{
	{"cf", EFLAGS, 0, 1}, {"pf", EFLAGS, 2, 1}, {"af", EFLAGS, 4, 1}, {"zf", EFLAGS, 6, 1},
	{"sf", EFLAGS, 7, 1}, {"tf", EFLAGS, 8, 1}, {"if", EFLAGS, 9, 1}, {"df", EFLAGS, 10, 1},
	{"of", EFLAGS, 11, 1}, {"iopl", EFLAGS, 12, 2}, {"nt", EFLAGS, 14, 1}, {"rf", EFLAGS, 16, 1},
	{"vm", EFLAGS, 17, 1}, {"ac", EFLAGS, 18, 1}, {"vif", EFLAGS, 19, 1}, {"vip", EFLAGS, 20, 1},
	{"id", EFLAGS, 21, 1},
}

var byName = func() map[string]*Register {
	m := make(map[string]*Register)
	for _, list := range [][]Register{Registers, Parts} {
		for i := range list {
			m[list[i].Name] = &list[i]
		}
	}
	return m
}()

// Lookup returns the register or sub-register called name, or nil.
func Lookup(name string) *Register { return byName[name] }

// LookupFlag returns the bit of eflags called name, or nil.
func LookupFlag(name string) *Register {
	for i := range Flags {
		if Flags[i].Name == name {
			return &Flags[i]
		}
	}
	return nil
}

// String returns the register's name.
func (r Reg) String() string {
	for i := range Registers {
		if Registers[i].Reg == r {
			return Registers[i].Name
		}
	}
	return "?"
}

// NumDWARF is the number of DWARF registers that FromDWARF maps: the sixteen
// general ones and the return address column.
const NumDWARF = 17

// FromDWARF gives the register of a DWARF number below NumDWARF (System V ABI,
// AMD64 supplement, figure 3.36). Number 16, the return address, is rip.
var FromDWARF = [NumDWARF]Reg{
	RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, RIP,
}
