package script

import (
	"fmt"
	"math/big"
	"strings"

	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/builtins"
)

// Limits on what the REPL shows of a value.
const (
	maxShownBytes = 4 << 10  // of a bytes value
	maxShownText  = 64 << 10 // bytes of any other
)

// addressLike is the least int that the REPL shows in hexadecimal.
const addressLike = 0x10000

// display returns what the REPL shows for v: ints that could be addresses in both
// notations, bytes as a dump, and everything else as Starlark writes it.
func (s *Session) display(thread *starlark.Thread, v starlark.Value) (string, error) {
	var text string
	switch v := v.(type) {
	case starlark.Bytes:
		return s.displayBytes(thread, v)
	case starlark.Int:
		text = v.String()
		if isAddressLike(v) {
			text = fmt.Sprintf("%#x (%s)", v.BigInt(), text)
		}
	case *starlark.List:
		var err error
		if text, err = displayList(thread, v); err != nil {
			return "", err
		}
	default:
		var err error
		if text, err = builtins.Text(thread, v); err != nil {
			return "", err
		}
	}
	if len(text) > maxShownText {
		text = fmt.Sprintf("%s... %d more bytes", text[:maxShownText], len(text)-maxShownText)
	}
	return builtins.Escape(text, false), nil
}

// displayBytes dumps v by means of the builtin hexdump.
func (s *Session) displayBytes(thread *starlark.Thread, v starlark.Bytes) (string, error) {
	if v.Len() == 0 {
		return v.String(), nil
	}
	shown := v[:min(len(v), maxShownBytes)]
	dump, err := starlark.Call(thread, s.loader.predeclared["hexdump"], starlark.Tuple{shown}, nil)
	if err != nil {
		return "", err
	}
	text, _ := starlark.AsString(dump)
	text = strings.TrimSuffix(text, "\n")
	if rest := len(v) - len(shown); rest > 0 {
		text += fmt.Sprintf("\n... %d more bytes", rest)
	}
	return text, nil
}

// displayList is the list's own form, but with the ints of a list of addresses in
// hexadecimal.
func displayList(thread *starlark.Thread, list *starlark.List) (string, error) {
	items := make([]string, list.Len())
	for i := range items {
		v, ok := list.Index(i).(starlark.Int)
		if !ok {
			return builtins.Text(thread, list)
		}
		items[i] = v.String()
		if isAddressLike(v) {
			items[i] = fmt.Sprintf("%#x", v.BigInt())
		}
	}
	return "[" + strings.Join(items, ", ") + "]", nil
}

func isAddressLike(v starlark.Int) bool {
	return v.BigInt().Cmp(big.NewInt(addressLike)) >= 0
}
