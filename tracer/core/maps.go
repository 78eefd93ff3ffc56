package core

import (
	"cmp"
	"debug/elf"
	"slices"

	"github.com/tracelark/tracelark/tracer/procfs"
)

// vsyscall is where the kernel maps the vsyscall page.
const vsyscall = 0xffffffffff600000

// mappings puts together what the segments and NT_FILE tell. The kernel makes a
// segment of each mapping; gdb leaves out what files have, so that NT_FILE alone
// knows of it.
func (c *Core) mappings() []procfs.Mapping {
	var maps []procfs.Mapping
	next := 0 // the first range that may reach into the segment
	for i := range c.segments {
		s := &c.segments[i]
		for next < len(c.ranges) && c.ranges[next].end <= s.start {
			next++
		}
		at := s.start
		for j := next; j < len(c.ranges) && c.ranges[j].start < s.end; j++ {
			r := &c.ranges[j]
			if at < r.start {
				maps = append(maps, procfs.Mapping{Start: at, End: r.start, Perms: s.perms})
				at = r.start
			}
			end := min(r.end, s.end)
			maps = append(maps, r.mapping(at, end, s.perms))
			at = end
		}
		if at < s.end {
			maps = append(maps, procfs.Mapping{Start: at, End: s.end, Perms: s.perms})
		}
	}
	for i := range c.ranges {
		r := &c.ranges[i]
		for at := r.start; at < r.end; {
			if s := c.segmentAt(at); s != nil {
				at = s.end
				continue
			}
			end := min(r.end, c.nextSegment(at))
			maps = append(maps, r.mapping(at, end, c.perms(r)))
			at = end
		}
	}
	slices.SortFunc(maps, func(a, b procfs.Mapping) int { return cmp.Compare(a.Start, b.Start) })
	c.label(maps)
	return maps
}

// mapping returns the mapping of a part of the range.
func (r *fileRange) mapping(start, end uint64, perms procfs.Perms) procfs.Mapping {
	return procfs.Mapping{Start: start, End: end, Perms: perms, Offset: r.off + start - r.start, Path: r.path, Deleted: r.deleted}
}

// perms returns the permissions of a range that no segment tells of: those that the
// file asks for, and if that is missing, those of code. It was not writable, or it
// would be in the core.
func (c *Core) perms(r *fileRange) procfs.Perms {
	file := c.open(r.path)
	switch {
	case file.plain != nil:
		return procfs.R
	case file.err != nil:
		return procfs.R | procfs.X
	}
	perms := procfs.R
	for _, s := range file.file.Segments() {
		if s.Flags&elf.PF_X != 0 && r.off < s.Off+s.Filesz && s.Off < r.off+(r.end-r.start) {
			perms |= procfs.X
		}
	}
	return perms
}

// label gives mappings the names that the kernel shows, as far as they can be told.
func (c *Core) label(maps []procfs.Mapping) {
	auxv := c.Auxv()
	for addr, name := range map[uint64]string{
		auxv[procfs.AT_SYSINFO_EHDR]: "[vdso]",
		auxv[procfs.AT_RANDOM]:       "[stack]",
		vsyscall:                     "[vsyscall]",
	} {
		i, found := slices.BinarySearchFunc(maps, addr, func(m procfs.Mapping, addr uint64) int {
			switch {
			case m.End <= addr:
				return -1
			case m.Start > addr:
				return 1
			}
			return 0
		})
		if found && maps[i].Path == "" && addr != 0 {
			maps[i].Path = name
		}
	}
}
