package debuginfo

import (
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// A sample is a stop as testdata/values.py prints it.
type sample struct {
	Memory []struct {
		addr uint64
		data []byte
	}
	Frames []sampleFrame
	TLS    uint64 // the address of mine
	Main   uint64
}

type sampleFrame struct {
	PC       uint64
	Function string
	Inline   bool
	CFA      uint64
	Regs     []*string
	Vars     [][3]string
}

func (s *sample) UnmarshalJSON(data []byte) error {
	var raw struct {
		Memory    [][2]any
		Frames    []sampleFrame
		TLS, Main uint64
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	if err := d.Decode(&raw); err != nil {
		return err
	}
	s.Frames, s.TLS, s.Main = raw.Frames, raw.TLS, raw.Main
	for _, m := range raw.Memory {
		addr, err := strconv.ParseUint(m[0].(json.Number).String(), 10, 64)
		if err != nil {
			return err
		}
		b, err := hex.DecodeString(m[1].(string))
		if err != nil {
			return err
		}
		s.Memory = append(s.Memory, struct {
			addr uint64
			data []byte
		}{addr, b})
	}
	return nil
}

// ReadAt implements Memory.
func (s *sample) ReadAt(addr uint64, buf []byte) (int, error) {
	for _, m := range s.Memory {
		if off := addr - m.addr; off < uint64(len(m.data)) {
			if n := copy(buf, m.data[off:]); n == len(buf) {
				return n, nil
			}
		}
	}
	return 0, fmt.Errorf("no memory at %#x", addr)
}

// frame returns the context of the i-th frame.
func (s *sample) frame(d *Data, bias uint64, i int) *Frame {
	sf := &s.Frames[i]
	f := &Frame{PC: sf.PC - bias, Bias: bias, Memory: s}
	if i > 0 {
		f.PC-- // within the call
	}
	if i > 0 && s.Frames[i-1].Inline {
		f.PC = s.frame(d, bias, i-1).PC
	}
	f.Reg = func(n int) ([]byte, error) {
		if n >= len(sf.Regs) || sf.Regs[n] == nil {
			return nil, &AbsentError{Reason: fmt.Sprintf("register %d is lost", n)}
		}
		v, _ := new(big.Int).SetString(*sf.Regs[n], 10)
		b := v.FillBytes(make([]byte, 16))
		for i := range 8 {
			b[i], b[15-i] = b[15-i], b[i]
		}
		return b, nil
	}
	f.CFA = func() (uint64, error) { return sf.CFA, nil }
	f.TLS = func(uint64) (uint64, error) { return s.TLS, nil }
	f.Caller = func() (*Data, *Frame, error) {
		j := i
		for s.Frames[j].Inline {
			j++
		}
		if j+1 >= len(s.Frames) {
			return nil, nil, errors.New("no caller")
		}
		return d, s.frame(d, bias, j+1), nil
	}
	return f
}

// number returns a value as values.py prints it.
func number(t *Type, b []byte) (kind, text string) {
	var buf [8]byte
	copy(buf[:], b)
	n := binary.LittleEndian.Uint64(buf[:])
	if t.Encoding == encFloat {
		return "float", strconv.FormatFloat(math.Float64frombits(n), 'x', -1, 64)
	}
	if shift := 64 - 8*uint(len(b)); t.Encoding == encSigned || t.Encoding == encSignedChar {
		n = uint64(int64(n<<shift) >> shift)
	}
	return "int", strconv.FormatUint(n, 10)
}

// valueOf returns a variable as values.py prints it.
func valueOf(v *Var, f *Frame) (kind, text string) {
	l, err := v.Location(f)
	if err == nil && l.Kind == ImplicitPointer {
		return "int", fmt.Sprintf("&%s+%d", l.Target.Name, l.Offset)
	}
	if err == nil {
		var vt *Type
		if vt, err = v.Type(); err == nil {
			vt, err = vt.Strip()
		}
		if err == nil && (vt.Kind == Base || vt.Kind == Pointer || vt.Kind == Enum) {
			var b []byte
			if b, err = f.Read(l, int(vt.Size)); err == nil {
				return number(vt, b)
			}
		} else if err == nil {
			if l.Kind == InMemory {
				return "address", strconv.FormatUint(l.Addr, 10)
			}
			return "other", ""
		}
	}
	if absent := new(AbsentError); errors.As(err, &absent) || strings.Contains(err.Error(), "optimised out") {
		return "absent", err.Error()
	}
	return "error", err.Error()
}

// TestVarsAsGDB steps through a program and compares all variables of all frames
// with gdb's.
func TestVarsAsGDB(t *testing.T) {
	for _, flags := range [][]string{
		{"-O0"}, {"-O1"}, {"-O2"}, {"-O3", "-gdwarf-4"}, {"-O2", "-gdwarf-4", "-gstrict-dwarf"}, {"-O0", "-gdwarf-2"}, {"-Og", "-gdwarf-3"},
		{"-O2", "-flto"},
	} {
		t.Run(strings.Join(flags, " "), func(t *testing.T) {
			t.Parallel()
			path := build(t, "values.c", flags...)
			d := openFile(t, path)
			out, err := exec.Command(tracertest.Tool(t, "gdb"), "-nx", "-batch", "-iex", "set debuginfod enabled off", "-x", "testdata/values.py", path).CombinedOutput()
			if err != nil {
				t.Fatalf("gdb: %v\n%s", err, out)
			}
			mains, err := d.FuncsNamed("main")
			if err != nil {
				t.Fatal(err)
			}
			compared, bad, absent, more := 0, 0, 0, 0 // more: what gdb lacks
			for line := range strings.Lines(string(out)) {
				if !strings.HasPrefix(line, "{") {
					continue
				}
				var s sample
				if err := json.Unmarshal([]byte(line), &s); err != nil {
					t.Fatal(err)
				}
				bias := s.Main - mains[0].Entry
				for i := range s.Frames {
					sf := &s.Frames[i]
					f := s.frame(d, bias, i)
					fn := funcCalled(t, d, f.PC, sf.Function)
					vars, err := fn.Vars(f.PC)
					if err != nil {
						t.Fatal(err)
					}
					if len(vars) != len(sf.Vars) {
						t.Fatalf("%#x %s: %d variables, gdb has %v", f.PC, fn.Name, len(vars), sf.Vars)
					}
					for j, want := range sf.Vars {
						kind, text := valueOf(vars[j], f)
						compared++
						switch {
						case kind == "absent" && want[1] == "absent":
							absent++
						case want[1] == "absent" && kind != "error":
							more++
						case text == "&pair+0" && want[2] == "0": // gdb makes 0 of it
						case vars[j].Name != want[0] || kind != want[1] || text != want[2] && !sameFloat(text, want[2]):
							if bad++; bad < 10 {
								t.Errorf("%#x %s.%s: %s %s, gdb says %v", f.PC, fn.Name, vars[j].Name, kind, text, want)
							}
						}
					}
				}
			}
			t.Logf("%d values, %d absent in both, %d in gdb only, %d differ", compared, absent, more, bad)
			if compared < 500 {
				t.Errorf("only %d values were compared:\n%.2000s", compared, out)
			}
		})
	}
}

func sameFloat(a, b string) bool {
	x, errA := strconv.ParseFloat(a, 64)
	y, errB := strconv.ParseFloat(b, 64)
	return errA == nil && errB == nil && math.Float64bits(x) == math.Float64bits(y)
}

// funcCalled returns the function called name around pc.
func funcCalled(t *testing.T, d *Data, pc uint64, name string) *Func {
	t.Helper()
	chain, err := d.Funcs(pc)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range chain {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no function %s at %#x", name, pc)
	return nil
}
