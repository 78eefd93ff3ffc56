package image

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// strip makes a stripped copy of path and a file of its debug information in
// other directories, and returns their paths.
//
// All files are forgotten, or a copy of another test with its debug file might be
// shared.
func strip(t testing.TB, path string) (stripped, debug string) {
	t.Helper()
	clear(files.entries)
	stripped = filepath.Join(t.TempDir(), "stripped")
	debug = filepath.Join(t.TempDir(), "stripped.debug")
	run(t, "objcopy", "--only-keep-debug", path, debug)
	run(t, "objcopy", "--strip-all", "--add-gnu-debuglink="+debug, path, stripped)
	return stripped, debug
}

// move moves a file to where its directory may not be yet.
func move(t testing.TB, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestDebug finds separate debug files at all places where they may be, and what
// they hold is as if the file had never been stripped.
func TestDebug(t *testing.T) {
	for _, flags := range [][]string{{"-O2"}, {"-O2", "-Wl,--build-id=none"}} {
		path := build(t, "report.c", flags...)
		whole := mustOpen(t, path)
		if debug, err := whole.Debug(); debug != whole || err != nil {
			t.Errorf("Debug = %v, %v; want the file itself", debug, err)
		}
		dirs := t.TempDir()
		t.Setenv(DebugPathVariable, "/nowhere:"+dirs)
		for _, place := range []string{"beside", "below", "by build ID", "by path", "nowhere"} {
			t.Run(fmt.Sprintf("%q %s", flags, place), func(t *testing.T) {
				stripped, debug := strip(t, path)
				whole := mustOpen(t, path)
				found := true
				dir, base := filepath.Dir(stripped), filepath.Base(debug)
				to := debug
				switch id := whole.BuildID(); place {
				case "beside":
					to = filepath.Join(dir, base)
				case "below":
					to = filepath.Join(dir, ".debug", base)
				case "by path":
					to = filepath.Join(dirs, dir, base)
				case "by build ID":
					if found = id != ""; found {
						to = filepath.Join(dirs, ".build-id", id[:2], id[2:]+".debug")
					}
				case "nowhere":
					found = false
				}
				if to != debug {
					move(t, debug, to)
				}
				if place == "by build ID" && found {
					defer os.Remove(to)
				}
				f := mustOpen(t, stripped)
				separate, err := f.Debug()
				if err != nil || (separate != f) != found {
					t.Fatalf("Debug = %s, %v", separate.Name(), err)
				}
				if !found {
					if s := f.Lookup("hidden"); s != nil {
						t.Errorf("Lookup = %+v", s)
					}
					return
				}
				if separate.Name() != to {
					t.Errorf("Debug = %s, want %s", separate.Name(), to)
				}
				got, err := f.Symbols()
				if want := mustSymbols(t, path); err != nil || !slices.Equal(got, want) {
					t.Errorf("%d symbols, %v; want %d", len(got), err, len(want))
				}
				data, _, err := separate.Section(".debug_info")
				want, _, _ := whole.Section(".debug_info")
				if err != nil || !bytes.Equal(data, want) {
					t.Errorf("%d bytes of .debug_info, %v; want %d", len(data), err, len(want))
				}
			})
		}
	}
}

// TestDebugFrame finds call frame information in the separate file alone.
func TestDebugFrame(t *testing.T) {
	dirs := t.TempDir()
	t.Setenv(DebugPathVariable, dirs)
	path := build(t, "lib.c", "-shared", "-fPIC", "-nostdlib", "-fno-asynchronous-unwind-tables", "-fno-unwind-tables")
	stripped, debug := strip(t, path)
	id := mustOpen(t, path).BuildID()
	if _, err := mustOpen(t, path).CFI(); err != nil {
		t.Error(err)
	}
	move(t, debug, filepath.Join(dirs, ".build-id", id[:2], id[2:]+".debug"))
	if _, err := mustOpen(t, stripped).CFI(); err != nil {
		t.Error(err)
	}
}

// TestDebugRefused has debug files of other files in the place of the one that
// is meant.
func TestDebugRefused(t *testing.T) {
	other := mustOpen(t, build(t, "lib.c", "-shared", "-fPIC"))
	t.Run("build ID", func(t *testing.T) {
		dirs := t.TempDir()
		t.Setenv(DebugPathVariable, dirs)
		stripped, _ := strip(t, build(t, "report.c"))
		f := mustOpen(t, stripped)
		id := f.BuildID()
		path := filepath.Join(dirs, ".build-id", id[:2], id[2:]+".debug")
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		copyFile(t, other.Name(), path)
		got, err := f.Debug()
		want := fmt.Sprintf("%s: separate debug file %s: it has build ID %s, want build ID %s", stripped, path, other.BuildID(), id)
		if got != f || err == nil || err.Error() != want {
			t.Errorf("Debug = %s, %v; want %s", got.Name(), err, want)
		}
		if _, err := f.Symbols(); err == nil || err.Error() != want {
			t.Errorf("Symbols: error %v, want %s", err, want)
		}
	})
	t.Run("CRC", func(t *testing.T) {
		stripped, debug := strip(t, build(t, "report.c", "-Wl,--build-id=none"))
		data, err := os.ReadFile(debug)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(filepath.Dir(stripped), filepath.Base(debug))
		if err := os.WriteFile(path, append(data, 0), 0o666); err != nil {
			t.Fatal(err)
		}
		f := mustOpen(t, stripped)
		want := fmt.Sprintf("%s: separate debug file %s: it has CRC ", stripped, path)
		if got, err := f.Debug(); got != f || err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Debug = %s, %v; want %s...", got.Name(), err, want)
		}
	})
	t.Run("link to another directory", func(t *testing.T) {
		stripped, _ := strip(t, build(t, "report.c", "-Wl,--build-id=none"))
		data, err := os.ReadFile(stripped)
		if err != nil {
			t.Fatal(err)
		}
		data = bytes.Replace(data, []byte("stripped.debug\x00"), []byte("../etc/passwd\x00\x00"), 1)
		f, err := Parse(bytes.NewReader(data), int64(len(data)), stripped)
		if err != nil {
			t.Fatal(err)
		}
		if name, _, ok := f.debugLink(); ok {
			t.Errorf("debugLink = %q", name)
		}
		if got, err := f.Debug(); got != f || err != nil {
			t.Errorf("Debug = %s, %v", got.Name(), err)
		}
	})
}

// minidebug returns the path of a stripped copy of path that has its functions'
// symbols in .gnu_debugdata, made as distributions do (GDB's manual, "Debugging
// information in a special section").
func minidebug(t testing.TB, path string, xz ...string) string {
	t.Helper()
	dir := t.TempDir()
	mini, stripped := filepath.Join(dir, "mini"), filepath.Join(dir, "stripped")
	run(t, "objcopy", "--strip-debug", "--remove-section=.comment", path, mini)
	run(t, "objcopy", "--only-keep-debug", mini, mini)
	run(t, "xz", append(xz, mini)...)
	run(t, "objcopy", "--strip-all", "--add-section=.gnu_debugdata="+mini+".xz", path, stripped)
	return stripped
}

func TestMiniDebugInfo(t *testing.T) {
	t.Setenv(DebugPathVariable, "")
	path := build(t, "report.c", "-O2")
	for _, flags := range [][]string{nil, {"-9e"}, {"-0"}, {"--check=none"}, {"--check=sha256"}, {"--block-size=1024"}} {
		f := mustOpen(t, minidebug(t, path, flags...))
		got, err := f.Symbols()
		if want := mustSymbols(t, path); err != nil || !slices.Equal(got, want) {
			t.Errorf("xz %q: %d symbols, %v; want %d", flags, len(got), err, len(want))
		}
	}
}

// TestUnxz refuses what is cut short, damaged or would become too large.
func TestUnxz(t *testing.T) {
	f := mustOpen(t, minidebug(t, build(t, "report.c", "-O2")))
	data, _, err := f.Section(".gnu_debugdata")
	if err != nil {
		t.Fatal(err)
	}
	whole, err := unxz(data)
	if err != nil {
		t.Fatal(err)
	}
	const tail = 12 + 12 // the index and the footer are not needed
	for n := range len(data) - tail {
		if got, err := unxz(data[:n]); err == nil && !bytes.Equal(got, whole) {
			t.Errorf("%d bytes became %d", n, len(got))
		}
	}
	bomb := filepath.Join(t.TempDir(), "bomb")
	if err := os.WriteFile(bomb, make([]byte, 64<<20), 0o666); err != nil {
		t.Fatal(err)
	}
	run(t, "xz", bomb)
	if data, err = os.ReadFile(bomb + ".xz"); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("xz: %d bytes would become more than %d", len(data), 64*len(data)+1<<20)
	if got, err := unxz(data); err == nil || err.Error() != want {
		t.Errorf("%d bytes, %v; want %s", len(got), err, want)
	}
}

func FuzzUnxz(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "text")
	if err := os.WriteFile(path, []byte(strings.Repeat("text of some length ", 20)), 0o666); err != nil {
		f.Fatal(err)
	}
	for _, flags := range []string{"-k", "--check=none -kf", "--block-size=100 -kf", "--x86 --lzma2 -kf"} {
		run(f, "xz", append(strings.Fields(flags), path)...)
		data, err := os.ReadFile(path + ".xz")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := unxz(data)
		if got != nil && err != nil {
			t.Fatalf("%d bytes and %v", len(got), err)
		}
		if limit := 64*len(data) + 1<<20; len(got) > limit {
			t.Fatalf("%d bytes became %d, more than %d", len(data), len(got), limit)
		}
	})
}
