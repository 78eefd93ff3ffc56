package procfs

import (
	"fmt"
	"strconv"
	"strings"
)

// A Region is a mapping with what the kernel tells of it beyond its permissions.
type Region struct {
	Mapping
	Key   int    // its protection key (pkeys(7)), or 0
	Flags string // two letters each, such as "rd wr mr mw me ac" (proc_pid_smaps(5))
}

// Has reports whether the region has one of some flags.
func (r *Region) Has(flags ...string) bool {
	for _, f := range flags {
		if strings.Contains(r.Flags, f) {
			return true
		}
	}
	return false
}

// Regions returns what Maps does, and more of each. The kernel looks at every page
// that is in memory for it.
func Regions(pid int) ([]Region, error) {
	return read(pid, "smaps", ParseRegions)
}

// ParseRegions parses the contents of /proc/PID/smaps (proc_pid_smaps(5)).
func ParseRegions(data []byte) ([]Region, error) {
	text := string(data) // the regions share it
	var regions []Region
	for n := 1; text != ""; n++ {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		name, _, _ := strings.Cut(line, " ")
		if !strings.HasSuffix(name, ":") {
			m, err := parseMapping(line)
			if err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
			regions = append(regions, Region{Mapping: m})
			continue
		}
		if len(regions) == 0 {
			return nil, fmt.Errorf("line %d: %q is said of no mapping", n, name)
		}
		r, value := &regions[len(regions)-1], strings.TrimSpace(line[len(name):])
		switch name {
		case "VmFlags:":
			r.Flags = value
		case "ProtectionKey:":
			var err error
			if r.Key, err = strconv.Atoi(value); err != nil {
				return nil, fmt.Errorf("line %d: %w", n, err)
			}
		}
	}
	return regions, nil
}
