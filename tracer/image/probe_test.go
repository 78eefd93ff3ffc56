package image

import (
	"encoding/binary"
	"reflect"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
)

// probeNote returns the note of a probe.
func probeNote(pc, base, semaphore uint64, text string) []byte {
	le := binary.LittleEndian
	desc := le.AppendUint64(le.AppendUint64(le.AppendUint64(nil, pc), base), semaphore)
	desc = append(desc, text...)
	note := le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, 8), uint32(len(desc))), 3)
	note = append(append(note, "stapsdt\x00"...), desc...)
	return append(note, make([]byte, (4-len(desc)%4)%4)...)
}

func TestParseProbes(t *testing.T) {
	data := probeNote(0x2010, 0x5000, 0, "libc\x00setjmp\x008@%rdi\x00")
	data = append(data, probeNote(0x1010, 0x5000, 0x7000, "libc\x00longjmp\x00\x00")...)
	data = append(data, probeNote(0x1020, 0x5000, 0, "libc\x00cut")...)
	data = append(data, probeNote(0x1030, 0x5000, 0, "libc\x00last\x00\x00")...)
	want := []Probe{{"libc", "longjmp", 0x1110, 0x7100, ""}, {"libc", "last", 0x1130, 0, ""}, {"libc", "setjmp", 0x2110, 0, "8@%rdi"}}
	if got := parseProbes(data, 0x5100, true); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if got := parseProbes(data[:len(data)-5], 0, false); len(got) != 2 || got[0].Addr != 0x1010 {
		t.Errorf("of notes that are cut off: %+v", got)
	}
}

// A machine is registers and memory in which each byte is the low one of its address.
type machine struct{ regs arch.Regs }

func (m *machine) Regs() (*arch.Regs, error) { return &m.regs, nil }
func (m *machine) XReg(*arch.XRegister) ([]byte, error) {
	return []byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, nil
}

func (m *machine) ReadAt(addr uint64, buf []byte) (int, error) {
	for i := range buf {
		buf[i] = byte(addr + uint64(i))
	}
	return len(buf), nil
}

func TestOperands(t *testing.T) {
	m := &machine{arch.Regs{arch.RAX: 0x1122334455667788, arch.RBP: 0x1010, arch.RCX: 3, arch.FSBase: 0x20}}
	for _, test := range []struct {
		text string
		want uint64
	}{
		{"-4@%eax", 0x55667788},
		{"1@%ah", 0x77},
		{"%rax", 0x1122334455667788},
		{"8@$-2", 1<<64 - 2},
		{"2@$-2", 0xfffe},
		{"4@$0x10+4", 0x14},
		{"8@-16(%rbp)", 0x0706050403020100},
		{"4@(%rbp)", 0x13121110},
		{"2@(%rbp,%rcx,8)", 0x2928},
		{"1@2(,%rcx,4)", 14},
		{"1@%fs:5", 0x25},
		{"1@%fs:1(%rcx)", 0x24},
		{"8+4-1(%rcx)", 0x15141312_11100f0e},
		{"8f@%xmm0", 0x0807060504030201},
		{"4f@%xmm7", 0x04030201},
	} {
		o, err := ParseOperands(test.text)
		if err != nil || len(o) != 1 {
			t.Errorf("%s: %+v, %v", test.text, o, err)
		} else if got, err := o[0].Value(&Image{}, m, m); got != test.want || err != nil {
			t.Errorf("%s: %#x, %v, want %#x", test.text, got, err, test.want)
		}
	}
	for _, text := range []string{"3@%eax", "4@", "@%eax", "4@%", "4@%nosuch", "8@$", "8@$%rax", "8@(%rax", "8@(%rax,%rbx,%rcx)", "8@(%rax,%rbx,8,1)", "8@%es:4", "8@9z", "8@-foo(%rip)", "8@()", "8@(,)", "2f@%xmm0", "8@a b)("} {
		if o, err := ParseOperands(text); err == nil {
			t.Errorf("%s: %+v, want an error", text, o)
		}
	}
	if o, err := ParseOperands("  4@%eax 8@4( %rax , %rbx )  "); err != nil || len(o) != 2 {
		t.Errorf("with spaces: %+v, %v", o, err)
	}
}

// FuzzProbes has bytes of all kinds: what is found lies in them, and has arguments or not.
func FuzzProbes(f *testing.F) {
	f.Add(probeNote(0x2010, 0x5000, 0, "libc\x00setjmp\x00-4@%eax 8@-16(%rbp,%rcx,8) 8f@%xmm0 1@a+1(%rip)\x00"))
	m := &machine{}
	f.Fuzz(func(t *testing.T, data []byte) {
		total := 0
		for _, p := range parseProbes(data, 0x1000, true) {
			total += len(p.Provider) + len(p.Name) + len(p.Args)
			operands, err := ParseOperands(p.Args)
			if err != nil && operands != nil {
				t.Fatalf("%q: %+v and %v", p.Args, operands, err)
			}
			for _, o := range operands {
				if v, err := o.Value(&Image{}, m, m); err == nil && o.Size < 8 && v>>(8*o.Size) != 0 {
					t.Fatalf("%q: %#x", o.Text, v)
				}
			}
		}
		if total > len(data) {
			t.Fatalf("%d bytes of text from %d", total, len(data))
		}
	})
}
