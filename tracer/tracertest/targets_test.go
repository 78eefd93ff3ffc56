package tracertest

import (
	"bytes"
	"debug/elf"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

const (
	top       = "../.." // the repository, from here
	targets   = top + "/examples/targets/"
	crash     = "examples/targets/crash" // from the repository
	crashLine = "-o " + crash + " "      // in the command that builds it
)

// TestCrashRebuild checks that the committed binary of crash.c is what the
// command on the source's first line makes of it.
func TestCrashRebuild(t *testing.T) {
	Tool(t, "gcc")
	source, err := os.ReadFile(filepath.Join(top, crash+".c"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(source), "\n")
	command, ok := strings.CutPrefix(first, "// gcc ")
	if !ok || !strings.Contains(command, crashLine) {
		t.Fatalf("the first line of crash.c is no gcc command for %s: %s", crash, first)
	}
	rebuilt := filepath.Join(t.TempDir(), "crash")
	cmd := exec.Command("sh", "-c", "gcc "+strings.Replace(command, crashLine, "-o "+rebuilt+" ", 1))
	cmd.Dir = top
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}

	committed := filepath.Join(top, crash)
	want, got := compiler(t, committed), compiler(t, rebuilt)
	if want == got {
		if !bytes.Equal(read(t, committed), read(t, rebuilt)) {
			t.Errorf("%s is not what its source makes: run make targets", crash)
		}
	} else {
		t.Logf("the bytes were not compared: %s was built by %q, this is %q", crash, want, got)
	}
	for _, path := range []string{committed, rebuilt} {
		target := Start(t, path)
		if status := target.Wait(); status.Signal() != syscall.SIGSEGV {
			t.Errorf("%s ends with status %#x, want SIGSEGV", path, status)
		}
	}
}

// compiler returns what the executable's .comment says of its compiler, having
// checked that it has the sections that a stack and its names are read from.
func compiler(t *testing.T, path string) string {
	t.Helper()
	file, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, name := range []string{".symtab", ".eh_frame", ".debug_info", ".note.gnu.build-id"} {
		if file.Section(name) == nil {
			t.Errorf("%s has no %s", path, name)
		}
	}
	comment := file.Section(".comment")
	if comment == nil {
		t.Fatalf("%s has no .comment", path)
	}
	text, err := comment.Data()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCrashReadsFile(t *testing.T) {
	config := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(config, []byte("height=7\nwidth=12"), 0o666); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ path, want string }{
		{config, "width=12\nheight=7\ndepth=8\n"},
		{os.DevNull, "width=80\nheight=24\ndepth=8\n"},
		{"/dev/zero", "the file cannot be read or is too long\n"},
		{"none", "the file cannot be opened\n"},
	}
	for _, test := range tests {
		out, _ := exec.Command(filepath.Join(top, crash), test.path).Output()
		if string(out) != test.want {
			t.Errorf("crash %s prints %q, want %q", test.path, out, test.want)
		}
	}
}

// TestTargets runs the examples' other targets, which are built when needed.
func TestTargets(t *testing.T) {
	tests := []struct {
		name   string
		output string
		signal syscall.Signal // -1 for an exit
	}{
		{"abort", "", syscall.SIGABRT},
		{"count", "4999950000\n", -1},
		{"handlers", "3 signals, read -1\n", -1},
		{"threads", "", syscall.SIGSEGV},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			target := Start(t, Build(t, targets+test.name+".c"))
			output, err := io.ReadAll(target.lines)
			if err != nil {
				t.Fatal(err)
			}
			if string(output) != test.output {
				t.Errorf("it prints %q, want %q", output, test.output)
			}
			if status := target.Wait(); status.Signal() != test.signal || status.ExitStatus() > 0 {
				t.Errorf("it ends with status %#x, want signal %v", status, test.signal)
			}
		})
	}
}

func TestSleepy(t *testing.T) {
	target := Start(t, Build(t, targets+"sleepy.c"))
	if got := target.ReadLine(); got != "ready" {
		t.Errorf("it prints %q, want ready", got)
	}
	WaitState(t, target.PID, "S")
}
