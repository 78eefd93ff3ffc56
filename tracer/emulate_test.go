//go:build linux && amd64

package tracer

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/disasm"
	"github.com/tracelark/tracelark/tracer/internal/ptrace"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// emulated is the opcodes of what is emulated, each with the digit in its ModRM
// byte, or -1 if that is anything, or none if there is no such byte.
var emulated = func() (list []emulatedForm) {
	const none = -2
	form := func(digit int, opcode ...byte) { list = append(list, emulatedForm{opcode, digit, 0}) }
	form(none, 0xf3, 0x0f, 0x1e, 0xfa)
	form(none, 0x90)
	form(-1, 0x0f, 0x1f)
	for r := byte(0); r < 8; r++ {
		form(none, 0x50+r)
		form(none, 0x58+r)
		form(none, 0xb8+r)
	}
	form(none, 0x68)
	form(none, 0x6a)
	form(none, 0xc9)
	for c := byte(0); c < 16; c++ {
		form(none, 0x70+c)
		form(none, 0x0f, 0x80+c)
	}
	for _, prefix := range []byte{0x2e, 0x3e, 0xf2, 0xf3} {
		form(none, prefix, 0xe9)
		form(none, prefix, 0x74)
		form(4, prefix, 0xff)
	}
	for _, op := range []byte{0xe8, 0xe9, 0xeb, 0xc2, 0xc3} {
		form(none, op)
	}
	form(2, 0xff)
	form(4, 0xff)
	form(-1, 0x8d)
	form(-1, 0x89)
	form(-1, 0x8b)
	form(0, 0xc7)
	logic := func(digit int, opcode byte) {
		list = append(list, emulatedForm{[]byte{opcode}, digit, flagAF})
	}
	for op := range byte(8) {
		add := form
		if op := operation(op); op == and || op == or || op == xor {
			add = func(digit int, opcode ...byte) { logic(digit, opcode[0]) }
		}
		for low := range byte(4) {
			add(-1, op<<3|low)
		}
		add(none, op<<3|4)
		add(none, op<<3|5)
		add(int(op), 0x80)
		add(int(op), 0x81)
		add(int(op), 0x83)
	}
	for low := range byte(2) {
		logic(-1, 0x84|low)
		logic(none, 0xa8|low)
		logic(0, 0xf6|low)
		logic(1, 0xf6|low)
		form(2, 0xf6|low)
		form(3, 0xf6|low)
		form(0, 0xfe|low)
		form(1, 0xfe|low)
		form(-1, 0x88|low)
		form(-1, 0x8a|low)
		form(-1, 0x86|low)
		form(0, 0xc6|low)
		form(-1, 0x0f, 0xb6|low)
		form(-1, 0x0f, 0xbe|low)
		for _, digit := range []int{4, 5, 7} {
			for _, op := range []byte{0xc0, 0xd0, 0xd2} {
				list = append(list, emulatedForm{[]byte{op | low}, digit, flagAF | flagOF})
			}
		}
	}
	for r := range byte(8) {
		form(none, 0xb0+r)
		form(none, 0x0f, 0xc8+r)
	}
	for c := range byte(16) {
		form(-1, 0x0f, 0x40+c)
		form(-1, 0x0f, 0x90+c)
	}
	list = append(list, emulatedForm{[]byte{0x0f, 0xa3}, -1, flagSF | flagAF | flagPF | flagOF}, emulatedForm{[]byte{0x0f, 0xba}, 4, flagSF | flagAF | flagPF | flagOF})
	form(-1, 0x63)
	form(none, 0x98)
	form(none, 0x99)
	form(6, 0xff)
	form(-1, 0x0f, 0x18)
	return list
}()

type emulatedForm struct {
	opcode    []byte
	digit     int
	undefined uint64 // flags after it
}

// random returns an instruction of the form, and whatever follows it.
func (f *emulatedForm) random(random *rand.Rand) []byte {
	prefixes := len(f.opcode) - 1
	if prefixes > 0 && f.opcode[prefixes-1] == 0x0f {
		prefixes--
	}
	code := slices.Clone(f.opcode[:prefixes])
	if prefix := random.UintN(16); prefix < 4 && len(f.opcode) < 4 {
		code = append([]byte{[...]byte{0x66, 0x66, 0x64, 0x2e}[prefix]}, code...)
	}
	if rex := random.UintN(32); rex < 16 && len(f.opcode) < 4 && f.opcode[0] != 0x90 {
		code = append(code, 0x40|byte(rex))
	}
	code = append(code, f.opcode[prefixes:]...)
	tail := binary.LittleEndian.AppendUint64(nil, random.Uint64())
	tail = binary.LittleEndian.AppendUint32(tail, random.Uint32())
	if f.digit >= -1 {
		switch random.UintN(3) {
		case 0:
			tail[0] |= 0xc0 // a register
		case 1:
			tail[0] &^= 0xc0 // memory that a register points to
		}
		if f.digit >= 0 {
			tail[0] = tail[0]&^0x38 | byte(f.digit)<<3
		}
	}
	return append(code, tail...)[:maxInst]
}

// TestEmulateAsCPU runs instructions of each form that is emulated on the CPU as
// well, with random operands, registers and stack, and compares.
func TestEmulateAsCPU(t *testing.T) {
	const times = 100
	p := launch(t, "loop")
	p.explore(t)
	th := p.Thread()
	before := *must(th.Regs())
	pc := before.PC()
	stack := make([]byte, 4096)
	bottom := before.SP() - 16384&^15
	random := rand.New(rand.NewPCG(1, 2))
	for _, form := range emulated {
		compared := 0
		for range times {
			code := form.random(random)
			regs := before
			for _, r := range general {
				// Many are to be addresses that can be accessed or called.
				if regs[r] = random.Uint64(); random.UintN(4) != 0 {
					regs[r] = bottom + 128 + random.Uint64N(uint64(len(stack)/8-34))*8
				}
			}
			regs[arch.RSP] = bottom + 512 + random.Uint64N(64)*8
			regs[arch.EFLAGS] = regs[arch.EFLAGS]&^0x8d5 | random.Uint64()&0x8d5
			for i := 0; i < len(stack); i += 8 {
				binary.LittleEndian.PutUint64(stack[i:], random.Uint64N(1<<47))
			}
			if err := p.writeRaw(bottom, stack); err != nil {
				t.Fatal(err)
			}
			if _, err := p.WriteAt(pc, code); err != nil {
				t.Fatal(err)
			}

			do, n := compile(code)
			if do == nil {
				continue // for operands in memory, or a prefix that makes it another
			}
			if inst, err := disasm.Decode(code, pc, nil); err != nil || len(inst.Data) != n {
				t.Fatalf("% x: %d bytes are compiled, decoded as % x %s, %v", code, n, inst.Data, inst.Text, err)
			}
			code = code[:n]
			c := cpu{t: th, regs: regs, alone: true}
			c.regs[arch.RIP] += uint64(n)
			c.regs[arch.OrigRAX] = ^uint64(0)
			if !do(&c) {
				if err := p.writeRaw(bottom, stack); err != nil {
					t.Fatal(err)
				}
				continue // where the CPU would fault
			}
			compared++
			stored := must(p.read(bottom, len(stack)))
			if err := p.writeRaw(bottom, stack); err != nil {
				t.Fatal(err)
			}
			got := th.stepCPU(t, regs)
			const rf = 1 << 16 // the CPU's own
			got[arch.EFLAGS] &^= rf | form.undefined
			c.regs[arch.EFLAGS] &^= rf | form.undefined
			for i := range got {
				if got[i] != c.regs[i] {
					t.Errorf("% x: %s is %#x, emulated %#x", code, arch.Reg(i), got[i], c.regs[i])
				}
			}
			if !bytes.Equal(must(p.read(bottom, len(stack))), stored) {
				t.Errorf("% x: the stack is not as emulated", code)
			}
		}
		if compared < times/8 {
			t.Errorf("% x /%d was emulated %d times of %d", form.opcode, form.digit, compared, times)
		}
	}
}

// explore has the process's mappings known at once.
func (p *Process) explore(t *testing.T) {
	t.Helper()
	p.terrain.missed = 1 << 20
	if p.survey(); len(p.terrain.regions) == 0 {
		t.Fatal("no memory is known")
	}
}

// stepCPU executes one instruction on the CPU itself, below the engine.
func (th *Thread) stepCPU(t *testing.T, regs arch.Regs) arch.Regs {
	th.setRegs(&regs)
	if err := th.flush(); err != nil {
		t.Fatal(err)
	}
	if err := ptrace.Step(th.TID, 0); err != nil {
		t.Fatal(err)
	}
	if _, status, err := ptrace.Wait(th.TID, 0); err != nil || !status.Stopped() {
		t.Fatalf("status %#x, %v", status, err)
	}
	th.regsRead = false
	return *must(th.Regs())
}

func (p *Process) read(addr uint64, n int) ([]byte, error) {
	data := make([]byte, n)
	_, err := p.ReadAt(addr, data)
	return data, err
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestEmulateRefuses(t *testing.T) {
	for _, code := range [][]byte{
		nil, {}, {0x48}, {0xf3, 0x0f, 0x1e}, {0x66, 0x50}, {0xf3, 0x90}, {0x41, 0x90}, {0x66, 0xe9, 0, 0, 0, 0}, {0x67, 0x8b, 0x00},
		{0xf0, 0x01, 0x00}, {0x87, 0x00 | 0x40}, {0xf2, 0x8b, 0x00}, {0x0f, 0xa3, 0x00}, {0x64, 0xff, 0x10}, {0x48, 0xf7, 0xf1}, {0xc1, 0xd0, 1},
		{0x48, 0x83, 0xec}, {0x48, 0x81, 0xec, 1, 2, 3}, {0xe9, 1, 2, 3}, {0xe8, 0, 0, 0}, {0x48, 0xb8, 1, 2, 3, 4, 5, 6, 7}, {0x8d, 0xc0},
		{0xff, 0xd8}, {0xff, 0x18}, {0xff, 0x28}, {0xcc}, {0x0f, 0x05}, {0xf3, 0x55}, {0x40, 0xf3, 0x0f, 0x1e, 0xfa},
	} {
		if do, _ := compile(code); do != nil {
			t.Errorf("% x is emulated", code)
		}
	}
}

// TestEmulateLeavesFaults emulates what the CPU would not do.
func TestEmulateLeavesFaults(t *testing.T) {
	p := launch(t, "loop")
	th := p.Thread()
	regs := *must(th.Regs())
	var readOnly uint64
	for _, m := range must(p.Maps()) {
		if m.Perms == procfs.R {
			readOnly = m.Start
		}
	}
	if readOnly == 0 {
		t.Fatal("no mapping is read-only")
	}
	for _, test := range []struct {
		code []byte
		rsp  uint64
		rax  uint64
	}{
		{[]byte{0x50}, readOnly + 64, 0},                 // push rax
		{[]byte{0x58}, 64, 0},                            // pop rax
		{[]byte{0xc3}, 64, 0},                            // ret
		{[]byte{0xff, 0xe0}, regs.SP(), 1 << 47},         // jmp rax
		{[]byte{0xff, 0xd0}, regs.SP(), 1 << 63},         // call rax
		{[]byte{0xff, 0xd0}, readOnly + 64, regs.PC()},   // call rax
		{[]byte{0xff, 0x10}, regs.SP(), 64},              // call [rax]
		{[]byte{0xe8, 0, 0, 0, 0}, readOnly + 64, 0},     // call
		{[]byte{0xeb, 0x80}, regs.SP(), 0},               // jmp, from an address near 0
		{[]byte{0xff, 0x20}, regs.SP(), ^uint64(0) - 64}, // jmp [rax]
	} {
		do, n := compile(test.code)
		if do == nil {
			t.Errorf("% x has no effect", test.code)
			continue
		}
		c := cpu{t: th, regs: regs}
		c.regs[arch.RSP], c.regs[arch.RAX] = test.rsp, test.rax
		if c.regs[arch.RIP] += uint64(n); test.code[0] == 0xeb {
			c.regs[arch.RIP] = 2
		}
		if do(&c) {
			t.Errorf("% x is emulated with rsp = %#x, rax = %#x", test.code, test.rsp, test.rax)
		}
	}
}

// FuzzCompile compares the lengths of what is compiled with the disassembler's.
func FuzzCompile(f *testing.F) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, form := range emulated {
		f.Add(form.random(random))
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		do, n := compile(code)
		if do == nil {
			return
		}
		if inst, err := disasm.Decode(code, 0, nil); err != nil || len(inst.Data) != n {
			t.Errorf("% x: %d bytes are compiled, decoded as % x %s, %v", code, n, inst.Data, inst.Text, err)
		}
	})
}
