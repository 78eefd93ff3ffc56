package procfs

import (
	"os"
	"os/exec"
	"slices"
	"testing"
)

func TestChildren(t *testing.T) {
	cmd := exec.Command("sleep", "100")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	tids, err := Tasks(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	var all []int
	for _, tid := range tids {
		pids, _ := Children(tid)
		all = append(all, pids...)
	}
	if !slices.Contains(all, cmd.Process.Pid) {
		t.Errorf("the children are %v, without %d", all, cmd.Process.Pid)
	}
	if size, err := Resident(os.Getpid()); err != nil || size < 1<<20 {
		t.Errorf("this test takes %d bytes, %v", size, err)
	}
}

func FuzzParseChildren(f *testing.F) {
	f.Add([]byte("1 23 \n"))
	f.Add([]byte("1 x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if pids, err := ParseChildren(data); err != nil && pids != nil {
			t.Errorf("%v and %v", pids, err)
		}
	})
}

func FuzzParseResident(f *testing.F) {
	f.Add([]byte("100 20 3 4 0 5 0\n"))
	f.Add([]byte("1 9223372036854775807"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if size, err := ParseResident(data); size < 0 || err != nil && size != 0 {
			t.Errorf("%d and %v", size, err)
		}
	})
}
