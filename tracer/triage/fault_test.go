package triage

import (
	"encoding/binary"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/image"
	"github.com/tracelark/tracelark/tracer/procfs"
)

// A scene is a process with a page of code, at 0x401000, and one of data, at 0x402000.
type scene struct{ code, data string }

func (s scene) ReadAt(addr uint64, buf []byte) (int, error) {
	text := s.code
	if addr >= 0x402000 {
		text, addr = s.data, addr-0x1000
	}
	if addr < 0x401000 || addr-0x401000 >= uint64(len(text)) {
		return 0, unix.EIO
	}
	return copy(buf, text[addr-0x401000:]), nil
}

func (s scene) Maps() ([]procfs.Mapping, error) {
	return []procfs.Mapping{{Start: 0x401000, End: 0x402000, Perms: procfs.R | procfs.X}, {Start: 0x402000, End: 0x403000, Perms: procfs.R | procfs.W}}, nil
}

func (s scene) Images() ([]*image.Image, error) { return nil, nil }

// TestRareFaults checks what is said of faults that not every CPU can be made to raise.
func TestRareFaults(t *testing.T) {
	const read, ret = "\x48\x8b\x00", "\xc3" // mov rax, [rax]
	word := string(binary.LittleEndian.AppendUint64(nil, 0x401234))
	for _, c := range []struct {
		code, class, says string
		sig               unix.Signal
		si                int
		tag               string
	}{
		{read, "SourceAv", "reads 8 bytes at 0x402000, in memory that is rw-p, but whose protection key does not allow it.", unix.SIGSEGV, segvKey, "SourceAv"},
		{read, "SourceAv", "reads 8 bytes at 0x402000, where the hardware has found a memory error.", unix.SIGBUS, busError, "SourceAv"},
		{ret, "ReturnAv", "(ret) returns to 0x401234, at 0x402000 on the stack, which is not what the shadow stack has", unix.SIGSEGV, segvFlow, "ReturnAv"},
	} {
		e := &Event{Signal: int(c.sig), Code: c.si, Regs: arch.Regs{arch.RIP: 0x401000, arch.RAX: 0x402000, arch.RSP: 0x402000}}
		if c.si != segvFlow {
			e.Addr = 0x402000
		}
		crash, err := New(scene{c.code, word}, e, nil)
		if err != nil {
			t.Fatal(err)
		}
		if crash.Name != c.class || !strings.Contains(crash.Explanation, c.says) || len(crash.Tags) == 0 || crash.Tags[0] != c.tag {
			t.Errorf("%s, tags %q: %s\nwant %s, %s: %s", crash.Name, crash.Tags, crash.Explanation, c.class, c.tag, c.says)
		}
	}
}
