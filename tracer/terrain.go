//go:build linux && amd64

package tracer

import (
	"slices"
	"sort"
	"time"

	"github.com/tracelark/tracelark/tracer/procfs"
)

// A terrain is what an emulated step may touch of a process's memory: private
// memory that no userfaultfd and no protection key guards. It holds until the process
// may have changed its mappings.
type terrain struct {
	regions []procfs.Region // nil while it is not known
	last    int             // index of the one that was asked for last
	missed  int             // steps since the mappings may have changed that had to be real for want of it
	cost    time.Duration   // of looking at it
}

// Looking at the mappings pays when as many steps were real as take that time.
const (
	realStep  = 15 * time.Microsecond
	firstLook = time.Millisecond // what the first look is taken to cost
)

// forget makes the terrain unknown.
func (r *terrain) forget() { r.regions, r.missed = nil, 0 }

// has reports whether n bytes at addr may be accessed with a permission.
func (r *terrain) has(addr uint64, n int, perm procfs.Perms) bool {
	if r.last >= len(r.regions) || addr-r.regions[r.last].Start >= r.regions[r.last].End-r.regions[r.last].Start {
		i := sort.Search(len(r.regions), func(i int) bool { return r.regions[i].End > addr })
		if i == len(r.regions) || r.regions[i].Start > addr {
			return false
		}
		r.last = i
	}
	m := &r.regions[r.last]
	return m.Perms&perm != 0 && m.End-addr >= uint64(n)
}

// survey looks at the mappings of the process again, if that pays by now.
func (p *Process) survey() {
	r := &p.terrain
	if r.missed++; time.Duration(r.missed)*realStep < max(r.cost, firstLook) {
		return
	}
	begin := time.Now()
	regions, err := procfs.Regions(p.task())
	if err != nil {
		regions = nil // the kernel has no such file, or the process is gone
	}
	r.regions = slices.DeleteFunc(regions, func(m procfs.Region) bool {
		// Shared; userfaultfd; what is no plain memory; a shadow stack. Without flags
		// nothing is known.
		return m.Perms&procfs.Shared != 0 || m.Key != 0 || m.Flags == "" || m.Has("sh", "um", "uw", "ui", "io", "pf", "ss")
	})
	r.last, r.missed, r.cost = 0, 0, time.Since(begin)
}
