package unwind

import (
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tracelark/tracelark/tracer/arch"
	"github.com/tracelark/tracelark/tracer/internal/dw"
)

func TestStackAsGDB(t *testing.T) {
	for _, flags := range []string{
		"-O0",
		"-O1 -fomit-frame-pointer",
		"-O2",
		"-O2 -fno-omit-frame-pointer -mavx2",
		"-O2 -Wl,--no-eh-frame-hdr",
		"-O2 -g -fno-asynchronous-unwind-tables -fno-unwind-tables", // .debug_frame
		"-O2 -mno-red-zone -mpreferred-stack-boundary=3",
		"-O3 -no-pie -fcf-protection",
		"-Os -static",
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			program := compile(t, "calls.c", strings.Fields(flags)...)
			s := debug(t, program, "break stop", "run", "python dump()")[0]
			if frames := s.compare(t); len(frames) < 15 {
				t.Errorf("%d frames, want at least 15", len(frames))
			}
		})
	}
}

// TestStackAtEveryInstruction follows a program through prologues, epilogues,
// PLT stubs and the dynamic linker.
func TestStackAtEveryInstruction(t *testing.T) {
	for _, flags := range []string{"-O0 -Wl,-z,lazy", "-O2 -Wl,-z,lazy"} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			program := compile(t, "calls.c", strings.Fields(flags)...)
			for _, s := range debug(t, program, "break main", "run", "python trace(600)") {
				s.compare(t)
			}
		})
	}
}

func TestStackOfSignalHandlers(t *testing.T) {
	program := compile(t, "signal.c", "-O2", "-pthread")
	s := debug(t, program, "handle all nostop pass", "break stop", "run", "python dump()")[0]
	signals := 0
	for _, f := range s.compare(t) {
		if f.Signal {
			signals++
		}
	}
	if signals != 2 {
		t.Errorf("%d signal frames, want 2", signals)
	}
}

func TestStackOfBadCall(t *testing.T) {
	program := compile(t, "badcall.c", "-O1")
	// The second stop lies in the handler of the first.
	// The second stop lies in the handler of the first.
	stops := debug(t, program, "run", "python dump()", "continue", "python dump()")
	for i, s := range stops {
		walked := 0
		for _, f := range s.compare(t) {
			if f.By == Walk {
				walked++
			}
		}
		if walked != i+1 {
			t.Errorf("stop %d: %d frames are found by their calls, want %d", i, walked, i+1)
		}
	}
}

func TestStackOfGoroutine(t *testing.T) {
	program := filepath.Join(t.TempDir(), "goroutine")
	command(t, "go", "build", "-o", program, "./testdata/goroutine")
	s := debug(t, program, "handle SIGURG nostop pass", "run", "python dump()")[0]
	// The outermost frame of a goroutine returns to 0, which gdb shows.
	s.Frames = s.Frames[:len(s.Frames)-1]
	s.compare(t)
	// Nor does gdb know that Go functions save rbp.
	for _, f := range s.Frames {
		delete(f.Regs, "rbp")
	}
	s.blind = program
	s.compare(t)
}

// TestStackWithoutCFI compares what frame pointers and instructions tell with
// what gdb makes of the call frame information.
func TestStackWithoutCFI(t *testing.T) {
	for _, flags := range []string{
		"-O0 -Wl,-z,lazy",
		"-O1 -fno-omit-frame-pointer -Wl,-z,now",
		"-O2 -Wl,-z,lazy",
		"-O3 -fcf-protection -Wl,-z,lazy -Wl,-z,ibtplt",
		"-Os -no-pie",
	} {
		t.Run(flags, func(t *testing.T) {
			t.Parallel()
			program := compile(t, "calls.c", strings.Fields(flags)...)
			for _, s := range debug(t, program, "break main", "run", "python trace(300)") {
				s.blind = program
				if frames := s.compare(t); slices.ContainsFunc(frames, func(f Frame) bool { return f.By == Guess }) {
					t.Errorf("guesses:\n%s", s.describe(frames))
				}
				if t.Failed() {
					break
				}
			}
		})
	}
}

// TestStackOfBareProgram stops a program that has no call frame information
// and no libc.
func TestStackOfBareProgram(t *testing.T) {
	program := compile(t, "bare.s", "-nostdlib", "-static", "-no-pie")
	symbols, err := file(program).elf.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	labels := make(map[uint64]string)
	for _, s := range symbols {
		labels[s.Value] = s.Name
	}
	stacks := []string{
		"_start",
		"first started",
		"pushed started",
		"framed started",
		"leaf handled restorer! killed continued started",
		"trap! killed continued started",
		"return started",
	}
	commands := []string{"handle all nostop pass", "starti", "python dump()"}
	for _, stack := range stacks[1:] {
		commands = append(commands, "break *"+strings.Fields(stack)[0], "continue", "python dump()")
	}
	for i, s := range debug(t, program, commands...) {
		frames, err := Stack(s, s, s.regs(), 100)
		if err != nil {
			t.Errorf("%s: %v", stacks[i], err)
		}
		var names []string
		for _, f := range frames {
			name := labels[f.PC]
			if f.Signal {
				name += "!"
			}
			names = append(names, name)
		}
		if got := strings.Join(names, " "); got != stacks[i] {
			t.Errorf("stack %q, want %q", got, stacks[i])
		}
	}
}

// TestDeepStack checks that a deep stack costs a read per page.
func TestDeepStack(t *testing.T) {
	program := compile(t, "deep.c", "-O0")
	s := debug(t, program, "break stop", "run", "python dump(1)")[0]
	frames, err := Stack(s, s, s.regs(), 1<<20)
	if err != nil || len(frames) < 100000 {
		t.Fatalf("%d frames: %v", len(frames), err)
	}
	size := frames[len(frames)-1].CFA - frames[0].SP
	if limit := int(size/pageSize) + 10; s.reads > limit {
		t.Errorf("%d reads, want %d at most", s.reads, limit)
	}
	for _, most := range []int{0, 1, 2, 1000} {
		part, err := Stack(s, s, s.regs(), most)
		if err != nil || !slices.Equal(part, frames[:most]) {
			t.Errorf("%d of at most %d frames, or other ones: %v", len(part), most, err)
		}
	}
}

// TestConcurrentStacks shares tables between goroutines; the race detector
// watches.
func TestConcurrentStacks(t *testing.T) {
	program := compile(t, "calls.c", "-O2", "-Wl,--no-eh-frame-hdr")
	s := debug(t, program, "break stop", "run", "python dump()")[0]
	want := s.compare(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s := *s
			if got, err := Stack(&s, &s, s.regs(), 1000); err != nil || !slices.Equal(got, want) {
				t.Errorf("%v, %d frames, or other ones", err, len(got))
			}
		})
	}
	wg.Wait()
}

// A room is a small world to unwind in: words of memory, and code from 0x1000
// to 0x2000 that a table may describe.
type room struct {
	words map[uint64]uint64
	code  map[uint64]string
	table *Table
}

func (r *room) ReadAt(addr uint64, buf []byte) (int, error) {
	if addr != 0x1000 && addr != 0x8000 {
		return 0, errors.New("bad address")
	}
	clear(buf)
	for at, w := range r.words {
		if at-addr < uint64(len(buf)) {
			binary.LittleEndian.PutUint64(buf[at-addr:], w)
		}
	}
	for at, code := range r.code {
		if at-addr < uint64(len(buf)) {
			copy(buf[at-addr:], code)
		}
	}
	return len(buf), nil
}

func (r *room) CFI(pc uint64) (*Table, uint64, bool) {
	return r.table, 0, 0x1000 <= pc && pc < 0x2000
}

func (r *room) Role(uint64) Role { return Plain }

func (r *room) Caller(_, _ *Frame) (bool, error) { return false, nil }

// tableOf returns a table with one FDE, of the code from 0x1000 to 0x2000.
func tableOf(t testing.TB, program ...byte) *Table {
	t.Helper()
	table, err := NewTable(Sections{EHFrame: ehFrame(program)})
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// ehFrame returns a section with one FDE, of the code from 0x1000 to 0x2000,
// at address 0. Its CIE gives rip its usual place.
func ehFrame(program []byte) []byte {
	le := binary.LittleEndian
	b := []byte{16, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, peUData4, cfaOffset | 16, 1, cfaNop}
	fde := len(b)
	b = le.AppendUint32(b, uint32(13+len(program)))
	b = le.AppendUint32(b, uint32(fde+4))
	b = le.AppendUint32(b, 0x1000)
	b = le.AppendUint32(b, 0x1000)
	return append(append(b, 0), program...)
}

// TestScan finds return addresses on stacks that nothing else explains. A call
// ends at 0x1205, another at 0x1305, and none at 0x1400.
func TestScan(t *testing.T) {
	calls := map[uint64]string{0x1200: "\xe8\x00\x01\x00\x00", 0x1303: "\xff\xd0"}
	for _, test := range []struct {
		name   string
		pc     uint64
		words  map[uint64]uint64
		table  *Table
		frames string
		err    string
	}{
		{"wild pc", 0x5000, map[uint64]uint64{0x8008: 0x1400, 0x8010: 0x1205}, nil,
			"5000 registers, 1205 guess",
			"no call frame information for 0x1205, and rbp is not known"},
		{"no frame pointer", 0x1100, map[uint64]uint64{0x8000: 0x1400, 0x8018: 0x1305, 0x8020: 0x1205}, nil,
			"1100 registers, 1305 guess, 1205 guess",
			"no call frame information for 0x1205, and rbp is not known"},
		{"smashed", 0x1100, map[uint64]uint64{0x8000: 0x4141414141414141, 0x8040: 0x1205}, tableOf(t, cfaDefCFA, 7, 8),
			"1100 registers, 4141414141414141 cfi, 1205 guess", "<nil>"},
		{"nothing", 0x1100, map[uint64]uint64{0x8000: 0x1400}, nil,
			"1100 registers",
			"no call frame information for 0x1100, and rbp 0x8001 is no frame pointer"},
	} {
		room := room{words: test.words, code: calls, table: test.table}
		var regs arch.Regs
		regs[arch.RIP], regs[arch.RSP], regs[arch.RBP] = test.pc, 0x8000, 0x8001
		stack, err := Stack(&room, &room, &regs, 100)
		var frames []string
		for _, f := range stack {
			frames = append(frames, fmt.Sprintf("%x %s", f.PC, f.By))
		}
		if got := strings.Join(frames, ", "); got != test.frames || fmt.Sprint(err) != test.err {
			t.Errorf("%s: %s: %v; want %s: %s", test.name, got, err, test.frames, test.err)
		}
	}
}

func TestStackErrors(t *testing.T) {
	for _, test := range []struct {
		name   string
		room   room
		frames int
		err    string
	}{
		{"no frame pointer", room{}, 1,
			"no call frame information for 0x1100, and rbp 0x8001 is no frame pointer"},
		{"bad pc", room{table: tableOf(t, cfaDefCFA, 7, 8), words: map[uint64]uint64{0x8000: 0x4141}}, 2,
			"return address 0x4141 is not in executable memory"},
		{"unreadable", room{table: tableOf(t, cfaDefCFA, 0, 8)}, 1,
			"rip of the caller of 0x1100: at 0x5550: bad address"},
		{"no CFA", room{table: tableOf(t, cfaNop)}, 1,
			"frame of 0x1100: no rule"},
		{"CFA unreadable", room{table: tableOf(t, cfaDefCFAExpression, 3, dw.OpBreg0, 0, dw.OpDeref)}, 1,
			"frame of 0x1100: read 0x5550: bad address"},
		{"lost CFA", room{table: tableOf(t, cfaDefCFA, 1, 8), words: map[uint64]uint64{0x8000: 0x1200}}, 2,
			"frame of 0x1200: rdx is not known"},
		{"standstill", room{table: tableOf(t, cfaDefCFA, 3, 8), words: map[uint64]uint64{0x8000: 0x1200}}, 2,
			"frame of 0x1200: CFA 0x8008 does not lie above the callee's"},
		{"lost return address", room{table: tableOf(t, cfaDefCFA, 7, 8, cfaRegister, 16, 2)}, 2,
			"rip of the caller of 0x1200: rcx is not known"},
		{"outermost", room{table: tableOf(t, cfaDefCFA, 7, 8, cfaUndefined, 16)}, 1, "<nil>"},
		{"returns to 0", room{table: tableOf(t, cfaDefCFA, 7, 8)}, 1, "<nil>"},
		{"corrupt", room{table: tableOf(t, 0x3f)}, 1,
			"call frame information for 0x1100: .eh_frame+0x25: call frame instruction 0x3f, and rbp 0x8001 is no frame pointer"},
		{"endless signal", room{words: map[uint64]uint64{0x8000 + contextOffset + 8*15: 0x8000, 0x8000 + contextOffset + 8*16: 0x1100}, code: map[uint64]string{0x1100: string(sigreturn)}}, 2,
			"frame of 0x1100 on another stack leads back to 0x1100"},
	} {
		var regs arch.Regs
		for r, v := range map[arch.Reg]uint64{
			arch.RIP: 0x1100, arch.RSP: 0x8000, arch.RBP: 0x8001, arch.RBX: 0x8000,
			arch.RAX: 0x5550, arch.RDX: 0x8000, arch.RCX: 0x1200,
		} {
			regs[r] = v
		}
		frames, err := Stack(&test.room, &test.room, &regs, 100)
		if fmt.Sprint(err) != test.err || len(frames) != test.frames {
			t.Errorf("%s: %d frames, %v; want %d, %s", test.name, len(frames), err, test.frames, test.err)
		}
	}
}
