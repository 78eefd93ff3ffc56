package debuginfo

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
)

// ErrNoDWARF is the error for a file without debug information.
var ErrNoDWARF = errors.New("no debug information")

// A section is one of those that hold debug information.
type section int

const (
	secInfo section = iota
	secAbbrev
	secStr
	secLineStr
	secStrOffsets
	secAddr
	secLine
	secRanges
	secRnglists
	secLoc
	secLoclists
	secTypes
	secAranges
	secNames
	secGDBIndex
	secAltLink
	secCUIndex
	secTUIndex

	numSections = iota

	secExpr section = numSections // not a section, but the place of errors in expressions
)

var sectionNames = [numSections + 1]string{
	".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str", ".debug_str_offsets", ".debug_addr", ".debug_line",
	".debug_ranges", ".debug_rnglists", ".debug_loc", ".debug_loclists", ".debug_types", ".debug_aranges", ".debug_names",
	".gdb_index", ".gnu_debugaltlink", ".debug_cu_index", ".debug_tu_index", "expression",
}

func (s section) String() string { return sectionNames[s] }

// Sections returns the contents of the section called name, decompressed where
// SHF_COMPRESSED says so, and nothing if the file has none. They must not change
// while a Data uses them.
type Sections func(name string) ([]byte, error)

// Data is the debug information of one file. Any number of goroutines may use
// it at the same time.
type Data struct {
	name   string
	load   Sections
	ranges Ranges
	sup    *Data
	supErr error // why there is none
	linked *Data // of split debug information: the file that was linked

	sections [numSections]lazySection
	unitList

	abbrevs      sync.Map // abbrevKey → *abbrevTable
	abbrevBudget atomic.Int64
	rangesRead   atomic.Int64 // entries of range lists
	programs     sync.Map     // offset in .debug_line → *lineTable

	failed atomic.Pointer[error] // the first of reading a section: what is not found may be there

	types sync.Map // place → *Type

	openSplit func(name, dir string, id uint64) (*Data, error)
	missing   atomic.Pointer[error] // the first of opening split debug information
	splits    map[uint64]*unit      // of split debug information, by ID
	typesOnce sync.Once             // of split debug information: its units of types are listed once
	typesWith *unit                 // along with this unit
	more      moreUnits

	addresses func() *addressTable
	aranges   func() *rangeTable[uint64]
	addressed atomic.Bool  // addresses has returned
	partial   atomic.Int64 // addresses and files looked up while not all units were known
	names     func() *nameTable
	crossing  func() []*unit
	files     func() *fileTable
}

type lazySection struct {
	once sync.Once
	data []byte
	part part // if data is read as it is needed
	err  error
}

// Open returns the debug information of the file called name in errors. It
// reads the headers of the units, or only the first if they have to be decompressed; all
// else is read when it is first needed, of large sections no more than that if ranges is
// not nil.
func Open(name string, sections Sections, ranges Ranges) (*Data, error) {
	return (&Data{name: name, load: sections, ranges: ranges}).open()
}

// open reads the headers of the units.
func (d *Data) open() (*Data, error) {
	name := d.name
	d.sigs = make(map[uint64]*unit)
	d.addresses = sync.OnceValue(d.buildAddresses)
	d.aranges = sync.OnceValue(d.readAranges)
	d.names = sync.OnceValue(d.buildNames)
	d.crossing = sync.OnceValue(d.findCrossing)
	d.files = sync.OnceValue(d.buildFiles)
	info := d.section(secInfo)
	if err := d.sections[secInfo].err; err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(info) == 0 {
		return nil, fmt.Errorf("%s: %w", name, ErrNoDWARF)
	}
	enough := never
	if _, inOrder := d.sections[secInfo].part.(*stream); inOrder {
		enough = func(*unit) bool { return true }
	}
	if _, err := d.discover(enough); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

// Supplementary returns the path and the build ID of the file to which parts
// of the debug information have been moved, as dwz does, or "" if there is none.
func (d *Data) Supplementary() (path string, buildID []byte) {
	name, id, _ := bytes.Cut(d.section(secAltLink), []byte{0})
	return string(name), id
}

// SetSupplementary makes d use what the file that Supplementary names holds. It
// must be called before anything is looked up. Where there is none, err may say why one
// that was found is not the one.
func (d *Data) SetSupplementary(sup *Data, err error) { d.sup, d.supErr = sup, err }

func (d *Data) errNoSup() error {
	path, _ := d.Supplementary()
	if path == "" {
		return fmt.Errorf("%s: refers to a supplementary file but names none", d.name)
	}
	if d.supErr != nil {
		return fmt.Errorf("%s: needs the supplementary file %s: %w", d.name, path, d.supErr)
	}
	return fmt.Errorf("%s: needs the supplementary file %s: install it", d.name, path)
}

// isPaged reports whether all that reads the section asks for what it needs first.
func (s section) isPaged() bool {
	return s == secInfo || s == secTypes || s == secStr || s == secLine || s == secLoc || s == secLoclists
}

// section returns the contents of a section, nil if there are none to be read. Of
// one that is read in parts, those hold zeros that have not been needed.
func (d *Data) section(s section) []byte {
	l := &d.sections[s]
	l.once.Do(func() {
		if d.ranges != nil && s.isPaged() {
			if r, size := d.ranges(d.sectionName(s)); size > 0 {
				l.data = make([]byte, size)
				if at, ok := r.(io.ReaderAt); ok {
					l.part = newPages(at, l.data)
				} else {
					l.part = &stream{r: r, data: l.data}
				}
				return
			}
		}
		if l.data, l.err = d.load(d.sectionName(s)); l.err == nil && l.data == nil {
			l.data, l.err = d.oldCompressed(s)
		}
		if l.err != nil && s < secAranges { // the others only save time
			d.fail(fmt.Errorf("%s: %w", d.name, l.err))
		}
	})
	return l.data
}

// oldCompressed returns the contents of a section of the kind that GNU tools
// compressed before SHF_COMPRESSED: its name starts with .zdebug, its contents
// with "ZLIB" and the size, big-endian.
func (d *Data) oldCompressed(s section) ([]byte, error) {
	rest, ok := bytes.CutPrefix([]byte(d.sectionName(s)), []byte(".debug"))
	if !ok {
		return nil, nil
	}
	data, err := d.load(".zdebug" + string(rest))
	if err != nil || data == nil {
		return nil, err
	}
	if len(data) < 12 || string(data[:4]) != "ZLIB" {
		return nil, fmt.Errorf(".zdebug%s: bad header", rest)
	}
	size := binary.BigEndian.Uint64(data[4:])
	// Deflate makes at most 1032 bytes of one.
	if size > uint64(len(data))*1032 {
		return nil, fmt.Errorf(".zdebug%s: %d bytes would become %d", rest, len(data), size)
	}
	z, err := zlib.NewReader(bytes.NewReader(data[12:]))
	if err != nil {
		return nil, fmt.Errorf(".zdebug%s: %w", rest, err)
	}
	out := make([]byte, size)
	if _, err := io.ReadFull(z, out); err != nil {
		return nil, fmt.Errorf(".zdebug%s: %w", rest, err)
	}
	return out, nil
}

// errSection returns why a section that is needed cannot be read.
func (d *Data) errSection(s section) error {
	if err := d.sections[s].err; err != nil {
		return fmt.Errorf("%s: %w", d.name, err)
	}
	return fmt.Errorf("%s: section %v is missing", d.name, s)
}

// stringAt returns the string at off, which ends in a zero byte, or nil.
func stringAt(data []byte, off uint64) []byte {
	if off >= uint64(len(data)) {
		return nil
	}
	n := bytes.IndexByte(data[off:], 0)
	if n < 0 {
		return nil
	}
	return data[off:][:n]
}
