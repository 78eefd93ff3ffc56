//go:build linux && amd64

package tracer

import (
	"bytes"
	"errors"
	"math"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
)

func TestMemory(t *testing.T) {
	p := launch(t, "loop", "10")
	addr, err := p.Addr("work")
	if err != nil {
		t.Fatal(err)
	}
	code := make([]byte, 32)
	if n, err := p.ReadAt(addr, code); n != 32 || err != nil {
		t.Fatalf("ReadAt = %d, %v", n, err)
	}
	b := breakAt(t, p, "work", nil)
	got := make([]byte, 32)
	if _, err := p.ReadAt(addr, got); err != nil || !bytes.Equal(got, code) {
		t.Errorf("a breakpoint shows: % x, %v, want % x", got, err, code)
	}
	// A write over the breakpoint keeps it, and shows when it is removed.
	nops := bytes.Repeat([]byte{0x90}, 4)
	if n, err := p.WriteAt(addr-1, nops); n != 4 || err != nil {
		t.Fatalf("WriteAt = %d, %v: text must be writable", n, err)
	}
	var raw [1]byte
	if _, err := p.readRaw(addr, raw[:]); err != nil || raw[0] != int3 {
		t.Errorf("memory at the breakpoint is %#x, %v, want int3", raw[0], err)
	}
	if err := b.Remove(); err != nil {
		t.Fatal(err)
	}
	if _, err := p.readRaw(addr-1, got[:4]); err != nil || !bytes.Equal(got[:4], nops) {
		t.Errorf("memory is % x, %v, want what was written", got[:4], err)
	}
}

func TestMemoryFaults(t *testing.T) {
	p := launch(t, "loop", "10")
	maps, err := p.Maps()
	if err != nil {
		t.Fatal(err)
	}
	var stack procfs.Mapping
	for _, m := range maps {
		if m.Path == "[stack]" {
			stack = m
		}
	}
	for _, test := range []struct {
		addr uint64
		n    int
		want int
	}{
		{0x10, 1, 0},
		{0, 4096, 0},
		{stack.End - 100, 200, 100},
		{1 << 47, 8, 0},                  // not canonical
		{0xffffffff81000000, 8, 0},       // the kernel's
		{math.MaxUint64 - 3, 8, 0},       // wraps around
		{math.MaxUint64 - 8191, 8192, 0}, // ends with the address space
		{stack.End - 8, 0, 0},            // nothing
	} {
		n, err := p.ReadAt(test.addr, make([]byte, test.n))
		if n != test.want || (err == nil) != (n == test.n) {
			t.Errorf("ReadAt(%#x, %d) = %d, %v, want %d", test.addr, test.n, n, err, test.want)
		}
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Addr != test.addr+uint64(n) || !errors.Is(err, unix.EFAULT)) {
			t.Errorf("ReadAt(%#x, %d): %v, want EFAULT at %#x", test.addr, test.n, err, test.addr+uint64(n))
		}
		n, err = p.WriteAt(test.addr, make([]byte, test.n))
		if n != test.want || (err == nil) != (n == test.n) {
			t.Errorf("WriteAt(%#x, %d) = %d, %v, want %d", test.addr, test.n, n, err, test.want)
		}
	}
}

// TestPoke writes as on a kernel that refuses forced writes to the memory file.
func TestPoke(t *testing.T) {
	p := launch(t, "loop", "3")
	unix.Close(p.mem)
	p.mem = -1
	b := breakAt(t, p, "work", nil)
	for range 3 {
		if stop := cont(t, p); stop.Breakpoint != b {
			t.Fatalf("stop = %s, want the breakpoint", stop.Reason)
		}
	}
	data := []byte("across the words")
	sp := p.stop.Thread.regs.SP() - 61
	if n, err := p.WriteAt(sp, data); n != len(data) || err != nil {
		t.Fatalf("WriteAt = %d, %v", n, err)
	}
	got := make([]byte, len(data))
	if _, err := p.ReadAt(sp, got); err != nil || !bytes.Equal(got, data) {
		t.Errorf("memory is %q, %v, want %q", got, err, data)
	}
	wantExit(t, p, 0)
}
