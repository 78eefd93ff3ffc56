package syscalls

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestNames(t *testing.T) {
	for nr, name := range map[int]string{
		unix.SYS_READ: "read", unix.SYS__SYSCTL: "_sysctl", unix.SYS_RT_SIGRETURN: "rt_sigreturn",
		unix.SYS_EXECVE: "execve", unix.SYS_OPENAT2: "openat2", -1: "", 400: "", 1 << 30: "",
	} {
		if got := Name(nr); got != name {
			t.Errorf("Name(%d) = %q, want %q", nr, got, name)
		}
		if got, ok := Number(name); ok != (name != "") || ok && got != nr {
			t.Errorf("Number(%q) = %d, %t", name, got, ok)
		}
	}
	if nr, ok := Number("opnat"); ok {
		t.Errorf("Number(opnat) = %d", nr)
	}
}

func TestGroups(t *testing.T) {
	for name, members := range groups {
		list := strings.Fields(members)
		for i, member := range list {
			if _, ok := Number(member); !ok || slices.Contains(list[:i], member) {
				t.Errorf("%s: %s is no system call, or is there twice", name, member)
			}
		}
		if numbers, ok := Group(name); !ok || len(numbers) != len(list) {
			t.Errorf("Group(%s) = %v, %t", name, numbers, ok)
		}
	}
	if file, _ := Group("%file"); !slices.Contains(file, unix.SYS_OPENAT) || slices.Contains(file, unix.SYS_READ) {
		t.Errorf("%%file = %v, want openat in it and read not", file)
	}
	if _, ok := Group("file"); ok {
		t.Error("a group without % is known")
	}
}

func TestErrnos(t *testing.T) {
	for ret, name := range map[int64]string{
		0: "", 5: "", -int64(unix.ENOENT): "ENOENT", -int64(unix.EAGAIN): "EAGAIN", -4096: "", -1 << 63: "", -4000: "E4000", -512: "ERESTARTSYS",
	} {
		if got := Failed(ret); got != name {
			t.Errorf("Failed(%d) = %q, want %q", ret, got, name)
		}
		seen := unix.ErrnoName(unix.Errno(-ret)) != ""
		if n, ok := ErrnoNumber(name); ok != seen || ok && int64(n) != -ret {
			t.Errorf("ErrnoNumber(%q) = %d, %t", name, n, ok)
		}
	}
	if _, ok := ErrnoNumber("ENOTHING"); ok {
		t.Error("ENOTHING is an error number")
	}
	for _, name := range ErrnoNames() {
		if n, ok := ErrnoNumber(name); !ok || n < 1 || n > MaxErrno {
			t.Errorf("ErrnoNumber(%q) = %d, %t", name, n, ok)
		}
	}
}
