package script

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzJournal opens what may be a journal: it is refused, or its cases that are done
// have lines and another can be added.
func FuzzJournal(f *testing.F) {
	dir := f.TempDir()
	path := filepath.Join(dir, "case")
	if err := os.WriteFile(path, []byte("x"), 0o666); err != nil {
		f.Fatal(err)
	}
	cases := []Case{{Path: path}, {Path: filepath.Join(dir, "none")}}
	head := journalHead{Batch: 1, Script: "s"}
	whole := func(lines ...string) []byte {
		out := filepath.Join(dir, "seed")
		os.RemoveAll(out)
		j, err := openJournal(out, head, cases, false)
		if err != nil {
			f.Fatal(err)
		}
		defer j.f.Close()
		for i, line := range lines {
			id, _ := j.identity(cases[i])
			if err := j.put(record{i, id, []byte(line)}); err != nil {
				f.Fatal(err)
			}
		}
		data, err := os.ReadFile(filepath.Join(out, journalName))
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	two := whole(`{"a":1}`, `{"b":"}"}`)
	f.Add(two)
	f.Add(two[:len(two)-3])
	f.Add(append(bytes.Clone(two), "null}\n{}\n"...))
	f.Add([]byte("{}\n"))
	f.Add([]byte(nil))
	out := filepath.Join(dir, "out")
	if err := os.Mkdir(out, 0o777); err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := os.WriteFile(filepath.Join(out, journalName), data, 0o666); err != nil {
			t.Fatal(err)
		}
		j, err := openJournal(out, head, cases, false)
		if (j == nil) == (err == nil) {
			t.Fatalf("got %v and %v", j, err)
		}
		if err != nil {
			return
		}
		defer j.f.Close()
		for i := range cases {
			if line, err := j.line(i); j.has(i) && (err != nil || len(line) == 0) {
				t.Errorf("line %d is %q, %v", i, line, err)
			}
		}
		id, _ := j.identity(cases[0])
		if err := j.put(record{0, id, []byte(`{"new":true}`)}); err != nil {
			t.Fatal(err)
		}
		if line, err := j.line(0); err != nil || string(line) != `{"new":true}` {
			t.Errorf("the line that was put is %q, %v", line, err)
		}
	})
}
