package builtins

import (
	"flag"
	"os"
	osexec "os/exec"
	"path"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files that are made from the tables")

// TestGenerated checks that README.md and tracelark.pyi are what the tables make of them.
func TestGenerated(t *testing.T) {
	for file, want := range map[string]string{"README.md": Document(), "tracelark.pyi": Stub()} {
		if *update {
			if err := os.WriteFile(file, []byte(want), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := os.ReadFile(file); err != nil || string(got) != want {
			t.Errorf("%s is not what the tables make of it (%v): run go generate in this folder", file, err)
		}
	}
}

// TestStub checks that Python can parse the stub file, and that it has everything.
func TestStub(t *testing.T) {
	stub := Stub()
	python := osexec.CommandContext(t.Context(), "python3", "-c", `
import ast, sys
for node in ast.parse(sys.stdin.read()).body:
    name = getattr(node, "name", None) or getattr(getattr(node, "target", None), "id", None)
    print(name)
    for member in getattr(node, "body", []) if isinstance(node, ast.ClassDef) else []:
        print(name + "." + (getattr(member, "name", None) or getattr(getattr(member, "target", None), "id", None) or ""))
`)
	python.Stdin = strings.NewReader(stub)
	out, err := python.Output()
	if err != nil {
		t.Fatalf("python3: %v", err)
	}
	has := make(map[string]bool)
	for name := range strings.FieldsSeq(string(out)) {
		has[name] = true
	}
	for name := range newEnv(t).Predeclared() {
		if !has[name] && name != "int" && name != "float" {
			t.Errorf("the stub has no %s", name)
		}
	}
	for _, name := range []string{"Process.read", "Frame.function", "Ptrace.peek", "Json.encode", "Value.type_", "Regs.rax", "Observed.threads"} {
		if !has[name] {
			t.Errorf("the stub has no %s", name)
		}
	}
}

// TestExamples checks that each row has an example, and each example a row. Package
// script runs them.
func TestExamples(t *testing.T) {
	for _, name := range Topics() {
		if name != "permissions" && name != "limits" && exampleOf(name) == "" {
			t.Errorf("%s has no example in builtins/examples", name)
		}
	}
	for file, list := range Examples() {
		for _, e := range list {
			for pattern := range strings.FieldsSeq(e.Rows) {
				found := false
				for _, name := range Topics() {
					ok, _ := path.Match(pattern, name)
					found = found || ok
				}
				if !found {
					t.Errorf("%s has an example of %s, and no row is called so", file, pattern)
				}
			}
		}
	}
}
