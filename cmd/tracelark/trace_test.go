//go:build linux && amd64

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/tracer/procfs"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// workout makes many kinds of system calls, in threads and children too.
const workout = `
import fcntl, mmap, os, resource, select, signal, socket, subprocess, sys, threading
ready, go = threading.Event(), threading.Event()
def wait(): ready.set(); go.wait()
t = threading.Thread(target=wait); t.start(); ready.wait(); go.set(); t.join()
s = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(s.getsockname()); d, _ = s.accept()
c.sendall(b"hello"); d.recv(10); c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1); c.shutdown(socket.SHUT_WR)
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); u.bind(("::1", 0)); u.sendto(b"x", u.getsockname()); u.recvfrom(5)
a, b = socket.socketpair(); socket.send_fds(a, [b"x"], [0]); b.recv(1)
p = select.poll(); p.register(a, select.POLLOUT); p.poll(5); select.select([], [a], [], 0)
os.sched_getaffinity(0); os.uname(); os.getcwd(); os.readlink("/proc/self/exe"); os.getppid()
signal.signal(signal.SIGUSR1, lambda *a: None); os.kill(os.getpid(), signal.SIGUSR1)
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, 40])
f = open(sys.argv[1], "w+"); fcntl.flock(f, fcntl.LOCK_EX); fcntl.lockf(f, fcntl.LOCK_EX); fcntl.fcntl(f, fcntl.F_GETFD)
fcntl.fcntl(f, fcntl.F_SETFL, os.O_APPEND); os.writev(f.fileno(), [b"a", b"b\n\0017"]); os.pread(f.fileno(), 2, 0); os.ftruncate(f.fileno(), 1)
os.chmod(sys.argv[1], 0o4755); os.utime(sys.argv[1]); os.stat("/dev/null"); os.rename(sys.argv[1], sys.argv[1] + "2")
m = mmap.mmap(-1, 8192); m.madvise(mmap.MADV_DONTNEED); resource.getrlimit(resource.RLIMIT_NOFILE)
os.pipe2(os.O_CLOEXEC); os.umask(0o22); os.memfd_create("x"); os.eventfd(0)
pid = os.fork()
if pid == 0: os._exit(3)
os.waitpid(pid, 0)
subprocess.run(["true"])
`

var (
	linePID    = regexp.MustCompile(`^(?:\[pid +(\d+)\]|(\d+)) +`)
	unfinished = regexp.MustCompile(`^(.*) <unfinished \.\.\.>$`)
	resumed    = regexp.MustCompile(`^<\.\.\. \w+ resumed>(.*)$`)
)

// vague are what differs from run to run, and what strace shows of the memory that a
// call has found besides.
var vague = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(` => \{parent_tid=\[\d+\]\}`), ""},
	{regexp.MustCompile(`(rt_sigreturn\(.*\)) += .*`), "$1"}, // what the program computed
	{regexp.MustCompile(`\[\d+ => (\d+)\]`), "[$1]"},
	{regexp.MustCompile(`\b(si_pid=|kill\(|wait4\()\d+`), "${1}N"}, // IDs, which are small in a container
	{regexp.MustCompile(`^((clone3?|v?fork|getp?pid|gettid|set_tid_address|wait4)\(.*) = \d+$`), "$1 = N"},
	{regexp.MustCompile(`0x[0-9a-f]{5,}`), "ADDR"},
	{regexp.MustCompile(`(\\x[0-9a-f]{2})+`), "BYTES"},
	{regexp.MustCompile(`htons\(\d+\)`), "PORT"},
	{regexp.MustCompile(`(uptime|procs|(free|shared|buffer)ram|freeswap)=\d+|loads=\[.*?\]`), "LOAD"},
	{regexp.MustCompile(`\b\d{3,}\b`), "N"},
	{regexp.MustCompile(`time=\d+( /\*[^*]*\*/)?`), "time"},
	{regexp.MustCompile(`\d+ vars`), "VARS"},
	{regexp.MustCompile(`\s+= `), " = "},
}

// calls returns the calls, signals and ends in a trace, sorted, without what is vague.
// Those of the C library's allocator, and of its locks, depend on how threads meet.
func calls(trace string) (list []string) {
	open := make(map[string]string)
	for line := range strings.SplitSeq(strings.TrimSpace(trace), "\n") {
		pid := ""
		if m := linePID.FindStringSubmatch(line); m != nil {
			pid, line = m[1]+m[2], line[len(m[0]):]
		}
		if m := unfinished.FindStringSubmatch(line); m != nil {
			open[pid] = m[1]
			continue
		}
		if m := resumed.FindStringSubmatch(line); m != nil {
			if open[pid] == "" {
				pid = "" // it was the only thread when the call began
			}
			head, rest := strings.TrimRight(open[pid], ", "), strings.TrimPrefix(m[1], ", ")
			if delete(open, pid); !strings.HasSuffix(head, "(") && !strings.HasPrefix(rest, ")") && !strings.HasPrefix(rest, " =>") {
				head += ", "
			}
			line = head + rest
		}
		for _, v := range vague {
			line = v.pattern.ReplaceAllString(line, v.text)
		}
		// Two children that end at once are one signal, and where it comes a call begins again.
		if strings.Contains(line, "ERESTART") || strings.HasPrefix(line, "--- SIGCHLD") {
			continue
		}
		switch name, _, _ := strings.Cut(line, "("); name {
		case "futex", "mmap", "munmap", "mprotect", "madvise", "brk", "exit_group", "restart_syscall":
			continue
		}
		if !strings.HasPrefix(line, "+++") && !strings.HasPrefix(line, "strace: ") {
			list = append(list, line)
		}
	}
	slices.Sort(list)
	return list
}

// TestStrace checks that what trace shows of a program is what strace shows.
func TestStrace(t *testing.T) {
	// What is in the path may be a script that finds the interpreter.
	python, err := exec.Command(tracertest.Tool(t, "python3"), "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name, argv := range map[string][]string{
		"shell":  {"/bin/sh", "-c", "ls /; echo text | cat; exit 3"},
		"python": {strings.TrimSpace(string(python)), "-c", workout, filepath.Join(t.TempDir(), "file")},
	} {
		t.Run(name, func(t *testing.T) {
			var traces [2]string
			for i, cmd := range []*exec.Cmd{command(t, "trace"), exec.Command(tracertest.Tool(t, "strace"))} {
				file := filepath.Join(t.TempDir(), "trace")
				cmd.Args = append(append(cmd.Args, "-f", "-o", file, "--"), argv...)
				if out, err := cmd.CombinedOutput(); err != nil && status(t, err) != 3 {
					t.Fatalf("%s: %v\n%s", cmd, err, out)
				}
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				traces[i] = string(text)
			}
			got, want := calls(traces[0]), calls(traces[1])
			for _, line := range got {
				if i, ok := slices.BinarySearch(want, line); ok {
					want = slices.Delete(want, i, i+1)
				} else {
					t.Errorf("strace has not: %s", line)
				}
			}
			for _, line := range want {
				t.Errorf("only strace has: %s", line)
			}
		})
	}
}

func TestTrace(t *testing.T) {
	for _, test := range []struct {
		args []string
		code int
		want string // of standard error
	}{
		{[]string{"-e", "trace=exit_group", "--", "sh", "-c", "exit 3"}, 3, "^exit_group\\(3\\)                           = \\?\n\\+\\+\\+ exited with 3 \\+\\+\\+\n$"},
		{[]string{"-e", "%process", "sh", "-c", "kill -TERM $$"}, 128 + int(unix.SIGTERM), `(?s)^execve\("[^"]*/sh".*\+\+\+ killed by SIGTERM \+\+\+\n$`},
		{[]string{"-e", "!%memory,%file,%desc,%process", "true"}, 0, `(?s)^arch_prctl\(.*\nrseq\(.*\+\+\+ exited with 0 \+\+\+\n$`},
		{[]string{"-c", "true"}, 0, `(?s)^% time .* total\n$`},
		{[]string{"-e", "opnat", "true"}, 1, `^tracelark: launch: .*no system call is named "opnat" \(did you mean "?openat"?.*\n$`},
		{[]string{}, 2, `^tracelark: trace: no program and no -p PID \(see tracelark trace --help\)\n$`},
		{[]string{"-p", "1", "true"}, 2, `^tracelark: trace: -p PID and a program .*\n$`},
		{[]string{"-p", "0"}, 2, `^tracelark: trace: 0 is no process ID .*\n$`},
		{[]string{"--json", "-c", "true"}, 2, `^tracelark: trace: --json and a summary .*\n$`},
		{[]string{"-s", "-1", "true"}, 2, `^tracelark: trace: -s -1 is negative .*\n$`},
		{[]string{"/proc/none"}, 1, `^tracelark: launch /proc/none: no such file or directory\n$`},
	} {
		var stderr bytes.Buffer
		cmd := command(t, append([]string{"trace"}, test.args...)...)
		cmd.Stderr = &stderr
		if code := status(t, cmd.Run()); code != test.code {
			t.Errorf("trace %q: exit status %d, want %d", test.args, code, test.code)
		}
		if !regexp.MustCompile(test.want).MatchString(stderr.String()) {
			t.Errorf("trace %q prints\n%swant %s", test.args, &stderr, test.want)
		}
	}
}

func TestTraceJSON(t *testing.T) {
	out, err := command(t, "trace", "--json", "-o", "/dev/stdout", "-e", "execve,close", "true").Output()
	if err != nil {
		t.Fatal(err)
	}
	rows := strings.Split(strings.TrimSpace(string(out)), "\n")
	for i, row := range rows {
		var v struct {
			Time   float64
			PID    int
			Call   string
			Result string
			Exit   *int
		}
		if err := json.Unmarshal([]byte(row), &v); err != nil || v.Time == 0 || v.PID == 0 {
			t.Errorf("%s: %v", row, err)
		}
		if want := [...]string{"execve", "close"}[min(i, 1)]; i < len(rows)-1 && v.Call != want || i == len(rows)-1 && (v.Exit == nil || *v.Exit != 0) {
			t.Errorf("%s is row %d", row, i)
		}
	}
}

// TestTraceInterrupted checks that a signal ends the trace of a process that was
// attached to, with a table, and leaves the process alone.
func TestTraceInterrupted(t *testing.T) {
	for _, sig := range []unix.Signal{unix.SIGINT, unix.SIGTERM, unix.SIGHUP, unix.SIGQUIT} {
		t.Run(unix.SignalName(sig), func(t *testing.T) { interruptTrace(t, sig) })
	}
}

func interruptTrace(t *testing.T, sig unix.Signal) {
	target := exec.Command(tracertest.Build(t, "../../examples/targets/sleepy.c", "-pthread"))
	if err := target.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { target.Process.Kill(); target.Wait() }()
	waiting := make(map[int]bool) // in which system calls threads are
	for deadline := time.Now().Add(time.Minute); !waiting[unix.SYS_CLOCK_NANOSLEEP] || !waiting[unix.SYS_FUTEX]; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the target waits in %v", waiting)
		}
		tids, _ := procfs.Tasks(target.Process.Pid)
		for _, tid := range tids {
			if call, err := procfs.Syscall(tid); err == nil {
				waiting[call.Nr] = true
			}
		}
	}
	table := filepath.Join(t.TempDir(), "table")
	cmd := command(t, "trace", "-C", "-o", table, "-p", strconv.Itoa(target.Process.Pid))
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if text, _ := os.ReadFile(table); len(text) > 0 || time.Now().After(deadline) {
			break // a call was seen
		}
	}
	cmd.Process.Signal(sig)
	if code := status(t, cmd.Wait()); code != 128+int(sig) {
		t.Errorf("exit status %d, want %d", code, 128+int(sig))
	}
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"nanosleep(CLOCK_REALTIME, 0, {tv_sec=", "futex(0x", " total\n"} {
		if !bytes.Contains(text, []byte(want)) {
			t.Errorf("%q is not in\n%s", want, text)
		}
	}
	if err := target.Process.Signal(unix.Signal(0)); err != nil {
		t.Errorf("the target: %v", err)
	}
}

// TestTraceTerminated checks that SIGTERM ends the trace of a program that was started,
// and the program, and that the calls until then are in the table.
func TestTraceTerminated(t *testing.T) {
	table := filepath.Join(t.TempDir(), "table")
	cmd := command(t, "trace", "-C", "-o", table, "--", "sh", "-c", "echo $$; exec sleep 1000")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(stdout, &pid); err != nil {
		t.Fatal(err)
	}
	cmd.Process.Signal(unix.SIGTERM)
	if code := status(t, cmd.Wait()); code != 128+int(unix.SIGTERM) {
		t.Errorf("exit status %d, want %d", code, 128+int(unix.SIGTERM))
	}
	text, err := os.ReadFile(table)
	if err != nil || !bytes.Contains(text, []byte("/sh\", [\"sh\", \"-c\", ")) || !bytes.Contains(text, []byte(" total\n")) {
		t.Errorf("%v: got\n%s", err, text)
	}
	if err := unix.Kill(pid, 0); err == nil {
		t.Errorf("the program goes on")
	}
}
