package debuginfo

import (
	"path"
	"slices"
	"sync/atomic"
)

// A lineTable is a line number program (DWARF 5, 6.2): its header, and what
// running it takes.
type lineTable struct {
	off           uint64 // in .debug_line
	version       int
	program       reader // over the instructions
	minInst       uint64
	maxOps        uint64
	defaultIsStmt bool
	lineBase      int64
	lineRange     uint8
	operands      []uint8 // how many operands the standard opcodes take, by opcode less 1

	dir   string // of the compilation
	dirs  [][]byte
	files []lineFile
	paths []atomic.Pointer[string] // by the numbers of files, once put together
}

type lineFile struct {
	name []byte
	dir  uint64 // index in dirs
}

// A row says which line the instructions from addr on come from.
type row struct {
	addr   uint64
	file   uint32 // as the program has it
	line   uint32
	column uint16
	flags  rowFlags
}

type rowFlags uint8

const (
	rowIsStmt      rowFlags = 1 << iota // a good place for a breakpoint
	rowPrologueEnd                      // the first instruction behind a prologue
	rowEnd                              // the first address behind a sequence
)

// Content types of file name tables (DWARF 5, 6.2.4.1).
const (
	contentPath      = 1
	contentDirectory = 2
)

// readLineTable reads the header of u's line number program.
func (u *unit) readLineTable() (*lineTable, error) {
	d := u.data
	data := d.section(secLine)
	if data == nil {
		return nil, d.errSection(secLine)
	}
	const lengthSize = 12
	if err := d.need(secLine, u.lineOff, u.lineOff+lengthSize); err != nil {
		return nil, err
	}
	r := newReader(secLine, data, u.lineOff)
	t := &lineTable{off: u.lineOff, dir: u.dir}
	r.end = r.length()
	if err := d.need(secLine, u.lineOff, uint64(r.end)); err != nil {
		return nil, err
	}
	t.version = int(r.u16())
	if t.version < 2 || t.version > 5 {
		r.fail(int(t.off), "line table of version %d, want 2 to 5", t.version)
	}
	if t.version >= 5 {
		if n := r.u8(); n != 8 {
			r.fail(int(t.off), "addresses of %d bytes, want 8", n)
		}
		r.u8() // segment selectors
	}
	headerSize := r.offset()
	program := uint64(r.off) + headerSize
	t.minInst = uint64(r.u8())
	t.maxOps = 1
	if t.version >= 4 {
		t.maxOps = max(uint64(r.u8()), 1)
	}
	t.defaultIsStmt = r.u8() != 0
	t.lineBase = int64(int8(r.u8()))
	t.lineRange = r.u8()
	if opcodeBase := r.u8(); opcodeBase > 0 {
		t.operands = r.take(uint64(opcodeBase) - 1)
	}
	if t.version >= 5 {
		r.readDirs(t, u)
	} else {
		r.readOldDirs(t, u)
	}
	r.seek(program)
	if r.err != nil {
		return nil, r.err
	}
	t.paths = make([]atomic.Pointer[string], len(t.files))
	t.program = r
	return t, nil
}

// readOldDirs reads the directories and files of versions 2 to 4. Directory 0 is
// that of the compilation, file 0 its main file.
func (r *reader) readOldDirs(t *lineTable, u *unit) {
	t.dirs = [][]byte{[]byte(u.dir)}
	t.files = []lineFile{{name: []byte(u.name)}}
	for {
		dir := r.str()
		if len(dir) == 0 {
			break
		}
		t.dirs = append(t.dirs, dir)
	}
	for {
		name := r.str()
		if len(name) == 0 {
			break
		}
		t.files = append(t.files, lineFile{name, r.uleb()})
		r.skipLEB() // modification time
		r.skipLEB() // size
	}
}

// readDirs reads the directories and files of version 5.
func (r *reader) readDirs(t *lineTable, u *unit) {
	r.nameTable(u, func(f lineFile) { t.dirs = append(t.dirs, f.name) })
	r.nameTable(u, func(f lineFile) { t.files = append(t.files, f) })
	if t.dir == "" && len(t.dirs) > 0 {
		t.dir = string(t.dirs[0]) // type units do not name it
	}
}

// nameTable reads a table of directories or files.
func (r *reader) nameTable(u *unit, add func(lineFile)) {
	type column struct {
		content uint64
		form    form
	}
	columns := make([]column, r.u8())
	for i := range columns {
		columns[i] = column{r.uleb(), form(r.uleb())}
	}
	// Columns may take no space. Those of a real table do.
	start, n := r.off, r.uleb()
	if n > uint64(r.end-r.off) || n > 0 && len(columns) == 0 {
		r.fail(start, "table of %d names", n)
		return
	}
	for ; n > 0 && r.err == nil; n-- {
		var f lineFile
		for _, c := range columns {
			v := r.value(c.form, 0, 5)
			switch c.content {
			case contentPath:
				f.name = u.strBytes(v)
			case contentDirectory:
				f.dir = v.u
			}
		}
		add(f)
	}
}

// path returns the path of a file, absolute if the compiler's directory is
// known, or "".
func (t *lineTable) path(file uint32) string {
	if uint64(file) >= uint64(len(t.files)) {
		return ""
	}
	if name := t.paths[file].Load(); name != nil {
		return *name
	}
	name := t.join(file)
	t.paths[file].Store(&name)
	return name
}

// join puts the path of a file together.
func (t *lineTable) join(file uint32) string {
	f := &t.files[file]
	name := string(f.name)
	if name == "" || path.IsAbs(name) {
		return name
	}
	if f.dir < uint64(len(t.dirs)) {
		name = path.Join(string(t.dirs[f.dir]), name)
	}
	if !path.IsAbs(name) && t.dir != "" {
		name = path.Join(t.dir, name)
	}
	return path.Clean(name)
}

// Standard and extended opcodes (DWARF 5, 6.2.5.2 and 6.2.5.3).
const (
	lnsCopy             = 0x01
	lnsAdvancePC        = 0x02
	lnsAdvanceLine      = 0x03
	lnsSetFile          = 0x04
	lnsSetColumn        = 0x05
	lnsNegateStmt       = 0x06
	lnsSetBasicBlock    = 0x07
	lnsConstAddPC       = 0x08
	lnsFixedAdvancePC   = 0x09
	lnsSetPrologueEnd   = 0x0a
	lnsSetEpilogueBegin = 0x0b
	lnsSetISA           = 0x0c

	lneEndSequence = 0x01
	lneSetAddress  = 0x02
)

// standardOperands are the numbers of operands that the opcodes above have. A
// table that gives another number means another opcode.
var standardOperands = [...]uint8{0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1}

// A lineMachine runs a line number program.
type lineMachine struct {
	reader
	t       *lineTable
	row     row
	opIndex uint64
	line    int64
	rows    []row // of the sequence
	ordered bool
}

// sequences runs the program and calls f with the rows of each sequence, in the
// order of addresses: the last one is that behind it. f must not keep them.
func (t *lineTable) sequences(f func(rows []row)) error {
	m := lineMachine{reader: t.program, t: t}
	m.reset()
	for m.off < m.end {
		if m.step() {
			m.finish(f)
		}
	}
	return m.err // rows without an end are not a sequence
}

func (m *lineMachine) reset() {
	m.row = row{file: 1}
	if m.t.defaultIsStmt {
		m.row.flags = rowIsStmt
	}
	m.opIndex, m.line = 0, 1
	m.rows, m.ordered = m.rows[:0], true
}

// finish hands over a sequence. Code that the linker has dropped starts at
// address 0, or at the end of the address space.
func (m *lineMachine) finish(f func(rows []row)) {
	if !m.ordered {
		// Behind the end is nothing.
		end := m.rows[len(m.rows)-1]
		m.rows = slices.DeleteFunc(m.rows[:len(m.rows)-1], func(r row) bool { return r.addr >= end.addr })
		slices.SortStableFunc(m.rows, func(a, b row) int {
			switch {
			case a.addr < b.addr:
				return -1
			case a.addr > b.addr:
				return 1
			}
			return 0
		})
		m.rows = append(m.rows, end)
	}
	if lo := m.rows[0].addr; len(m.rows) > 1 && lo != 0 && lo < tombstone {
		f(m.rows)
	}
	m.reset()
}

// tombstone is the lowest of the addresses that linkers give to what they have
// dropped, -1 and -2.
const tombstone = ^uint64(0) - 1

func (m *lineMachine) advance(ops uint64) {
	m.opIndex += ops
	m.row.addr += m.t.minInst * (m.opIndex / m.t.maxOps)
	m.opIndex %= m.t.maxOps
}

func (m *lineMachine) emit() {
	m.row.line = uint32(m.line)
	if n := len(m.rows); n > 0 && m.row.addr < m.rows[n-1].addr {
		m.ordered = false
	}
	m.rows = append(m.rows, m.row)
	m.row.flags &^= rowPrologueEnd
}

// special runs what special opcodes do, of which op is the number.
func (m *lineMachine) special(op uint8) uint64 {
	if m.t.lineRange == 0 {
		m.fail(m.off-1, "line range of 0")
		return 0
	}
	return uint64(op / m.t.lineRange)
}

// step runs one instruction. It reports whether that ended a sequence.
func (m *lineMachine) step() bool {
	op := m.u8()
	if base := uint8(len(m.t.operands)) + 1; op >= base {
		m.advance(m.special(op - base))
		if m.err == nil {
			m.line += m.t.lineBase + int64((op-base)%m.t.lineRange)
			m.emit()
		}
		return false
	}
	if op == 0 {
		return m.extended()
	}
	if int(op) > len(standardOperands) || m.t.operands[op-1] != standardOperands[op-1] {
		for range m.t.operands[op-1] {
			m.skipLEB()
		}
		return false
	}
	switch op {
	case lnsCopy:
		m.emit()
	case lnsAdvancePC:
		m.advance(m.uleb())
	case lnsAdvanceLine:
		m.line += m.sleb()
	case lnsSetFile:
		m.row.file = uint32(min(m.uleb(), 1<<32-1))
	case lnsSetColumn:
		m.row.column = uint16(min(m.uleb(), 1<<16-1))
	case lnsNegateStmt:
		m.row.flags ^= rowIsStmt
	case lnsConstAddPC:
		m.advance(m.special(255 - uint8(len(m.t.operands)) - 1))
	case lnsFixedAdvancePC:
		m.row.addr += uint64(m.u16())
		m.opIndex = 0
	case lnsSetPrologueEnd:
		m.row.flags |= rowPrologueEnd
	case lnsSetISA:
		m.skipLEB()
	}
	return false
}

func (m *lineMachine) extended() (end bool) {
	start, n := m.off, m.uleb()
	next := uint64(m.off) + n
	if n == 0 || n > uint64(m.end-m.off) {
		m.fail(start, "extended opcode of %d bytes", n)
		return false
	}
	switch m.u8() {
	case lneEndSequence:
		m.row.flags |= rowEnd
		m.emit()
		end = true
	case lneSetAddress:
		m.row.addr = m.uint(int(min(n-1, 9)))
		m.opIndex = 0
	}
	m.seek(next)
	return end
}
