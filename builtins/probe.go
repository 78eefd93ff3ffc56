package builtins

import (
	"fmt"
	"math"

	"go.starlark.net/starlark"
	"go.starlark.net/syntax"

	"github.com/tracelark/tracelark/tracer/image"
)

// A probe is a place that a program's author has marked.
type probe struct {
	handle
	pr image.Probe
	im *image.Image
	t  *thread // which stands there, or nil
}

var probeClass = newClass("probe", "A place that a program's author has marked for debuggers (USDT, sys/sdt.h). It can be used wherever an address is taken, and its name is a location: p.breakpoint(\"libstdcxx:throw\").", []attribute[*probe]{
	{"provider", "str", "The part of the name before the colon, such as \"libstdcxx\".", func(p *probe) (starlark.Value, error) {
		return starlark.String(p.pr.Provider), nil
	}},
	{"name", "str", "The part of the name behind the colon, such as \"throw\". Several probes may have the same.", func(p *probe) (starlark.Value, error) {
		return starlark.String(p.pr.Name), nil
	}},
	{"addr", "int", "The address.", func(p *probe) (starlark.Value, error) {
		return starlark.MakeUint64(p.pr.Addr), nil
	}},
	{"semaphore", "int or None", "The address of the 16-bit number that counts who looks at the probe, if it has one. While it is 0 the program may pass the probe by. A breakpoint that is set by the probe's name raises it, and lowers it when it is removed.", func(p *probe) (starlark.Value, error) {
		if p.pr.Semaphore == 0 {
			return starlark.None, nil
		}
		return starlark.MakeUint64(p.pr.Semaphore), nil
	}},
	{"operands", "list of str", "Where the arguments are, as an assembler writes it behind their sizes in bytes: \"-4@%eax\" is a signed number.", func(p *probe) (starlark.Value, error) {
		operands, err := image.ParseOperands(p.pr.Args)
		if err != nil {
			return nil, err
		}
		return listOf(operands, func(o image.Operand) starlark.Value { return starlark.String(o.Text) }), nil
	}},
	{"args", "list or None", "The arguments, ints and floats, of the probe of a stop (stop.probe) while the thread stands there. None for those of a list.", (*probe).args},
	{"image", "image", "The ELF file that has it.", func(p *probe) (starlark.Value, error) {
		return newImage(p.im), nil
	}},
}, nil)

var (
	_ starlark.HasAttrs   = (*probe)(nil)
	_ starlark.Comparable = (*probe)(nil)
)

func (p *probe) String() string                           { return fmt.Sprintf("<probe %s at %#x>", p.pr, p.pr.Addr) }
func (p *probe) Type() string                             { return "probe" }
func (p *probe) Hash() (uint32, error)                    { return starlark.String(p.pr.String()).Hash() }
func (p *probe) Attr(name string) (starlark.Value, error) { return probeClass.attr(p, name) }
func (p *probe) AttrNames() []string                      { return probeClass.names() }
func (p *probe) address() uint64                          { return p.pr.Addr }

// CompareSameType compares probes: the same one of the same image is equal.
func (p *probe) CompareSameType(op syntax.Token, y starlark.Value, _ int) (bool, error) {
	q := y.(*probe)
	return equality(p, op, p.pr == q.pr && sameImage(p.im, q.im))
}

// MarshalJSON encodes what does not change.
func (p *probe) MarshalJSON() ([]byte, error) {
	return encode(struct {
		Provider  string `json:"provider"`
		Name      string `json:"name"`
		Addr      uint64 `json:"addr"`
		Semaphore uint64 `json:"semaphore,omitempty"`
		Args      string `json:"args"`
		Image     string `json:"image"`
	}{p.pr.Provider, p.pr.Name, p.pr.Addr, p.pr.Semaphore, p.pr.Args, p.im.Path})
}

// args reads the arguments.
func (p *probe) args() (starlark.Value, error) {
	if p.t == nil {
		return starlark.None, nil
	}
	regs, err := p.t.in.Regs()
	if err != nil {
		return nil, err
	}
	if regs.PC() != p.pr.Addr {
		return nil, fmt.Errorf("args: thread %d is not at %s any more", p.t.tid(), p.pr)
	}
	operands, err := image.ParseOperands(p.pr.Args)
	if err != nil {
		return nil, err
	}
	args := make([]starlark.Value, len(operands))
	for i, o := range operands {
		bits, err := o.Value(p.im, p.t.in, p.t.p.in)
		if err != nil {
			return nil, err
		}
		switch {
		case o.Float && o.Size == 4:
			args[i] = starlark.Float(math.Float32frombits(uint32(bits)))
		case o.Float:
			args[i] = starlark.Float(math.Float64frombits(bits))
		case o.Signed:
			unused := 64 - 8*o.Size
			args[i] = starlark.MakeInt64(int64(bits<<unused) >> unused)
		default:
			args[i] = starlark.MakeUint64(bits)
		}
	}
	return starlark.NewList(args), nil
}

// probe returns the probe that the stop's thread stands at.
func (s *stop) probe() (starlark.Value, error) {
	t := s.thread()
	if t == nil {
		return starlark.None, nil
	}
	pr, im, ok := s.p.in.ProbeAt(s.s.PC)
	if !ok {
		return starlark.None, nil
	}
	return &probe{pr: pr, im: im, t: t}, nil
}

func (i *elfImage) probes(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	return probesIn(b, args, kwargs, i.im)
}

// probes returns the probes of all images.
func (p *process) probes(_ *starlark.Thread, b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple) (starlark.Value, error) {
	images, err := p.in.Images()
	if err != nil {
		return nil, err
	}
	return probesIn(b, args, kwargs, images...)
}

func probesIn(b *starlark.Builtin, args starlark.Tuple, kwargs []starlark.Tuple, images ...*image.Image) (starlark.Value, error) {
	pattern := "*"
	if err := starlark.UnpackArgs(b.Name(), args, kwargs, "pattern?", &pattern); err != nil {
		return nil, err
	}
	var found []starlark.Value
	for _, im := range images {
		for _, pr := range im.MatchProbes(pattern) {
			found = append(found, &probe{pr: pr, im: im})
		}
	}
	return starlark.NewList(found), nil
}
