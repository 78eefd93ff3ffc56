package triage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"strconv"
)

// Keys tell crashes apart, from the exact one to the coarse ones. None depends on where
// things are loaded, on the input's name, or on the run. Exact and Offset go by the
// code and know nothing of inlined functions; Line and Function go by the source, in
// which these are functions like others.
type Keys struct {
	Exact     string // hash of the build IDs of the files and the offsets in these
	Offset    string // hash of the functions and the offsets in these
	Line      string // hash of the functions and the lines
	Function  string // hash of the functions
	Top       string // the innermost function
	CrashLine string // the innermost line: "json.c:88:5", or "libjson.so+0x11a0"
}

// A Key is one of Keys.
type Key struct{ Name, Value string }

// All returns the keys with their names, from the exact one on.
func (k *Keys) All() []Key {
	return []Key{{"exact", k.Exact}, {"offset", k.Offset}, {"line", k.Line}, {"function", k.Function}, {"top", k.Top}, {"crash_line", k.CrashLine}}
}

// Get returns the key called name; ok is false if there is none.
func (k *Keys) Get(name string) (value string, ok bool) {
	for _, key := range k.All() {
		if key.Name == name {
			return key.Value, true
		}
	}
	return "", false
}

func newKeys(trace []Frame) Keys {
	top := &trace[0]
	k := Keys{Top: top.name(), CrashLine: top.place()}
	if top.File != "" {
		k.CrashLine = top.source(path.Base)
	}
	k.Exact = hash(trace, func(f *Frame) string {
		if f.Inlined {
			return ""
		}
		return fmt.Sprintf("%s+%#x", orElse(f.BuildID, path.Base(f.Image)), f.ImageOffset)
	})
	k.Offset = hash(trace, func(f *Frame) string {
		switch {
		case f.Inlined:
			return ""
		case f.Symbol != "":
			return fmt.Sprintf("%s+%#x", f.Symbol, f.Offset)
		}
		return f.place()
	})
	k.Line = hash(trace, (*Frame).Text)
	k.Function = hash(trace, (*Frame).name)
	return k
}

// name returns the function's name, or where in its file the frame is.
func (f *Frame) name() string { return orElse(f.Function, f.place()) }

// place returns where in its file the frame is.
func (f *Frame) place() string {
	if f.Image == "" {
		return "??"
	}
	return fmt.Sprintf("%s+%#x", path.Base(f.Image), f.ImageOffset)
}

// hash returns the hash of what part makes of the frames, without what is "".
func hash(frames []Frame, part func(*Frame) string) string {
	var text []byte
	for i := range frames {
		if s := part(&frames[i]); s != "" {
			text = strconv.AppendInt(text, int64(len(s)), 10)
			text = append(append(append(text, ' '), s...), '\n')
		}
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}
