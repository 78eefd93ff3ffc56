package builtins

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer"
)

// This file holds the types that unpack arguments.

// A blob is an argument of bytes; a string will do.
type blob string

func (d *blob) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case starlark.Bytes:
		*d = blob(v)
	case starlark.String:
		*d = blob(v)
	default:
		return fmt.Errorf("got %s, want bytes", v.Type())
	}
	return nil
}

// An address is an argument that is an address, or what has one.
type address uint64

// A located value stands for a place in a process.
type located interface{ address() uint64 }

func (a *address) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case starlark.Int:
		addr, ok := v.Uint64()
		if !ok {
			return fmt.Errorf("address %s is not in 0 to 2^64-1", v)
		}
		*a = address(addr)
	case located:
		*a = address(v.address())
	case *typed:
		addr, err := v.target()
		*a = address(addr)
		return err
	case *array:
		return a.Unpack(v.typed)
	default:
		return fmt.Errorf("got %s, want an address, symbol, frame or inst", v.Type())
	}
	return nil
}

// A location is an argument that is a place in a process: an address or a name.
type location struct {
	name string // where given by name
	addr address
}

func (l *location) Unpack(v starlark.Value) error {
	name, ok := v.(starlark.String)
	if ok && name == "" {
		return errors.New("got an empty location")
	}
	if l.name = string(name); ok {
		return nil
	}
	return l.addr.Unpack(v)
}

// resolve returns the address of l in p.
func (l *location) resolve(p *process) (uint64, error) {
	if l.name == "" {
		return uint64(l.addr), nil
	}
	return p.in.Addr(l.name)
}

// A signal is an argument that is a signal's number or name, such as "SIGTERM" or
// "term".
type signal int

// delivery returns what becomes of the signal that is pending: below zero nothing was said.
func (s signal) delivery() (d tracer.Delivery) {
	if s >= 0 {
		d = tracer.Deliver(int(s))
	}
	return d
}

func (s *signal) Unpack(v starlark.Value) error {
	switch v := v.(type) {
	case starlark.Int:
		n, err := starlark.AsInt32(v)
		if err != nil || n < 0 || n > tracer.MaxSignal {
			return fmt.Errorf("signal %s is not in 0 to %d", v, tracer.MaxSignal)
		}
		*s = signal(n)
	case starlark.String:
		n, ok := tracer.SignalNumber(string(v))
		if !ok {
			var names []string
			for sig := 1; sig <= tracer.MaxSignal; sig++ {
				names = append(names, tracer.SignalName(sig))
			}
			return fmt.Errorf("no signal is named %s%s", v, hint(strings.ToUpper(string(v)), names))
		}
		*s = signal(n)
	default:
		return fmt.Errorf("got %s, want a signal's number or name", v.Type())
	}
	return nil
}

// A timeout is an argument in seconds; 0 stands for none.
type timeout time.Duration

func (t *timeout) Unpack(v starlark.Value) error {
	f, err := float(v)
	if err != nil {
		return err
	}
	if !(f >= 0) {
		return fmt.Errorf("got %v seconds, want 0 or more", v)
	}
	// A timeout of nothing is over at once.
	ns := max(1, min(f*float64(time.Second), math.MaxInt64/2))
	*t = timeout(ns)
	return nil
}

// quoteAll returns the keys of m, sorted and quoted, for an error that lists them.
func quoteAll[V any](m map[string]V) string {
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(m)) {
		keys = append(keys, strconv.Quote(key))
	}
	return strings.Join(keys, ", ")
}
