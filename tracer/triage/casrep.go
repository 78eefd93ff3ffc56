package triage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/arch"
)

// A casrep is a crash report as CASR's tools read and write them.
type casrep struct {
	Date           string            `json:"Date"`
	Uname          string            `json:"Uname"`
	OS             string            `json:"OS"`
	OSRelease      string            `json:"OSRelease"`
	Architecture   string            `json:"Architecture"`
	ExecutablePath string            `json:"ExecutablePath"`
	ProcEnviron    []string          `json:"ProcEnviron,omitempty"`
	ProcCmdline    string            `json:"ProcCmdline"`
	Stdin          string            `json:"Stdin,omitempty"`
	ProcMaps       []string          `json:"ProcMaps,omitempty"`
	CrashSeverity  casrepClass       `json:"CrashSeverity"`
	Stacktrace     []string          `json:"Stacktrace"`
	Registers      map[string]uint64 `json:"Registers,omitempty"`
	Disassembly    []string          `json:"Disassembly,omitempty"`
	AsanReport     []string          `json:"AsanReport,omitempty"`
	MsanReport     []string          `json:"MsanReport,omitempty"`
	UbsanReport    []string          `json:"UbsanReport,omitempty"`
	CrashLine      string            `json:"CrashLine"`
	Source         []string          `json:"Source,omitempty"`
}

type casrepClass struct {
	Type             string `json:"Type"`
	ShortDescription string `json:"ShortDescription"`
	Description      string `json:"Description"`
	Explanation      string `json:"Explanation"`
}

// CASREP returns the crash as a report that CASR's tools read. stdin is the path of
// what the process had as its standard input, or "".
func (c *Crash) CASREP(stdin string) ([]byte, error) {
	r := casrep{
		Date:           time.Now().Format("2006-01-02T15:04:05.000000-07:00"),
		Architecture:   "amd64",
		ExecutablePath: c.Exe,
		ProcCmdline:    strings.Join(c.Argv, " "),
		Stdin:          stdin,
		CrashSeverity:  casrepClass{string(c.Severity), c.Name, c.Description, c.Explanation},
		Stacktrace:     []string{},
		CrashLine:      c.Keys.CrashLine,
		Disassembly:    c.disassemblyMarked(),
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		field := func(b [65]byte) string { return unix.ByteSliceToString(b[:]) }
		r.OS = field(u.Sysname)
		r.OSRelease = field(u.Release)
		r.Uname = strings.Join([]string{r.OS, field(u.Nodename), r.OSRelease, field(u.Version), field(u.Machine)}, " ")
	}
	frames := c.Stack.Frames
	if s := c.Sanitizer; s != nil && len(s.Frames) > 0 {
		frames = s.Frames
		switch s.Tool {
		case "msan":
			r.MsanReport = s.Text
		case "ubsan":
			r.UbsanReport = s.Text
		default:
			r.AsanReport = s.Text
		}
	}
	sanitized := r.AsanReport != nil || r.MsanReport != nil || r.UbsanReport != nil
	for i := range frames {
		r.Stacktrace = append(r.Stacktrace, frames[i].casrep(sanitized))
	}
	if c.Regs != (arch.Regs{}) {
		r.Registers = make(map[string]uint64)
		for i := range arch.Registers {
			d := &arch.Registers[i]
			r.Registers[d.Name] = d.Get(&c.Regs)
		}
	}
	for _, m := range c.Maps {
		r.ProcMaps = append(r.ProcMaps, fmt.Sprintf("0x%-15x 0x%-15x 0x%-10x 0x%-10x %s", m.Start, m.End, m.End-m.Start, m.Offset, m.Path))
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	err := enc.Encode(&r)
	return b.Bytes(), err
}

// disassemblyMarked marks the first instruction as gdb does.
func (c *Crash) disassemblyMarked() (list []string) {
	for i, s := range c.Disassembly {
		mark := "   "
		if i == 0 {
			mark = "=> "
		}
		list = append(list, mark+s)
	}
	return list
}

// casrep returns the frame as gdb writes it, or as sanitizers do.
func (f *Frame) casrep(sanitized bool) string {
	name := orElse(f.Function, "??")
	if sanitized {
		s := fmt.Sprintf("    #%d 0x%x in %s", f.Level, f.PC, name)
		switch {
		case f.File != "":
			s += " " + f.source(func(file string) string { return file })
		case f.Image != "":
			s += fmt.Sprintf(" (%s+0x%x)", f.Image, f.ImageOffset)
		}
		return s
	}
	s := fmt.Sprintf("#%-3d 0x%016x in %s ()", f.Level, f.PC, name)
	switch {
	case f.File != "":
		s += " at " + f.source(func(file string) string { return file })
	case f.Image != "":
		s += " from " + f.Image
	}
	return s
}

// maxCASREP bounds the frames of a report that is read.
const maxCASREP = 1 << 16

// ReadCASREP returns the case that a report of CASR, or one of ours, is of.
func ReadCASREP(data []byte) (*Case, error) {
	var r casrep
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("not a CASREP: %w", err)
	}
	if len(r.Stacktrace) == 0 {
		return nil, errors.New("not a CASREP: it has no Stacktrace")
	}
	if len(r.Stacktrace) > maxCASREP {
		return nil, fmt.Errorf("the CASREP has %d frames, want %d at most", len(r.Stacktrace), maxCASREP)
	}
	maps := parseMaps(r.ProcMaps)
	var frames []Frame
	for _, line := range r.Stacktrace {
		f, ok := parseAnyFrame(line)
		if !ok {
			continue
		}
		for _, m := range maps {
			if f.PC-m.start < m.size && f.ImageOffset == 0 && m.path != "" {
				f.Image, f.ImageOffset = m.path, f.PC-m.start+m.offset
			}
		}
		frames = append(frames, f)
	}
	class := r.CrashSeverity
	c := &Case{Name: class.ShortDescription, Severity: Severity(class.Type)}
	if c.Severity.Rank() == len(severities) {
		c.Severity = Undefined
	}
	c.Stack = texts(own().trace(Stack{Frames: frames}, c.Name == "StackOverflow"))
	return c, nil
}

// A casrepMap is a line of ProcMaps.
type casrepMap struct {
	start, size, offset uint64
	path                string
}

func parseMaps(lines []string) (maps []casrepMap) {
	for _, line := range lines[:min(len(lines), maxCASREP)] {
		words := strings.Fields(line)
		if len(words) < 4 {
			continue
		}
		var n [4]uint64
		ok := true
		for i := range n {
			v, err := strconv.ParseUint(words[i], 0, 64)
			n[i], ok = v, ok && err == nil
		}
		if last := words[len(words)-1]; ok && len(words) > 4 && strings.HasPrefix(last, "/") {
			maps = append(maps, casrepMap{n[0], n[1] - n[0], n[3], last})
		}
	}
	return maps
}

// Frames of the other tools that CASR takes: Rust's and Go's backtraces and Python's.
var (
	rustFrame   = lazy(`^\s*\d+:\s+(?:0x([0-9a-f]+) - )?(.+?)(?:\s+at (\S+?):(\d+)(?::(\d+))?)?$`)
	goFrame     = lazy(`^(\S.*?)\s+in\s+(\S+):(\d+)`)
	pythonFrame = lazy(`^\s*File "(.+?)", line (\d+), in (\S+)`)
)

// parseAnyFrame parses a frame as gdb, a sanitizer, Rust, Go or Python writes it.
func parseAnyFrame(line string) (f Frame, ok bool) {
	if m := frameLine().FindStringSubmatch(line); m != nil {
		return parseFrame(m), true
	}
	if m := pythonFrame().FindStringSubmatch(line); m != nil {
		return Frame{File: m[1], Line: number(m[2]), Function: m[3]}, true
	}
	if m := rustFrame().FindStringSubmatch(line); m != nil {
		f = Frame{Function: m[2], File: m[3], Line: number(m[4]), Column: number(m[5])}
		f.PC, _ = strconv.ParseUint(m[1], 16, 64)
		return f, true
	}
	if m := goFrame().FindStringSubmatch(line); m != nil {
		name := m[1]
		if i := strings.LastIndexByte(name, '('); i > 0 {
			name = name[:i] // the arguments
		}
		return Frame{Function: name, File: m[2], Line: number(m[3])}, true
	}
	return Frame{Function: strings.TrimSpace(line)}, strings.TrimSpace(line) != ""
}

// gdbValue matches the beginning of arguments that gdb knows.
var gdbValue = lazy(` \(\w+=`)

// cutTail takes what gdb writes behind a function: its arguments, and the file that
// it is in.
func (f *Frame) cutTail(rest string) string {
	if i := strings.LastIndex(rest, " from /"); i >= 0 {
		f.Image, rest = rest[i+len(" from "):], rest[:i]
	}
	if !strings.HasSuffix(rest, ")") {
		return rest
	}
	if at := gdbValue().FindStringIndex(rest); at != nil {
		return rest[:at[0]]
	}
	depth, i := 0, len(rest) // a type may have such parentheses too, but does not end with them
	for i > 0 {
		i--
		switch rest[i] {
		case ')':
			depth++
		case '(':
			depth--
		}
		if depth == 0 {
			break
		}
	}
	if i > 1 && rest[i-1] == ' ' {
		return rest[:i-1]
	}
	return rest
}
