package triage

import (
	"fmt"
	"path"
)

// A Frame is a frame of a stack, in words that outlive the process.
type Frame struct {
	Level    int
	PC       uint64
	SP       uint64
	CFA      uint64 // or 0
	Function string // or ""
	Symbol   string // that PC lies in, or ""
	Offset   uint64 // of PC in that
	File     string // or ""
	Line     int
	Column   int
	Inlined  bool // into the function of the next frame
	Guess    bool // it was only guessed to be one
	Signal   bool // of the kernel's call of a signal handler

	Image       string // path of the ELF file, or ""
	BuildID     string // of it, or ""
	ImageOffset uint64 // of PC in the file's own addresses
}

// A Stack is the innermost and the outermost frames of a stack.
type Stack struct {
	Frames []Frame
	Elided int   // frames that are left out
	After  int   // how many of Frames come before those
	Err    error // why the stack could not be followed further, or nil
}

// String returns a line such as "#1 0x401196 in parse at json.c:88:5".
func (f *Frame) String() string {
	s := fmt.Sprintf("#%d %#x", f.Level, f.PC)
	if f.Function != "" {
		s += " in " + f.Function
	}
	switch {
	case f.File != "":
		s += " at " + f.source(path.Base)
	case f.Image != "" && f.Function != "":
		s += fmt.Sprintf("+%#x from %s", f.Offset, path.Base(f.Image))
	case f.Image != "":
		s += fmt.Sprintf(" in %s+%#x", path.Base(f.Image), f.ImageOffset)
	}
	if f.Inlined {
		s += " (inlined)"
	}
	if f.Guess {
		s += " (?)"
	}
	return s
}

// source returns the place in the source as "json.c:88:5", with the file as name
// gives it.
func (f *Frame) source(name func(string) string) string {
	s := fmt.Sprintf("%s:%d", name(f.File), f.Line)
	if f.Column > 0 {
		s += fmt.Sprintf(":%d", f.Column)
	}
	return s
}

// Text returns what identifies the frame in every run: "parse at json.c:88:5", or
// "parse+0x1c in libjson.so" without a line, or "libjson.so+0x11a0" without a symbol.
// Frames are the same if their texts are.
func (f *Frame) Text() string {
	switch {
	case f.File != "" && f.Function != "":
		return f.Function + " at " + f.source(path.Base)
	case f.File != "":
		return f.source(path.Base)
	case f.Function != "" && f.Image != "" && f.Symbol == "":
		return fmt.Sprintf("%s in %s+%#x", f.Function, path.Base(f.Image), f.ImageOffset)
	case f.Function != "" && f.Image != "":
		return fmt.Sprintf("%s+%#x in %s", f.Function, f.Offset, path.Base(f.Image))
	case f.Function != "":
		return f.Function
	case f.Image != "":
		return fmt.Sprintf("%s+%#x", path.Base(f.Image), f.ImageOffset)
	}
	return "??"
}

func texts(frames []Frame) []string {
	list := make([]string, len(frames))
	for i := range frames {
		list[i] = frames[i].Text()
	}
	return list
}
