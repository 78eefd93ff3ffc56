package procfs

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
)

// start runs /bin/cat, or what else is linked to path, with args until the
// test is over. It returns once the program has echoed a byte.
func start(t *testing.T, path string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := &exec.Cmd{Path: path, Args: args}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	if _, err := in.Write([]byte{'x'}); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// copyCat copies /bin/cat to a file of the given name.
func copyCat(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile("/bin/cat")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestProcess(t *testing.T) {
	cat := copyCat(t, "odd \n\\name")
	pid := start(t, cat, "cat", "", "-").Process.Pid

	if exe, err := Exe(pid); err != nil || exe != cat {
		t.Errorf("Exe = %q, %v; want %q", exe, err, cat)
	}
	if comm, err := Comm(pid); err != nil || comm != "odd \n\\name" {
		t.Errorf("Comm = %q, %v", comm, err)
	}
	if args, err := Cmdline(pid); err != nil || !slices.Equal(args, []string{"cat", "", "-"}) {
		t.Errorf("Cmdline = %q, %v", args, err)
	}
	status, err := Status(pid)
	if err != nil {
		t.Fatal(err)
	}
	status.State = 'S' // or R, as the program reads again
	if want := (TaskStatus{
		Name: "odd \n\\name", State: 'S', Tgid: pid, PPid: os.Getpid(), Uid: os.Getuid(), Threads: 1,
		SigIgn: status.SigIgn, // inherited
	}); *status != want {
		t.Errorf("Status = %+v, want %+v", *status, want)
	}

	auxv, err := Auxv(pid)
	if err != nil {
		t.Fatal(err)
	}
	if auxv[AT_PAGESZ] != uint64(os.Getpagesize()) || auxv[AT_UID] != uint64(os.Getuid()) {
		t.Errorf("Auxv = %v", auxv)
	}
	maps, err := Maps(pid)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		addr  uint64
		path  string
		perms Perms
	}{
		{auxv[AT_ENTRY], cat, R | X},
		{auxv[AT_PHDR], cat, R},
		{auxv[AT_SYSINFO_EHDR], "[vdso]", R | X},
		{auxv[AT_EXECFN], "[stack]", R | W},
	} {
		i := slices.IndexFunc(maps, func(m Mapping) bool { return m.Start <= want.addr && want.addr < m.End })
		if i < 0 || maps[i].Path != want.path || maps[i].Perms != want.perms || maps[i].Deleted {
			t.Errorf("no %s mapping of %q at %#x in %v", want.perms, want.path, want.addr, maps)
		}
	}

	if err := os.Remove(cat); err != nil {
		t.Fatal(err)
	}
	if exe, err := Exe(pid); err != nil || exe != cat {
		t.Errorf("Exe = %q, %v after removal; want %q", exe, err, cat)
	}
	maps, err = Maps(pid)
	if err != nil || maps[0].Path != cat || !maps[0].Deleted {
		t.Errorf("Maps = %v, %v; want deleted %q first", maps, err, cat)
	}
}

func TestThreads(t *testing.T) {
	type thread struct{ tid, tgid int }
	found := make(chan thread)
	done := make(chan bool)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends here
		tid := syscall.Gettid()
		status, err := Status(tid)
		if err != nil || status.State != 'R' {
			t.Errorf("Status = %+v, %v; want running", status, err)
			status = new(TaskStatus)
		}
		found <- thread{tid, status.Tgid}
		<-done
	}()
	th := <-found
	tids, err := Tasks(os.Getpid())
	if err != nil || !slices.IsSorted(tids) || !slices.Contains(tids, th.tid) || tids[0] != os.Getpid() {
		t.Errorf("Tasks = %v, %v; want %d first and %d", tids, err, os.Getpid(), th.tid)
	}
	if th.tgid != os.Getpid() {
		t.Errorf("thread group %d, want %d", th.tgid, os.Getpid())
	}
	close(done)
}

func TestZombie(t *testing.T) {
	cmd := start(t, "/bin/cat", "cat")
	pid := cmd.Process.Pid
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	// Wait for the death without reaping (waitid(2), P_PID and WNOWAIT).
	const wexited, wnowait = 4, 0x1000000
	if _, _, errno := syscall.Syscall6(syscall.SYS_WAITID, 1, uintptr(pid), 0, wexited|wnowait, 0, 0); errno != 0 {
		t.Fatal(errno)
	}
	if state, err := State(pid); err != nil || state != 'Z' {
		t.Errorf("State = %c, %v; want Z", state, err)
	}
	if maps, err := Maps(pid); err != nil || len(maps) != 0 {
		t.Errorf("Maps = %v, %v; want none", maps, err)
	}
	if args, err := Cmdline(pid); err != nil || len(args) != 0 {
		t.Errorf("Cmdline = %q, %v; want none", args, err)
	}

	// Once it is reaped, a file opened before cannot be read, and none opened.
	old, err := os.Open(Path(pid, "status"))
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	cmd.Wait()
	if _, err := old.Read(make([]byte, 10)); !Gone(err) || !errors.Is(err, syscall.ESRCH) {
		t.Errorf("read of the dead = %v, want ESRCH", err)
	}
	if _, err := Status(pid); !Gone(err) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Status of the dead = %v, want ErrNotExist", err)
	}
	if _, err := Tasks(pid); !Gone(err) {
		t.Errorf("Tasks of the dead = %v, want ErrNotExist", err)
	}
}

func TestParseMaps(t *testing.T) {
	for _, test := range []struct {
		line string
		want Mapping
	}{
		{
			"7ffe0000-7ffff000 r-xp 00001000 fe:01 131                        /a b/c\\012d \\x (deleted)",
			Mapping{0x7ffe0000, 0x7ffff000, R | X, 0x1000, "fe:01", 131, "/a b/c\nd \\x", true},
		},
		{
			"ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]",
			Mapping{0xffffffffff600000, 0xffffffffff601000, X, 0, "00:00", 0, "[vsyscall]", false},
		},
		{
			"1000-2000 rw-s 00000000 00:01 1026                       /dev/zero (deleted)",
			Mapping{0x1000, 0x2000, R | W | Shared, 0, "00:01", 1026, "/dev/zero", true},
		},
		{"1000-2000 ---p 00000000 00:00 0 ", Mapping{0x1000, 0x2000, 0, 0, "00:00", 0, "", false}},
		{"1000-2000 ---p 00000000 00:00 0", Mapping{0x1000, 0x2000, 0, 0, "00:00", 0, "", false}},
	} {
		got, err := ParseMaps([]byte(test.line + "\n"))
		if err != nil || len(got) != 1 || got[0] != test.want {
			t.Errorf("%q: got %+v, %v; want %+v", test.line, got, err, test.want)
		}
	}
	for line, want := range map[string]string{
		"":                               `line 1: strconv.ParseUint: parsing "": invalid syntax`,
		"1000-2000 r-xp 0 00:00":         `line 1: strconv.ParseUint: parsing "": invalid syntax`,
		"1000-2000 r-x 0 00:00 0":        `line 1: permissions "r-x" are not like "r-xp"`,
		"1000-2000 x-rp 0 00:00 0":       `line 1: permissions "x-rp" are not like "r-xp"`,
		"2000-1000 r-xp 0 00:00 0":       `line 1: range 2000-1000 ends before it starts`,
		"1-10000000000000000 r-xp 0 0 0": `line 1: strconv.ParseUint: parsing "10000000000000000": value out of range`,
	} {
		if got, err := ParseMaps([]byte(line + "\n")); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, %v; want %s", line, got, err, want)
		}
	}
}

func TestParseState(t *testing.T) {
	for stat, want := range map[string]byte{"1 (a) R (b) S 2 3": 'S', "1 (a) t 2": 't', "1 (a)": 0, "1 (a) ": 0, "": 0} {
		if got, err := parseState([]byte(stat)); got != want || (err == nil) != (want != 0) {
			t.Errorf("%q: got %c, %v; want %c", stat, got, err, want)
		}
	}
}

func TestSyscall(t *testing.T) {
	pid := start(t, "/bin/cat", "cat").Process.Pid
	for {
		if state, err := State(pid); err != nil {
			t.Fatal(err)
		} else if state == 'S' {
			break
		}
		runtime.Gosched()
	}
	if c, err := Syscall(pid); err != nil || c.Nr != syscall.SYS_READ || c.Args[0] != 0 {
		t.Errorf("cat is in %+v, %v, want read of 0", c, err)
	}
	if s, err := SleepOf(pid); err != nil || s.SP == 0 || s.PC == 0 || s.Call.Nr != syscall.SYS_READ {
		t.Errorf("cat sleeps in %+v, %v", s, err)
	}
	if s, err := parseSyscall([]byte("running\n")); s != nil || err != nil {
		t.Errorf("running is %+v, %v", s, err)
	}
	if s, err := parseSyscall([]byte("-1 0x7ffe 0x7f\n")); err != nil || *s != (Sleep{SP: 0x7ffe, PC: 0x7f}) {
		t.Errorf("a sleep outside of calls is %+v, %v", s, err)
	}
	for _, text := range []string{"", "runnin", "-1 0x7ffe", "-1 0x7ffe x", "x 0x1 0x2 0x3 0x4 0x5 0x6 0x7 0x8", "0 0x1 0x2 0x3 0x4 0x5 y 0x7 0x8"} {
		if c, err := parseSyscall([]byte(text)); c != nil || err == nil {
			t.Errorf("%q: %+v, %v, want an error", text, c, err)
		}
	}
}

func TestParseKernelThread(t *testing.T) {
	for stat, want := range map[string]bool{
		"2 (kthreadd) S 0 0 0 0 -1 2129984 0 0 0":    true,
		"7 (a) b) S 1 7 7 0 -1 4194560 0 0 0":        false,
		"8 (K 0 0 0 0 0 2129984) S 1 7 7 0 -1 0 0 0": false,
	} {
		if got, err := parseKernelThread([]byte(stat)); got != want || err != nil {
			t.Errorf("%s: %t, %v, want %t", stat, got, err, want)
		}
	}
	for _, stat := range []string{"", "2 (kthreadd)", "2 (k) S 0 0 0 0 -1", "2 (k) S 0 0 0 0 -1 x 0"} {
		if got, err := parseKernelThread([]byte(stat)); got || err == nil {
			t.Errorf("%q: %t, %v, want an error", stat, got, err)
		}
	}
	if is, err := IsKernelThread(os.Getpid()); is || err != nil {
		t.Errorf("this process: %t, %v", is, err)
	}
}

func FuzzParseMaps(f *testing.F) {
	seed(f, "maps")
	f.Fuzz(func(t *testing.T, data []byte) {
		maps, err := ParseMaps(data)
		if (maps == nil) != (err != nil) {
			t.Fatalf("got %v and %v", maps, err)
		}
		for _, m := range maps {
			if m.End < m.Start {
				t.Errorf("range %#x-%#x", m.Start, m.End)
			}
			if p, err := parsePerms(m.Perms.String()); p != m.Perms || err != nil {
				t.Errorf("permissions %s read as %s, %v", m.Perms, p, err)
			}
		}
	})
}

func FuzzParseStatus(f *testing.F) {
	seed(f, "status")
	f.Fuzz(func(t *testing.T, data []byte) {
		status, err := ParseStatus(data)
		if (status == nil) != (err != nil) {
			t.Fatalf("got %v and %v", status, err)
		}
		if is, err := parseKernelThread(data); is && err != nil {
			t.Errorf("parseKernelThread = %t, %v", is, err)
		}
		if sleep, err := parseSyscall(data); sleep != nil && err != nil {
			t.Fatalf("parseSyscall: got %v and %v", sleep, err)
		}
		if state, err := parseState(data); state != 0 && err != nil {
			t.Fatalf("got %c and %v", state, err)
		}
		if d, err := parseCPUTime(data); d < 0 || d != 0 && err != nil {
			t.Fatalf("parseCPUTime: got %v and %v", d, err)
		}
	})
}

func FuzzParseAuxv(f *testing.F) {
	seed(f, "auxv")
	f.Fuzz(func(t *testing.T, data []byte) {
		auxv, err := ParseAuxv(data)
		if (auxv == nil) != (err != nil) {
			t.Fatalf("got %v and %v", auxv, err)
		}
		if len(auxv) > len(data)/16 {
			t.Fatalf("%d entries in %d bytes", len(auxv), len(data))
		}
	})
}

func seed(f *testing.F, name string) {
	data, err := os.ReadFile("/proc/self/" + name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
}
