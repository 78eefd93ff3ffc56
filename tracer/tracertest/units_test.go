package tracertest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestBuildUnitsCaches(t *testing.T) {
	freshCache(t)
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("main.cc", "#include <stdio.h>\n#include \"unit.h\"\nint sum;\nint main() { printf(\"%d\\n\", sum * FACTOR); }\n")
	write("unit.cc", "extern int sum;\nstatic int added = sum += UNIT + 1;\n")
	write("unit.h", "#define FACTOR 1\n")
	first := BuildUnits(t, dir, 2)
	if got := run(t, first); got != "3\n" {
		t.Errorf("the executable of two units prints %q", got)
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(dir)) // a clone elsewhere
	if err := os.CopyFS(copied, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{dir, copied} {
		if again := BuildUnits(t, dir, 2); again != first {
			t.Errorf("BuildUnits of %s made %s anew, the first was %s", dir, again, first)
		}
	}
	write("unit.h", "#define FACTOR 10\n")
	if got := run(t, BuildUnits(t, dir, 2)); got != "30\n" {
		t.Errorf("after a change of the header the executable prints %q", got)
	}
}

func TestBuildGoUnits(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"main.go": "package main\n\nfunc main() {\n\tfor _, run := range units {\n\t\tprint(run(10), \" \")\n\t}\n}\n",
		"unit.go": "package unit\n\nfunc Run(n int) int { return n + unit }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	path := BuildGoUnits(t, dir, 2, "-ldflags=-compressdwarf=false")
	out, err := exec.Command(path).CombinedOutput()
	if err != nil || string(out) != "10 11 " {
		t.Errorf("the program of two units prints %q, %v", out, err)
	}
	if again := BuildGoUnits(t, dir, 2); again == path {
		t.Error("it is the same with other flags")
	}
}
