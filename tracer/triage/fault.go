package triage

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// This file finds which access of the instruction was not allowed, and the class that
// follows from it.

const (
	siKernel = 0x80 // si_code where the CPU tells no address: a general protection fault
	busAlign = 1    // BUS_ADRALN
	busError = 4    // BUS_MCEERR_AR, and BUS_MCEERR_AO behind it
	segvKey  = 4    // SEGV_PKUERR
	segvFlow = 10   // SEGV_CPERR: the shadow stack has another return address
	maxInst  = 15   // bytes
	pageSize = 4096
)

// violation reports whether the CPU raised the signal for an access to memory.
func (x *examination) violation() bool {
	sig := unix.Signal(x.Signal)
	return (sig == unix.SIGSEGV || sig == unix.SIGBUS) && x.Code > 0
}

// blind reports whether the kernel could not tell the address of the access.
func (x *examination) blind() bool { return x.Code == siKernel || x.unaligned() }

// unaligned reports whether the CPU was to check the alignment of all accesses, and one was not.
func (x *examination) unaligned() bool {
	return unix.Signal(x.Signal) == unix.SIGBUS && x.Code == busAlign
}

// unshadowed reports whether a return did not go where the shadow stack has it go.
func (x *examination) unshadowed() bool {
	return unix.Signal(x.Signal) == unix.SIGSEGV && x.Code == segvFlow
}

// canonical reports whether the CPU can address addr, which it cannot unless the upper
// bits are all alike. Five levels of page tables are not used unless asked for.
func canonical(addr uint64) bool { return addr>>47 == 0 || addr>>47 == 1<<17-1 }

// decode decodes the instruction at the pc, and finds the access that was not allowed.
func (x *examination) decode() {
	x.pc, x.sp = x.Regs.PC(), x.Regs.SP()
	x.listing = x.disassembly()
	var code [maxInst]byte
	n, _ := x.p.ReadAt(x.pc, code[:])
	if n > 0 && x.executable() {
		if i, err := disasm.Skim(code[:n], x.pc); err == nil {
			x.inst, x.accesses = &i, i.Accesses()
		}
	}
	x.repeat()
	if !x.violation() || x.unshadowed() {
		return
	}
	var regs []arch.Reg
	if a := x.accessed(); a != nil {
		regs = a.Registers()
		addr := a.Addr(&x.Regs)
		x.culprit, x.fault = a, &Fault{Access: "read", Addr: addr, Canonical: canonical(addr)}
		if a.Write {
			x.fault.Access = "write"
		}
		if !x.blind() {
			x.fault.Addr, x.fault.Canonical = x.Addr, true
		}
	} else if a, ok := x.aim(x.inst, &x.Regs); ok && x.blind() && !canonical(a.addr) {
		x.fault = &Fault{Access: "execute", Addr: a.addr, LoadedFrom: a.from}
		regs = a.regs
	} else if x.fetched() {
		x.fault = &Fault{Access: "execute", Addr: x.pc, Canonical: canonical(x.pc)}
		if x.executable() && !x.blind() {
			x.fault.Addr = x.Addr // which the instruction extends to
		}
		if a, ok := x.arrival(); ok {
			regs, x.fault.LoadedFrom = a.regs, a.from
		}
	} else if !x.blind() {
		x.fault = &Fault{Addr: x.Addr, Canonical: true}
	}
	for _, r := range regs {
		x.fault.Registers = append(x.fault.Registers, r.String())
	}
	if x.fault != nil {
		x.fault.NearNull = x.fault.Canonical && x.fault.Addr < x.near
	}
}

// executable reports whether the pc lies in memory that can be executed.
func (x *examination) executable() bool {
	m := x.mapping(x.pc)
	return m != nil && m.Perms&procfs.X != 0
}

// fetched reports whether it was the instruction itself that could not be read.
func (x *examination) fetched() bool {
	switch {
	case !x.executable():
		return true
	case x.blind() || x.inst != nil:
		return false
	}
	return x.Addr-x.pc < maxInst // it goes on in a page that cannot be executed
}

// accessed returns the access of the instruction that was not allowed, or nil.
func (x *examination) accessed() *disasm.Access {
	for i := range x.accesses {
		a := &x.accesses[i]
		addr, size := a.Addr(&x.Regs), uint64(max(a.Size, 1))
		switch {
		case a.Vector:
			if !x.blind() || !canonical(addr) {
				return a
			}
		case x.blind():
			if !canonical(addr) || !canonical(addr+size-1) || x.misaligned(a) {
				return a
			}
		case x.Addr-addr < max(size, unknownSize(a)):
			return a
		}
	}
	return nil
}

// unknownSize returns how far an access may reach whose size is not known: as far as
// the whole state of the vector unit.
func unknownSize(a *disasm.Access) uint64 {
	if a.Size == 0 {
		return pageSize
	}
	return 0
}

// misaligned reports whether an access must be aligned, and is not: the CPU then raises a
// general protection fault, too.
func (x *examination) misaligned(a *disasm.Access) bool {
	addr, n := a.Addr(&x.Regs), x.alignment(a)
	return n > 0 && canonical(addr) && addr%uint64(n) != 0 && x.readable(addr, n)
}

// alignment returns what the address of an access must be a multiple of, or 0: a vector's of
// its size, as far as it must at all.
func (x *examination) alignment(a *disasm.Access) int {
	mnemonic, _, _ := strings.Cut(strings.Trim(x.text(), " ()"), " ")
	switch {
	case strings.HasPrefix(mnemonic, "fxsave"), strings.HasPrefix(mnemonic, "fxrstor"):
		return 16
	case strings.HasPrefix(mnemonic, "xsave"), strings.HasPrefix(mnemonic, "xrstor"):
		return 64
	case a.Size >= 16 || x.unaligned():
		return a.Size
	}
	return 0
}

func (x *examination) readable(addr uint64, size int) bool {
	n, _ := x.p.ReadAt(addr, make([]byte, size))
	return n == size
}

// violated is the verdict on an access that was not allowed.
func (x *examination) violated() *verdict {
	sig := unix.Signal(x.Signal)
	if sig != unix.SIGSEGV && sig != unix.SIGBUS {
		return nil
	}
	if !x.violation() {
		return say("AccessViolation", "%s", x.sent())
	}
	if x.unshadowed() {
		ra, _ := x.word(x.sp)
		return say("ReturnAv", "The instruction at %#x%s returns to %#x, at %#x on the stack, which is not what the shadow stack has: the return address was overwritten.", x.pc, x.text(), ra, x.sp)
	}
	f := x.fault
	if f == nil {
		return x.protected()
	}
	if v := x.exhausted(); v != nil {
		return v
	}
	name := "AccessViolation"
	switch {
	case x.inst != nil && x.inst.Kind == disasm.Return && (x.culprit != nil || f.Access == "execute"):
		name = "ReturnAv"
	case x.inst != nil && x.inst.Kind == disasm.Call && (f.Access == "execute" || x.culprit != nil && !x.culprit.Stack):
		name = nearNull("CallAv", f.NearNull)
	case x.inst != nil && x.inst.Kind == disasm.Jump && (f.Access == "execute" || x.culprit != nil):
		name = nearNull("BranchAv", f.NearNull)
	case f.Access == "execute":
		name = nearNull("SegFaultOnPc", f.NearNull)
	case x.culprit != nil && x.blind() && f.Canonical:
		return say("AccessViolation", "%s%s at %#x, which is no multiple of %d as it must be.%s", x.subject(), x.size(), f.Addr, x.alignment(x.culprit), x.origin())
	case f.Access == "write":
		name = nearNull("DestAv", f.NearNull && sig != unix.SIGBUS)
	case f.Access == "read" && sig == unix.SIGBUS && !x.blind():
		name = "SourceAv"
	case f.Access == "read" && f.NearNull:
		name = "SourceAvNearNull"
	case f.Access == "read":
		name = "SourceAv"
		if use, class := x.taint(); use != "" {
			return say(class, "%s%s %s", x.reason(), x.origin(), use)
		}
	}
	return say(name, "%s%s%s", x.reason(), x.origin(), x.nearness())
}

// protected is the verdict on a general protection fault that no access to memory is the reason of.
func (x *examination) protected() *verdict {
	name, why := "BadInstruction", "it is not permitted"
	if len(x.accesses) > 0 {
		why = "the memory that it accesses is not the reason, so it is not permitted, or not with its operands"
	}
	if x.inst != nil { // a far one, of which others do not get here
		if branch, ok := map[disasm.Kind]string{disasm.Return: "ReturnAv", disasm.Call: "CallAv", disasm.Jump: "BranchAv"}[x.inst.Kind]; ok {
			name, why = branch, "the segment that it goes to is not permitted"
		}
	}
	return say(name, "The instruction at %#x%s raised a general protection fault: %s.", x.pc, x.text(), why)
}

// subject begins the sentence about the access: "The instruction at 0x401196 (mov
// dword ptr [rax], 0x1) writes".
func (x *examination) subject() string {
	verb := map[string]string{"read": "reads", "write": "writes"}[x.fault.Access]
	if x.culprit != nil && x.culprit.Stack {
		verb = map[string]string{"read": "pops", "write": "pushes"}[x.fault.Access]
	}
	return fmt.Sprintf("The instruction at %#x%s %s", x.pc, x.text(), verb)
}

// reason says what was accessed and why that is not allowed.
func (x *examination) reason() string {
	f := x.fault
	switch {
	case f.Access == "execute" && f.Addr != x.pc && f.Canonical:
		return fmt.Sprintf("The instruction at %#x goes on at %#x, %s.%s", x.pc, f.Addr, x.obstacle(f.Addr, procfs.X), x.led())
	case f.Access == "execute" && f.Addr != x.pc:
		return fmt.Sprintf("The instruction at %#x%s goes to %#x, which is not canonical: the CPU has no such address.%s", x.pc, x.text(), f.Addr, x.led())
	case f.Access == "execute":
		return fmt.Sprintf("The program counter is %#x, %s.%s", f.Addr, x.obstacle(f.Addr, procfs.X), x.led())
	case f.Access == "":
		return fmt.Sprintf("The instruction at %#x%s accesses %#x, %s.", x.pc, x.text(), f.Addr, x.obstacle(f.Addr, 0))
	}
	need := procfs.R
	if f.Access == "write" {
		need = procfs.W
	}
	return fmt.Sprintf("%s%s at %#x, %s.", x.subject(), x.size(), f.Addr, x.obstacle(f.Addr, need))
}

// size says how much was accessed, if that is known.
func (x *examination) size() string {
	if x.culprit.Size == 0 {
		return ""
	}
	return " " + byteCount(x.culprit.Size)
}

// led says where the address that was gone to was taken from.
func (x *examination) led() string {
	f := x.fault
	if f.LoadedFrom == 0 {
		return ""
	}
	m, where := x.mapping(f.LoadedFrom), ""
	if m != nil && m.Path != "" {
		where = ", in " + m.Path
	}
	return fmt.Sprintf(" It was taken from %#x%s.", f.LoadedFrom, where)
}

// byteCount writes a number of bytes.
func byteCount(n int) string {
	if n == 1 {
		return "a byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// obstacle says why addr cannot be accessed.
func (x *examination) obstacle(addr uint64, need procfs.Perms) string {
	m := x.mapping(addr)
	switch {
	case !canonical(addr):
		return "which is not canonical: the CPU has no such address"
	case m == nil && addr>>63 != 0:
		return "which belongs to the kernel"
	case m == nil:
		return "where nothing is mapped"
	case unix.Signal(x.Signal) == unix.SIGBUS && (x.Code == busError || x.Code == busError+1):
		return "where the hardware has found a memory error"
	case unix.Signal(x.Signal) == unix.SIGBUS && x.Code != siKernel && m.Path != "":
		return fmt.Sprintf("behind the end of the file %s", m.Path)
	case unix.Signal(x.Signal) == unix.SIGSEGV && x.Code == segvKey:
		return fmt.Sprintf("in memory that is %s%s, but whose protection key does not allow it", m.Perms, named(m.Path))
	}
	return fmt.Sprintf("in memory that is %s%s", m.Perms, named(m.Path))
}

func named(path string) string {
	if path == "" {
		return ""
	}
	return " (" + path + ")"
}

// origin names the registers that the address was computed from.
func (x *examination) origin() string {
	if x.culprit == nil {
		return ""
	}
	regs := x.culprit.Registers()
	if s := x.culprit.Segment; s != disasm.NoReg {
		regs = append(regs, s)
	}
	var parts []string
	for _, r := range regs {
		parts = append(parts, fmt.Sprintf("%s is %#x", r, x.Regs[r]))
	}
	if len(parts) == 0 {
		return ""
	}
	return " " + strings.Join(parts, ", ") + "."
}

// nearness says whether the address is near the null pointer.
func (x *examination) nearness() string {
	if !x.fault.NearNull {
		return ""
	}
	return fmt.Sprintf(" That is near the null pointer, below %#x.", x.near)
}

// exhausted is the verdict on a stack that is used up: the access is at the stack
// pointer, below the end of the memory that holds the callers' frames.
func (x *examination) exhausted() *verdict {
	const (
		reach = 1 << 16 // of an access below the stack pointer, or of what the last page leaves
		most  = 1 << 30 // bytes of a function's frame
	)
	f := x.fault
	if !f.Canonical || f.Access == "execute" || f.NearNull || f.Addr < x.sp-reach {
		return nil
	}
	i := 0
	for i < len(x.maps) && (x.maps[i].End <= f.Addr || x.maps[i].Perms&procfs.W == 0) {
		i++
	}
	if i == len(x.maps) {
		return nil
	}
	stack := &x.maps[i]
	if f.Addr >= stack.Start || stack.Start-f.Addr > most || x.sp > stack.Start+reach || !x.holdsFrames(stack) {
		return nil
	}
	where := "the stack"
	if stack.Path != "" {
		where = stack.Path
	}
	depth := len(x.Stack.Frames) + x.Stack.Elided
	return say("StackOverflow", "%s at %#x, %d bytes below %s, which begins at %#x; rsp is %#x, and there are %d frames.",
		x.subject(), f.Addr, stack.Start-f.Addr, where, stack.Start, x.sp, depth)
}

// holdsFrames reports whether the frame of a caller lies in a mapping.
func (x *examination) holdsFrames(m *procfs.Mapping) bool {
	frames := x.Stack.Frames
	for i := range frames[:min(len(frames), 3)] {
		for _, addr := range []uint64{frames[i].SP, frames[i].CFA} {
			if m.Start <= addr && addr < m.End {
				return true
			}
		}
	}
	return false
}
