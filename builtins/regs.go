package builtins

import (
	"fmt"
	"strings"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
	"github.com/tracelark/tracelark/tracer/arch"
)

// A regs is the general registers of a thread as they are when they are read, or
// those of a frame as it was found.
type regs struct {
	handle
	t     *thread
	frame *tracer.Frame // nil for those of t
}

// A flags is the flags of a regs.
type flags struct {
	handle
	r *regs
}

func init() {
	chapters = append(chapters, func() {
		topic := newTopic("regs", "", "The registers of a thread, read and written by attribute, as in t.regs.rip += 2. They are those of the moment they are read; vector and x87 registers are ints of their width, and writing a narrow one leaves the rest of the wide ones. "+
			"regs[\"rax\"] is regs.rax, and dict(regs) the general set. A frame's registers are those of its function, as far as the stack still has them. Written, they change where a function that was called since has saved them, from where the program restores them; one that is saved nowhere is an error, and so are vector registers.")
		for _, whole := range arch.Registers {
			topic.add("regs."+whole.Name, ": int", fmt.Sprintf("The register %s, of %d bits.", whole.Name, whole.Bits))
			for _, part := range arch.Parts {
				if part.Reg == whole.Reg {
					topic.add("regs."+part.Name, ": int", fmt.Sprintf("Bits %d to %d of %s.", part.Shift, part.Shift+part.Bits-1, whole.Name))
				}
			}
		}
		for _, name := range extraNames {
			topic.add("regs."+name, ": int", extras[name].doc)
		}
		topic.add("regs.flags", ": flags", "The flags in eflags, one by one.")

		topic = newTopic("flags", "", "The flags of a thread by their short names, read and written by attribute, as in t.regs.flags.zf = 1.")
		for _, f := range arch.Flags {
			doc := fmt.Sprintf("Bit %d of eflags.", f.Shift)
			if f.Bits > 1 {
				doc = fmt.Sprintf("Bits %d to %d of eflags.", f.Shift, f.Shift+f.Bits-1)
			}
			topic.add("flags."+f.Name, ": int", doc)
		}
	})
}

var (
	_ starlark.HasSetField     = (*regs)(nil)
	_ starlark.IterableMapping = (*regs)(nil)
	_ starlark.HasSetField     = (*flags)(nil)
)

func (r *regs) Type() string          { return "regs" }
func (r *regs) Hash() (uint32, error) { return 0, unhashable(r) }
func (r *regs) AttrNames() []string   { return Members("regs") }

// String returns the general set, a register a line.
func (r *regs) String() string {
	var b strings.Builder
	for _, d := range arch.Registers {
		v, err := r.get(&d)
		if err != nil {
			if r.frame != nil {
				continue
			}
			return fmt.Sprintf("<regs: %v>", err)
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%-8s %#18x  %d", d.Name, v, int64(v))
	}
	return b.String()
}

// get returns the value of a register.
func (r *regs) get(d *arch.Register) (uint64, error) {
	if r.frame != nil {
		if !r.frame.Known.Has(d.Reg) {
			return 0, fmt.Errorf("%s of frame #%d is not known: the stack does not keep it", d.Name, r.frame.Level)
		}
		return d.Get(&r.frame.Regs), nil
	}
	all, err := r.t.in.Regs()
	if err != nil {
		return 0, err
	}
	return d.Get(all), nil
}

// set changes a register.
func (r *regs) set(d *arch.Register, v starlark.Value) error {
	if r.t.t == nil {
		return r.t.fixed()
	}
	if err := r.t.policy().check("regs."+d.Name, MayWrite); err != nil {
		return err
	}
	if d.Bits == 1 && v == starlark.True {
		v = starlark.MakeInt(1)
	} else if d.Bits == 1 && v == starlark.False {
		v = starlark.MakeInt(0)
	}
	u, err := fit(v, uint(d.Bits))
	if err != nil {
		return fmt.Errorf("%s: %w", d.Name, err)
	}
	if r.frame != nil {
		if err := r.frame.SetReg(d, u); err != nil {
			return fmt.Errorf("%s: %w", d.Name, err)
		}
		return nil
	}
	return r.t.t.SetReg(d, u)
}

// Attr returns the register called name.
func (r *regs) Attr(name string) (starlark.Value, error) {
	d := arch.Lookup(name)
	if d == nil {
		if name == "flags" {
			return &flags{r: r}, nil
		}
		return r.extra(name)
	}
	v, err := r.get(d)
	if err != nil {
		return nil, err
	}
	return starlark.MakeUint64(v), nil
}

// SetField changes the register called name.
func (r *regs) SetField(name string, v starlark.Value) error {
	d := arch.Lookup(name)
	if d == nil {
		if name == "flags" {
			return fmt.Errorf("cannot assign to flags: assign to one of them, or to eflags")
		}
		if e := extras[name]; e != nil {
			return r.setExtra(e, v)
		}
		return starlark.NoSuchAttrError(fmt.Sprintf("there is no register %s", name))
	}
	return r.set(d, v)
}

// Get returns the register called k.
func (r *regs) Get(k starlark.Value) (v starlark.Value, found bool, err error) {
	name, _ := starlark.AsString(k)
	d := arch.Lookup(name)
	if d == nil {
		v, err := r.extra(name)
		return v, v != nil || err != nil, err
	}
	u, err := r.get(d)
	return starlark.MakeUint64(u), true, err
}

// Items returns the names and values of the general set. It is empty where they
// cannot be read.
func (r *regs) Items() []starlark.Tuple {
	var items []starlark.Tuple
	for _, d := range arch.Registers {
		if v, err := r.get(&d); err == nil {
			items = append(items, starlark.Tuple{starlark.String(d.Name), starlark.MakeUint64(v)})
		}
	}
	return items
}

// Iterate returns an iterator over the names of the general set.
func (r *regs) Iterate() starlark.Iterator {
	var names starlark.Tuple
	for _, item := range r.Items() {
		names = append(names, item[0])
	}
	return names.Iterate()
}

// MarshalJSON encodes the general set, as far as it can be read.
func (r *regs) MarshalJSON() ([]byte, error) {
	all := make(map[string]uint64)
	for _, d := range arch.Registers {
		if v, err := r.get(&d); err == nil {
			all[d.Name] = v
		}
	}
	return encode(all)
}

func (f *flags) Type() string          { return "flags" }
func (f *flags) Hash() (uint32, error) { return 0, unhashable(f) }
func (f *flags) AttrNames() []string   { return Members("flags") }

// String returns the names of the flags that are set, as in "[ zf pf if ]".
func (f *flags) String() string {
	words := []string{"["}
	for _, d := range arch.Flags {
		v, err := f.r.get(&d)
		if err != nil {
			return fmt.Sprintf("<flags: %v>", err)
		}
		if v != 0 {
			words = append(words, d.Name)
		}
	}
	return strings.Join(append(words, "]"), " ")
}

// Attr returns the flag called name.
func (f *flags) Attr(name string) (starlark.Value, error) {
	d := arch.LookupFlag(name)
	if d == nil {
		return nil, nil
	}
	v, err := f.r.get(d)
	if err != nil {
		return nil, err
	}
	return starlark.MakeUint64(v), nil
}

// SetField changes the flag called name.
func (f *flags) SetField(name string, v starlark.Value) error {
	d := arch.LookupFlag(name)
	if d == nil {
		return starlark.NoSuchAttrError(fmt.Sprintf("there is no flag %s", name))
	}
	return f.r.set(d, v)
}

// MarshalJSON encodes all flags, as far as they can be read.
func (f *flags) MarshalJSON() ([]byte, error) {
	all := make(map[string]uint64)
	for _, d := range arch.Flags {
		if v, err := f.r.get(&d); err == nil {
			all[d.Name] = v
		}
	}
	return encode(all)
}
