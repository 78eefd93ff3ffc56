package procfs

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
)

// A Mapping is a range of addresses of a process and what lies behind it.
type Mapping struct {
	Start, End uint64 // [Start, End)
	Perms      Perms
	Offset     uint64 // of Start in the file, in bytes
	Dev        string // device of the file, such as "fe:01", in hexadecimal
	Inode      uint64 // of the file, or 0 if there is none
	Path       string // of the file, a name such as "[stack]", or ""
	Deleted    bool   // the file has no path any more; Path is the one it had
}

// deletedSuffix is what the kernel appends to the path of a deleted file
// (d_path). A file whose name ends like that cannot be told from one.
const deletedSuffix = " (deleted)"

// Perms are the permissions of a mapping.
type Perms uint8

// The bits of Perms. A mapping that is not shared is private.
const (
	R Perms = 1 << iota
	W
	X
	Shared
)

// String returns the permissions as /proc/PID/maps has them, such as "r-xp".
func (p Perms) String() string {
	s := []byte("---p")
	for i, c := range []byte("rwxs") {
		if p&(1<<i) != 0 {
			s[i] = c
		}
	}
	return string(s)
}

// Maps returns the mappings of pid in the order of their addresses. A zombie
// and a kernel thread have none.
func Maps(pid int) ([]Mapping, error) {
	return read(pid, "maps", ParseMaps)
}

// ParseMaps parses the contents of /proc/PID/maps (proc_pid_maps(5)).
func ParseMaps(data []byte) ([]Mapping, error) {
	text := string(data) // the mappings share it
	maps := make([]Mapping, 0, strings.Count(text, "\n"))
	for text != "" {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		m, err := parseMapping(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", len(maps)+1, err)
		}
		maps = append(maps, m)
	}
	return maps, nil
}

// parseMapping parses a line such as
//
//	7f1c2e000000-7f1c2e021000 rw-p 00000000 fe:01 131 /a/file
func parseMapping(line string) (Mapping, error) {
	bounds, rest, _ := strings.Cut(line, " ")
	perms, rest, _ := strings.Cut(rest, " ")
	offset, rest, _ := strings.Cut(rest, " ")
	dev, rest, _ := strings.Cut(rest, " ")
	inode, path, _ := strings.Cut(rest, " ")
	start, end, _ := strings.Cut(bounds, "-")

	m := Mapping{Dev: dev}
	var errs [5]error
	m.Start, errs[0] = strconv.ParseUint(start, 16, 64)
	m.End, errs[1] = strconv.ParseUint(end, 16, 64)
	m.Perms, errs[2] = parsePerms(perms)
	m.Offset, errs[3] = strconv.ParseUint(offset, 16, 64)
	m.Inode, errs[4] = strconv.ParseUint(inode, 10, 64)
	if err := cmp.Or(errs[:]...); err != nil {
		return Mapping{}, err
	}
	if m.End < m.Start {
		return Mapping{}, fmt.Errorf("range %s ends before it starts", bounds)
	}
	// The path is padded to a column, and a newline is all that is escaped
	// in it (show_map_vma): other backslashes stand for themselves.
	path = strings.TrimLeft(path, " ")
	path, m.Deleted = strings.CutSuffix(path, deletedSuffix)
	m.Path = strings.ReplaceAll(path, `\012`, "\n")
	return m, nil
}

func parsePerms(s string) (Perms, error) {
	var p Perms
	for i := 0; i < len(s) && i < 4; i++ {
		if s[i] == "rwxs"[i] {
			p |= 1 << i
		}
	}
	if p.String() != s {
		return 0, fmt.Errorf("permissions %q are not like \"r-xp\"", s)
	}
	return p, nil
}
