package image

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tracelark/tracelark/tracer/tracertest"
)

// TestSupplementary finds what dwz has moved to a file for several, beside the program and
// by build ID, and refuses that of others.
func TestSupplementary(t *testing.T) {
	tracertest.Tool(t, "dwz")
	dir := t.TempDir()
	clear(files.entries)
	var paths []string
	for _, name := range []string{"one", "two"} {
		path := filepath.Join(dir, name)
		copyFile(t, build(t, "report.c", "-gdwarf-4", "-DNAME="+name), path)
		paths = append(paths, path)
	}
	common := filepath.Join(dir, "common")
	run(t, "dwz", "-m", common, "-r", paths[0], paths[1])
	types := func(path string) error {
		clear(files.entries)
		data, err := mustOpen(t, path).DWARF()
		if err != nil {
			return err
		}
		_, err = data.Types("unsigned int")
		return err
	}
	if err := types(paths[0]); err != nil {
		t.Errorf("beside the program: %v", err)
	}
	sup, err := openObject(common)
	if err != nil {
		t.Fatal(err)
	}
	dirs := t.TempDir()
	t.Setenv(DebugPathVariable, dirs)
	id := sup.BuildID()
	move(t, common, filepath.Join(dirs, ".build-id", id[:2], id[2:]+".debug"))
	if err := types(paths[1]); err != nil {
		t.Errorf("by build ID: %v", err)
	}
	if err := os.RemoveAll(dirs); err != nil {
		t.Fatal(err)
	}
	if err := types(paths[0]); err == nil || !strings.Contains(err.Error(), "install it") {
		t.Errorf("without it: %v", err)
	}
	// A file that names itself has nothing more.
	copyFile(t, paths[0], common)
	if err := types(paths[0]); err == nil {
		t.Error("with itself: no error")
	}
	other := build(t, "lib.c", "-shared", "-fPIC")
	copyFile(t, other, common)
	if err := types(paths[0]); err == nil || !strings.Contains(err.Error(), "want build ID "+id) || !strings.Contains(err.Error(), "has build ID "+mustOpen(t, other).BuildID()) {
		t.Errorf("with another: %v", err)
	}
}
