package procfs

import (
	"os"
	"strings"
	"testing"
)

const smaps = `55a9f99c0000-55a9f99c2000 r--p 00000000 fe:00 247278                     /usr/bin/head
Size:                  8 kB
Rss:                   8 kB
THPeligible:           0
ProtectionKey:         0
VmFlags: rd mr mw me 
7ffff7fc0000-7ffff7fc4000 rw-s 00001000 00:05 12                         /dev/zero (deleted)
Size:                 16 kB
ProtectionKey:         7
VmFlags: rd wr sh mr mw me ms um 
`

func TestParseRegions(t *testing.T) {
	regions, err := ParseRegions([]byte(smaps))
	if err != nil || len(regions) != 2 {
		t.Fatalf("ParseRegions = %+v, %v, want two", regions, err)
	}
	a, b := regions[0], regions[1]
	if a.Path != "/usr/bin/head" || a.Perms != R || a.Key != 0 || a.Flags != "rd mr mw me" || a.Has("sh", "um") {
		t.Errorf("the first is %+v", a)
	}
	if b.Start != 0x7ffff7fc0000 || b.Perms != R|W|Shared || b.Key != 7 || !b.Has("io", "um") || !b.Deleted {
		t.Errorf("the second is %+v", b)
	}
	for _, bad := range []string{"Size: 8 kB\n", "junk\n", strings.Replace(smaps, "   7", "   x", 1)} {
		if regions, err := ParseRegions([]byte(bad)); err == nil {
			t.Errorf("ParseRegions(%q) = %+v, want an error", bad, regions)
		}
	}
}

func TestRegionsAsMaps(t *testing.T) {
	pid := start(t, "/bin/cat", "cat").Process.Pid
	maps, err := Maps(pid)
	if err != nil {
		t.Fatal(err)
	}
	regions, err := Regions(pid)
	if err != nil || len(regions) != len(maps) {
		t.Fatalf("%d regions, %v, want %d", len(regions), err, len(maps))
	}
	for i, r := range regions {
		if r.Mapping != maps[i] || r.Perms&W != 0 != r.Has("wr") {
			t.Errorf("region %d is %+v, want %+v", i, r, maps[i])
		}
	}
}

func FuzzParseRegions(f *testing.F) {
	f.Add([]byte(smaps))
	own, _ := os.ReadFile("/proc/self/smaps")
	f.Add(own)
	f.Fuzz(func(t *testing.T, data []byte) {
		if regions, err := ParseRegions(data); err != nil && regions != nil {
			t.Errorf("both %v and %v", regions, err)
		}
	})
}
