package syscalls

import (
	"bytes"
	"encoding/binary"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// image is memory at an address.
type image struct {
	at   uint64
	data []byte
}

func (m image) ReadAt(addr uint64, buf []byte) (int, error) {
	if addr < m.at || addr-m.at >= uint64(len(m.data)) {
		return 0, errors.New("bad address")
	}
	n := copy(buf, m.data[addr-m.at:])
	if n < len(buf) {
		return n, errors.New("bad address")
	}
	return n, nil
}

func TestSignatures(t *testing.T) {
	for name, s := range signatures() {
		if _, ok := Number(name); !ok {
			t.Errorf("%s is no system call", name)
		}
		check := func(name string, s *signature) {
			if len(s.params) > 6 {
				t.Errorf("%s has %d arguments", name, len(s.params))
			}
			for _, p := range s.params {
				if p.kind != "-" && p.show == nil && p.set == nil {
					t.Errorf("%s: %q is no kind", name, p.kind)
				}
			}
			if s.ret != "long" && results[s.ret] == nil {
				t.Errorf("%s: %q is no kind of result", name, s.ret)
			}
		}
		check(name, s)
		for variant, s := range s.of {
			if _, ok := constants[variant]; !ok {
				t.Errorf("%s: %s has no value", name, variant)
			}
			check(name+"."+variant, s)
		}
	}
}

func TestConstants(t *testing.T) {
	for name := range sets {
		if kinds[name] != nil && name != "open" && name != "socktype" && name != "futex" && name != "ioctl" && name != "personality" {
			t.Errorf("%s is a kind and a set", name)
		}
	}
	for name, v := range map[string]uint64{"O_CLOEXEC": unix.O_CLOEXEC, "O_LARGEFILE": 0o100000, "CLONE_INTO_CGROUP": 1 << 33, "EPOLLET": 1 << 31, "POLLIN": 1} {
		if constants[name] != v {
			t.Errorf("%s = %#x, want %#x", name, constants[name], v)
		}
	}
}

// TestGenerated checks that what a generator would write is there.
func TestGenerated(t *testing.T) {
	f, err := parser.ParseFile(token.NewFileSet(), "sets.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(f, func(node ast.Node) bool {
		if lit, ok := node.(*ast.BasicLit); ok && lit.Kind == token.STRING {
			for _, word := range strings.Fields(strings.Trim(lit.Value, "\"`")) {
				if name := strings.TrimSuffix(word, ":"); strings.ToUpper(name) == name && len(name) > 1 {
					n++
					if _, ok := constants[name]; !ok {
						t.Errorf("%s has no value: go generate", name)
					}
				}
			}
		}
		return true
	})
	if n < 700 {
		t.Errorf("%d constants were found in sets.go", n)
	}
	// The values of open are those that a compiler has.
	source := "#define _GNU_SOURCE\n#include <fcntl.h>\n#include <sys/epoll.h>\n"
	for _, name := range []string{"O_TMPFILE", "O_DIRECTORY", "O_SYNC", "EPOLLRDHUP", "F_ADD_SEALS", "AT_EMPTY_PATH"} {
		source += "_Static_assert(" + name + " == " + "0x" + hexOf(constants[name]) + ", \"" + name + "\");\n"
	}
	cmd := exec.Command("gcc", "-fsyntax-only", "-x", "c", "-")
	cmd.Stdin = strings.NewReader(source)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("gcc: %v\n%s", err, out)
	}
}

func hexOf(v uint64) string {
	c := new(call)
	c.hex(v)
	return strings.TrimPrefix(string(c.b), "0x")
}

func TestDecode(t *testing.T) {
	const at = 0x1000
	words := func(v ...uint64) []byte {
		data, _ := binary.Append(nil, binary.LittleEndian, v)
		return data
	}
	stat := make([]byte, 144)
	binary.LittleEndian.PutUint32(stat[24:], unix.S_IFREG|unix.S_ISUID|0o755)
	binary.LittleEndian.PutUint64(stat[48:], 4711)
	inet := []byte{unix.AF_INET, 0, 0, 80, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}
	abstract := append([]byte{unix.AF_UNIX, 0, 0}, "name"...)
	long := bytes.Repeat([]byte("x"), 40)
	for _, test := range []struct {
		name   string
		args   [6]uint64
		memory []byte
		ret    int64
		want   string
	}{
		{"close", [6]uint64{3}, nil, 0, "close(3)                                = 0"},
		{"read", [6]uint64{3, at, 100}, []byte("\x7fELF\x02\x001\n\"\\\xff"), 11, `read(3, "\177ELF\2\0001\n\"\\\377", 100) = 11`},
		{"read", [6]uint64{3, at, 100}, long, 40, `read(3, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"..., 100) = 40`},
		{"read", [6]uint64{3, at, 100}, nil, -int64(unix.EAGAIN), "read(3, 0x1000, 100)                    = -1 EAGAIN (Resource temporarily unavailable)"},
		{"read", [6]uint64{3, at, 100}, nil, -512, "read(3, 0x1000, 100)                    = ? ERESTARTSYS (To be restarted if SA_RESTART is set)"},
		{"openat", [6]uint64{^uint64(99), at, unix.O_RDWR | unix.O_CREAT | unix.O_CLOEXEC, 0o640}, []byte("a\x00"), 3, `openat(AT_FDCWD, "a", O_RDWR|O_CREAT|O_CLOEXEC, 0640) = 3`},
		{"openat", [6]uint64{^uint64(99), at, unix.O_DIRECTORY, 0o640}, []byte("a\x00"), 3, `openat(AT_FDCWD, "a", O_RDONLY|O_DIRECTORY) = 3`},
		{"openat", [6]uint64{^uint64(99), at, unix.O_TMPFILE | unix.O_WRONLY, 0}, []byte("a\x00"), 3, `openat(AT_FDCWD, "a", O_WRONLY|O_TMPFILE, 000) = 3`},
		{"openat", [6]uint64{^uint64(99), 5, 0x40000000, 0}, nil, -14, `openat(AT_FDCWD, 0x5, O_RDONLY|0x40000000 /* O_??? */) = -1 EFAULT (Bad address)`},
		{"stat", [6]uint64{at, at + 2}, append([]byte("a\x00"), stat...), 0, `stat("a", {st_mode=S_IFREG|S_ISUID|0755, st_size=4711, ...}) = 0`},
		{"connect", [6]uint64{3, at, 16}, inet, 0, `connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0`},
		{"connect", [6]uint64{3, at, 7}, abstract, 0, `connect(3, {sa_family=AF_UNIX, sun_path=@"name"}, 7) = 0`},
		{"socket", [6]uint64{unix.AF_INET, unix.SOCK_STREAM | unix.SOCK_CLOEXEC, unix.IPPROTO_TCP}, nil, 4, "socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_TCP) = 4"},
		{"fcntl", [6]uint64{3, unix.F_GETFL, 7}, nil, unix.O_RDWR | 0o100000, "fcntl(3, F_GETFL)                       = 0x8002 (flags O_RDWR|O_LARGEFILE)"},
		{"fcntl", [6]uint64{3, 999, 7}, nil, -22, "fcntl(3, 0x3e7 /* F_??? */, 0x7)        = -1 EINVAL (Invalid argument)"},
		{"futex", [6]uint64{0x10, 128, 2, 0}, nil, 0, "futex(0x10, FUTEX_WAIT_PRIVATE, 2, NULL) = 0"},
		{"futex", [6]uint64{0x10, 129, 1, 0}, nil, 1, "futex(0x10, FUTEX_WAKE_PRIVATE, 1)      = 1"},
		{"wait4", [6]uint64{^uint64(0), at, 0, 0}, words(11), 42, "wait4(-1, [{WIFSIGNALED(s) && WTERMSIG(s) == SIGSEGV}], 0, NULL) = 42"},
		{"rt_sigprocmask", [6]uint64{unix.SIG_SETMASK, at, 0, 8}, words(^uint64(3 << 31)), 0, "rt_sigprocmask(SIG_SETMASK, ~[RTMIN RT_1], NULL, 8) = 0"},
		{"rt_sigaction", [6]uint64{2, at, 0, 8}, words(0x4000, 0x04000000|0x10000000, 0x5000, 2), 0, "rt_sigaction(SIGINT, {sa_handler=0x4000, sa_mask=[INT], sa_flags=SA_RESTORER|SA_RESTART, sa_restorer=0x5000}, NULL, 8) = 0"},
		{"execve", [6]uint64{at, at + 8, at + 32}, append([]byte("/a\x00\x00\x00\x00\x00\x00"), words(at, at+1, 0, at, 0)...), 0, `execve("/a", ["/a", "a"], 0x1020 /* 1 vars */) = 0`},
		{"poll", [6]uint64{at, 1, 1000}, []byte{3, 0, 0, 0, 1, 0, 1, 0}, 1, "poll([{fd=3, events=POLLIN}], 1, 1000)  = 1 ([{fd=3, revents=POLLIN}])"},
		{"mmap", [6]uint64{0, 4096, 3, 0x22, ^uint64(0), 0}, nil, 0x7000, "mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7000"},
		{"clone", [6]uint64{unix.CLONE_CHILD_SETTID | unix.CLONE_CHILD_CLEARTID | 17, 0, 0, 0x10, 0}, nil, 9, "clone(child_stack=NULL, flags=CLONE_CHILD_CLEARTID|CLONE_CHILD_SETTID|SIGCHLD, child_tidptr=0x10) = 9"},
		{"writev", [6]uint64{1, at, 2}, append(words(at+32, 1, 0x9, 5), 'a'), 1, `writev(1, [{iov_base="a", iov_len=1}, {iov_base=0x9, iov_len=5}], 2) = 1`},
		{"ioctl", [6]uint64{1, 0x80045432, 0x10}, nil, 0, "ioctl(1, _IOC(_IOC_READ, 0x54, 0x32, 0x4), 0x10) = 0"},
		{"getpid", [6]uint64{}, nil, 5, "getpid()                                = 5"},
		{"lsm_get_self_attr", [6]uint64{1, 2}, nil, 0, "lsm_get_self_attr(0x1, 0x2, 0, 0, 0, 0) = 0"},
	} {
		nr, ok := Number(test.name)
		if !ok {
			t.Fatal(test.name)
		}
		d := &Decoder{Memory: image{at, test.memory}, Strings: 32}
		head := test.name + "(" + d.Begin(nr, test.args)
		if got := head + d.End(nr, test.args, test.ret, len(head)); got != test.want {
			t.Errorf("%s\nwant %s", got, test.want)
		}
		texts, _ := d.Enter(nr, test.args)
		rest, result := d.Exit(nr, test.args, test.ret)
		if got := test.name + "(" + strings.Join(append(texts, rest...), ", ") + ") = " + result; got != strings.Join(strings.Fields(test.want), " ") && !strings.Contains(test.want, `\n`) {
			t.Errorf("%s\nwant %s", got, test.want)
		}
	}
}

func TestPaths(t *testing.T) {
	d := &Decoder{Memory: image{}, Path: func(fd int) string {
		return map[int]string{3: "/tmp/<é", unix.AT_FDCWD: "/"}[fd]
	}}
	if got := strings.Join(first(d.Enter(unix.SYS_DUP2, [6]uint64{3, 4})), " "); got != `3</tmp/\74\303\251> 4` {
		t.Error(got)
	}
	if got := first(d.Enter(unix.SYS_UNLINKAT, [6]uint64{^uint64(99), 0, 0}))[0]; got != "AT_FDCWD</>" {
		t.Error(got)
	}
}

func first[T, U any](v T, _ U) T { return v }

func TestSignalText(t *testing.T) {
	info := func(sig, code int32, rest ...uint32) (info [128]byte) {
		binary.Encode(info[:], binary.LittleEndian, []int32{sig, 0, code, 0})
		binary.Encode(info[16:], binary.LittleEndian, rest)
		return info
	}
	for want, record := range map[string][128]byte{
		"{si_signo=SIGSEGV, si_code=SEGV_MAPERR, si_addr=0x8}":                                                               info(11, 1, 8, 0),
		"{si_signo=SIGSEGV, si_code=SI_KERNEL, si_addr=NULL}":                                                                info(11, 0x80),
		"{si_signo=SIGUSR1, si_code=SI_USER, si_pid=5, si_uid=6}":                                                            info(10, 0, 5, 6),
		"{si_signo=SIGCHLD, si_code=CLD_KILLED, si_pid=5, si_uid=6, si_status=SIGKILL, si_utime=0, si_stime=3 /* 0.03 s */}": info(17, 2, 5, 6, 9, 0, 0, 0, 3, 0),
		"{si_signo=SIGRT_8, si_code=SI_QUEUE, si_pid=5, si_uid=6, si_int=7, si_ptr=0x7}":                                     info(40, -1, 5, 6, 7, 0),
	} {
		if got := SignalText(record); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	const at = 0x1000
	for nr := range names {
		f.Add(uint16(nr), uint64(at), uint64(at), uint64(at+8), uint64(8), int64(1), bytes.Repeat([]byte{1, 0, 0x10, 0}, 40))
	}
	f.Fuzz(func(t *testing.T, nr uint16, a, b, c, n uint64, ret int64, memory []byte) {
		for _, args := range [][6]uint64{{a, b, c, n, a, b}, {n, a, b, c, n, a}, {n, n, a, b, c, n}, {a, n, n, b, n, c}} {
			for _, whole := range []bool{false, true} {
				d := &Decoder{Memory: image{at, memory}, Strings: 32, Whole: whole, Path: func(int) string { return "p" }}
				text := d.Begin(int(nr), args) + d.End(int(nr), args, ret, 0)
				if most := 1 << 20; len(text) > most {
					t.Errorf("%d bytes of text", len(text))
				}
				SignalText([128]byte(append(memory[:len(memory):len(memory)], make([]byte, 128)...)))
			}
		}
	})
}
