//go:build linux && amd64

package ptrace

import (
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ntX86XState is the type of the register set that is an XSAVE area (linux/elf.h).
const ntX86XState = 0x202

// CPUID asks the CPU what it can do (SDM volume 2, CPUID).
func CPUID(leaf, subleaf uint32) (eax, ebx, ecx, edx uint32)

// GetXState reads the extended registers of a stopped thread into area, in the
// standard form of XSAVE, and returns how many bytes there are.
func GetXState(tid int, area []byte) (int, error) {
	iov := unix.Iovec{Base: unsafe.SliceData(area), Len: uint64(len(area))}
	err := exchange(unix.PTRACE_GETREGSET, tid, ntX86XState, unsafe.Pointer(&iov))
	return int(iov.Len), err
}

// SetXState writes the extended registers of a stopped thread. The kernel takes
// areas of the size that GetXState returns.
func SetXState(tid int, area []byte) error {
	iov := unix.Iovec{Base: unsafe.SliceData(area), Len: uint64(len(area))}
	return exchange(unix.PTRACE_SETREGSET, tid, ntX86XState, unsafe.Pointer(&iov))
}

// An FPRegs is the x87 and SSE registers, in the layout of FXSAVE.
type FPRegs [512]byte

// GetFPRegs reads the x87 and SSE registers of a stopped thread.
func GetFPRegs(tid int, regs *FPRegs) error {
	return exchange(unix.PTRACE_GETFPREGS, tid, 0, unsafe.Pointer(regs))
}

// SetFPRegs writes the x87 and SSE registers of a stopped thread. An mxcsr with
// reserved bits is EINVAL.
func SetFPRegs(tid int, regs *FPRegs) error {
	return exchange(unix.PTRACE_SETFPREGS, tid, 0, unsafe.Pointer(regs))
}

// debugReg is where struct user (sys/user.h) has dr0. The others follow.
const debugReg = 848

// GetDebugReg reads a debug register of a stopped thread.
func GetDebugReg(tid, n int) (uint64, error) {
	var v uint64
	err := exchange(unix.PTRACE_PEEKUSR, tid, uintptr(debugReg+8*n), unsafe.Pointer(&v))
	return v, err
}

// SetDebugReg writes a debug register of a stopped thread. What the kernel does
// not let programs watch, such as its own memory, is EINVAL.
func SetDebugReg(tid, n int, v uint64) error {
	return request(unix.PTRACE_POKEUSR, tid, uintptr(debugReg+8*n), uintptr(v))
}

// The kernel's set of signals is a word.
const sigsetSize = 8

// GetSigmask reads which signals a stopped thread blocks: bit n-1 for signal n.
func GetSigmask(tid int) (uint64, error) {
	var mask uint64
	err := exchange(unix.PTRACE_GETSIGMASK, tid, sigsetSize, unsafe.Pointer(&mask))
	return mask, err
}

// SetSigmask changes which signals a stopped thread blocks.
func SetSigmask(tid int, mask uint64) error {
	return exchange(unix.PTRACE_SETSIGMASK, tid, sigsetSize, unsafe.Pointer(&mask))
}

// Rseq returns where a stopped thread has its struct rseq (linux/rseq.h), or 0 if it
// has none or the kernel does not say, as before Linux 5.13.
func Rseq(tid int) uint64 {
	const getRseqConfiguration = 0x420f
	var conf struct {
		addr                        uint64
		size, signature, flags, pad uint32
	}
	if exchange(getRseqConfiguration, tid, unsafe.Sizeof(conf), unsafe.Pointer(&conf)) != nil {
		return 0
	}
	return conf.addr
}

// HasShadowStack reports whether the CPU keeps the return addresses of a stopped
// thread on a second stack too, as it does from Linux 6.6 on where a program asks.
func HasShadowStack(tid int) bool {
	const ntX86Shstk = 0x204
	if !shadowStacks() {
		return false
	}
	var pointer uint64
	iov := unix.Iovec{Base: (*byte)(unsafe.Pointer(&pointer)), Len: uint64(unsafe.Sizeof(pointer))}
	return exchange(unix.PTRACE_GETREGSET, tid, ntX86Shstk, unsafe.Pointer(&iov)) == nil
}

// shadowStacks reports whether the CPU has shadow stacks (SDM volume 2, CPUID).
var shadowStacks = sync.OnceValue(func() bool {
	_, _, ecx, _ := CPUID(7, 0)
	return ecx>>7&1 != 0
})
