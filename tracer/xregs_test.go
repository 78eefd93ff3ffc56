//go:build linux && amd64

package tracer

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// exchange starts testdata/xregs.c and runs it to where its registers are full.
func exchange(t *testing.T, mode string) *Process {
	t.Helper()
	p, err := newTracer(t).Launch([]string{tracertest.Build(t, "testdata/xregs.c"), mode}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if stop := cont(t, p); stop.Reason != ReasonSignal || stop.Signal != int(unix.SIGTRAP) {
		t.Fatalf("stop = %s, signal %d, want SIGTRAP", stop.Reason, stop.Signal)
	}
	p.Thread().signal = 0 // it was for us
	return p
}

// level returns what the CPU has: 2 for AVX-512, 1 for AVX.
func level(th *Thread) (level int) {
	for i, name := range []string{"ymm0", "zmm0"} {
		if _, err := th.XReg(arch.LookupX(name)); err == nil {
			level = i + 1
		}
	}
	return level
}

// filled returns the registers that exchange fills, with the address of the bytes
// of each.
func filled(t *testing.T, p *Process) map[*arch.XRegister]uint64 {
	t.Helper()
	base := make(map[string]uint64)
	for _, name := range []string{"vectors", "masks", "stack"} {
		addr, err := p.Addr(name)
		if err != nil {
			t.Fatal(err)
		}
		base[name] = addr
	}
	regs := make(map[*arch.XRegister]uint64)
	add := func(prefix string, n int, addr, stride uint64) {
		for i := range n {
			regs[arch.LookupX(fmt.Sprint(prefix, i))] = addr + uint64(i)*stride
		}
	}
	add("st", 8, base["stack"], 16)
	vectors := 16
	switch level(p.Thread()) {
	case 2:
		vectors = 32
		add("zmm", vectors, base["vectors"], 64)
		add("k", 8, base["masks"], 8)
		fallthrough
	case 1:
		add("ymm", vectors, base["vectors"], 64)
	}
	add("xmm", vectors, base["vectors"], 64)
	return regs
}

func TestExtendedRegistersRead(t *testing.T) {
	p := exchange(t, "keep")
	for r, addr := range filled(t, p) {
		want := make([]byte, r.Bits/8)
		if _, err := p.ReadAt(addr, want); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Thread().XReg(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s = %x, %v, want %x", r.Name, got, err, want)
		}
	}
	// The stack of x87 is full and its top is register 0, so mm0 is st0.
	st, _ := p.Thread().XReg(arch.LookupX("st3"))
	if mm, err := p.Thread().XReg(arch.LookupX("mm3")); err != nil || !bytes.Equal(mm, st[:8]) {
		t.Errorf("mm3 = %x, %v, want %x", mm, err, st[:8])
	}
	wantExit(t, p, 0)
}

// TestExtendedRegistersWrite writes the registers and lets the program compare.
func TestExtendedRegistersWrite(t *testing.T) {
	p := exchange(t, "invert")
	wide := map[int]string{0: "xmm", 1: "ymm", 2: "zmm"}[level(p.Thread())]
	for r := range filled(t, p) {
		if strings.Contains(r.Name, "mm") && !strings.HasPrefix(r.Name, wide) {
			continue // a part of one that is written
		}
		v, err := p.Thread().XReg(r)
		if err != nil {
			t.Fatal(err)
		}
		for i := range v {
			v[i] = ^v[i]
		}
		if err := p.Thread().SetXReg(r, v); err != nil {
			t.Fatal(err)
		}
		if got, err := p.Thread().XReg(r); err != nil || !bytes.Equal(got, v) {
			t.Errorf("%s = %x, %v after it was set to %x", r.Name, got, err, v)
		}
	}
	wantExit(t, p, 0)
}

// TestExtendedRegistersMatchGDB compares one stop with what gdb says of it.
func TestExtendedRegistersMatchGDB(t *testing.T) {
	p := exchange(t, "keep")
	value := func(name string) string {
		v, err := p.Thread().XReg(arch.LookupX(name))
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(v)
		return hex.EncodeToString(v)
	}
	args := []string{"-nx", "-batch", "-ex", "run", "-ex", "info registers st0", "-ex", "p/z $xmm0.uint128", "-ex", "p/z $xmm15.uint128"}
	want := []string{value("st0"), value("xmm0"), value("xmm15")}
	if level(p.Thread()) > 0 {
		args = append(args, "-ex", "p/z $ymm1.v2_int128[1]", "-ex", "p/z $ymm1.v2_int128[0]")
		want = append(want, value("ymm1")[:32], value("ymm1")[32:])
	}
	out, err := exec.Command(tracertest.Tool(t, "gdb"), append(args, "--args", p.Argv()[0], "keep")...).CombinedOutput()
	if err != nil {
		t.Fatalf("gdb: %v\n%s", err, out)
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)(?:raw |^\$\d+ = )0x([0-9a-f]+)`).FindAllStringSubmatch(string(out), -1) {
		got = append(got, m[1])
	}
	if !slices.Equal(got, want) {
		t.Errorf("gdb says %v, want %v:\n%s", got, want, out)
	}
}

// TestInitialState looks at a program that has used no register yet.
func TestInitialState(t *testing.T) {
	p := launch(t, "loop", "1")
	th := p.Thread()
	for _, r := range arch.XRegisters {
		var want uint16
		switch r.Name {
		case "fctrl":
			want = 0x37f
		case "mxcsr":
			want = 0x1f80
		case "pkru":
			continue // the kernel's choice
		}
		v, err := th.XReg(&r)
		if err != nil {
			if !strings.Contains(err.Error(), "this CPU has no "+r.Name) {
				t.Error(err)
			}
			continue
		}
		all := make([]byte, r.Bits/8)
		all[0] = byte(want)
		if r.Bits > 8 {
			all[1] = byte(want >> 8)
		}
		if !bytes.Equal(v, all) {
			t.Errorf("%s is %x at the start, want %x", r.Name, v, all)
		}
	}
}

// TestExtendedRegistersRoundTrip gives each register random values and lets the
// kernel carry them over a step.
func TestExtendedRegistersRoundTrip(t *testing.T) {
	p := launch(t, "loop", "1")
	th := p.Thread()
	random := rand.New(rand.NewSource(1))
	for range 3 {
		for _, r := range arch.XRegisters {
			if _, err := th.XReg(&r); err != nil || slices.Contains([]string{"mxcsr", "fstat", "fop", "fip", "fdp", "pkru"}, r.Name) {
				continue // the CPU keeps what it likes of these
			}
			v := make([]byte, r.Bits/8)
			random.Read(v)
			if r.Name == "fctrl" {
				v[0], v[1] = v[0]&0x3f|0x40, v[1]&0x0f
			}
			if err := th.SetXReg(&r, v); err != nil {
				t.Fatal(err)
			}
			if _, err := th.Step(1, &MoveOptions{Only: true}); err != nil {
				t.Fatal(err)
			}
			if got, err := th.XReg(&r); err != nil || !bytes.Equal(got, v) {
				t.Errorf("%s = %x, %v after a step, want %x", r.Name, got, err, v)
			}
		}
	}
}

func TestXStateArea(t *testing.T) {
	p := exchange(t, "keep")
	th := p.Thread()
	state, err := th.XState()
	if err != nil {
		t.Fatal(err)
	}
	area := slices.Clone(state.Area())
	if err := th.SetXReg(arch.LookupX("xmm0"), make([]byte, 16)); err != nil {
		t.Fatal(err)
	}
	if err := th.SetXState(area); err != nil {
		t.Fatal(err)
	}
	if state, err = th.XState(); err != nil || !bytes.Equal(state.Area(), area) {
		t.Errorf("the area is another one after it was written: %v", err)
	}
	if err := th.SetXState(area[:600]); err == nil || !strings.Contains(err.Error(), "the area is 600 bytes long") {
		t.Errorf("SetXState of 600 bytes: %v", err)
	}
	if err := th.SetXReg(arch.LookupX("mxcsr"), []byte{0x80, 0x1f, 0, 1}); err == nil ||
		err.Error() != fmt.Sprintf("write mxcsr [%d]: bits 0x1000000 of mxcsr are reserved", th.TID) {
		t.Errorf("mxcsr with a reserved bit: %v", err)
	}
	wantExit(t, p, 0)
	if _, err := th.XReg(arch.LookupX("xmm0")); err == nil || !strings.HasSuffix(err.Error(), "process has exited") {
		t.Errorf("xmm0 of a dead process: %v", err)
	}
}

func TestDebugRegisters(t *testing.T) {
	p := launch(t, "loop", "1")
	th := p.Thread()
	addr := reg(t, th, arch.RSP)
	for n := range 4 {
		if err := th.SetDebugReg(n, addr+uint64(n)*8); err != nil {
			t.Fatal(err)
		}
		if v, err := th.DebugReg(n); err != nil || v != addr+uint64(n)*8 {
			t.Errorf("dr%d = %#x, %v, want %#x", n, v, err, addr+uint64(n)*8)
		}
	}
	for n, text := range map[int]string{0: "not an address of user space", 4: "it is reserved", 7: "what Linux does not offer"} {
		v := uint64(0xffffffff81000000)
		if n == 7 {
			v = 0x20001 // a port
		}
		if err := th.SetDebugReg(n, v); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("dr%d = %#x: %v, want %q", n, v, err, text)
		}
	}
	// Registers that are in use and belong to no watchpoint give a signal.
	if err := th.SetDebugReg(7, 0x1); err != nil { // execution at dr0
		t.Fatal(err)
	}
	if err := th.SetDebugReg(0, reg(t, th, arch.RIP)); err != nil {
		t.Fatal(err)
	}
	stop := cont(t, p)
	if err := watchable(); err != nil && stop.Reason == ReasonExit {
		t.Skipf("all but the trap was tested: %v", err)
	}
	if stop.Reason != ReasonSignal || stop.Signal != int(unix.SIGTRAP) {
		t.Errorf("stop = %s, signal %d, want SIGTRAP", stop.Reason, stop.Signal)
	}
}

func TestSigmask(t *testing.T) {
	p := launch(t, "signals")
	breakAt(t, p, "here", nil)
	th := cont(t, p).Thread
	want := uint64(sigsetOf(unix.SIGUSR1, unix.SIGUSR2))
	if err := th.SetSigmask(want | uint64(sigsetOf(unix.SIGKILL))); err != nil {
		t.Fatal(err)
	}
	if mask, err := th.Sigmask(); err != nil || mask != want {
		t.Errorf("sigmask = %#x, %v, want %#x", mask, err, want)
	}
	wantExit(t, p, 0) // the scene counts the signals that it was given
}
