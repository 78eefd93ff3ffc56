//go:build linux && amd64

package tracer

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
)

// TestEmulateAsCPU runs each emulated instruction on the CPU as well, with random
// registers, and compares.
func TestEmulateAsCPU(t *testing.T) {
	p := launch(t, "loop")
	th := p.Thread()
	before := *must(th.Regs())
	pc, sp := before.PC(), before.SP()-4096&^15
	var tests [][]byte
	for r := byte(0); r < 8; r++ {
		tests = append(tests, []byte{0x50 + r}, []byte{0x41, 0x50 + r}, []byte{0x40, 0x50 + r})
	}
	for _, rex := range []byte{0x48, 0x49, 0x4c, 0x4d} {
		for modrm := 0xc0; modrm <= 0xff; modrm += 5 {
			tests = append(tests, []byte{rex, 0x89, byte(modrm)}, []byte{rex, 0x8b, byte(modrm)})
		}
	}
	for _, imm := range []byte{0, 1, 8, 0x10, 0x7f, 0x80, 0xff} {
		tests = append(tests, []byte{0x48, 0x83, 0xec, imm}, []byte{0x48, 0x81, 0xec, imm, 0x12, 0, imm}, []byte{0xeb, imm}, []byte{0xe9, imm, 1, 0, 0})
	}
	tests = append(tests, []byte{0xf3, 0x0f, 0x1e, 0xfa}, []byte{0x90})
	random := rand.New(rand.NewPCG(1, 2))
	for _, code := range tests {
		regs := before
		for _, r := range general {
			regs[r] = random.Uint64()
		}
		regs[arch.RSP] = sp + random.Uint64N(64)*8
		regs[arch.EFLAGS] = regs[arch.EFLAGS]&^0x8d5 | random.Uint64()&0x8d5
		if _, err := p.WriteAt(pc, code); err != nil {
			t.Fatal(err)
		}
		th.setRegs(&regs)
		after, word, push, ok := emulate(code, regs)
		if !ok {
			t.Errorf("% x is not emulated", code)
			continue
		}
		if err := th.flush(); err != nil {
			t.Fatal(err)
		}
		// On the CPU itself, below the engine.
		if err := ptrace.Step(th.TID, 0); err != nil {
			t.Fatal(err)
		}
		if _, status, err := ptrace.Wait(th.TID, 0); err != nil || !status.Stopped() {
			t.Fatalf("status %#x, %v", status, err)
		}
		th.regsRead = false
		got := *must(th.Regs())
		const rf = 1 << 16 // the CPU's own
		got[arch.EFLAGS] &^= rf
		after[arch.EFLAGS] &^= rf
		if got != after {
			for i := range got {
				if got[i] != after[i] {
					t.Errorf("% x: %s is %#x, emulated %#x", code, arch.Reg(i), got[i], after[i])
				}
			}
		}
		if push {
			var stored [8]byte
			if _, err := p.ReadAt(got.SP(), stored[:]); err != nil || binary.LittleEndian.Uint64(stored[:]) != word {
				t.Errorf("% x: pushed % x, %v, emulated %#x", code, stored, err, word)
			}
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestEmulateRefuses(t *testing.T) {
	for _, code := range [][]byte{
		nil, {}, {0x48}, {0xf3, 0x0f, 0x1e}, {0x66, 0x90}, {0x66, 0x50}, {0x48, 0x89, 0x45}, {0x48, 0x83, 0xec},
		{0x48, 0x81, 0xec, 1, 2, 3}, {0xe9, 1, 2, 3}, {0xe8, 0, 0, 0, 0}, {0x41, 0x90}, {0x49, 0x83, 0xec, 8}, {0xcc}, {0x0f, 0x05},
	} {
		if _, _, _, ok := emulate(code, arch.Regs{}); ok {
			t.Errorf("% x is emulated", code)
		}
	}
}
