package script

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// press returns what readline gets of keys, which come as r hands them out.
func press(r io.Reader) (string, int) {
	suspended := 0
	k := &keyboard{ReadCloser: io.NopCloser(r), suspend: func() { suspended++ }}
	got, _ := io.ReadAll(k)
	return string(got), suspended
}

func TestKeyboard(t *testing.T) {
	for keys, want := range map[string]string{
		"abc\r":                           "abc\r",
		"a\x1b[200~b\r\nc\td\x1b[201~e\r": "ab\u2028c    de\r",
		"\x1b[200~a\nb\rc\x03\x1b[201~":   "a\u2028b\u2028c",
		"\x1b[A\x1b[2~":                   "\x1b[A\x1b[2~",
		"\x1b[200~\x1b[A\x1b[201~\x1b[B":  "[A\x1b[B",
		"\x00":                            "\a",
		"ab\x03c":                         "ab\a\x03c",
		"\x1b\x1b":                        "\x1b\x1b",
		"é漢":                              "é漢",
	} {
		for name, r := range map[string]io.Reader{"at once": strings.NewReader(keys), "one by one": iotest.OneByteReader(strings.NewReader(keys))} {
			if got, _ := press(r); got != want {
				t.Errorf("%q %s: got %q, want %q", keys, name, got, want)
			}
		}
	}
	if got, suspended := press(strings.NewReader("a\x1ab")); got != "ab" || suspended != 1 {
		t.Errorf("^Z: got %q, suspended %d times", got, suspended)
	}
}

func TestDeleteKey(t *testing.T) {
	k := &keyboard{ReadCloser: io.NopCloser(strings.NewReader("\x1b[3~a\x1b[3~"))}
	k.empty.Store(true)
	p := make([]byte, 1)
	k.Read(p)
	k.OnChange([]rune("a"), 1, 'a')
	// What was translated already has seen an empty line.
	if rest, _ := io.ReadAll(k); string(p)+string(rest) != "a" {
		t.Errorf("on an empty line: got %q", string(p)+string(rest))
	}
	if got, _ := press(strings.NewReader("\x1b[3~")); got != "\x1b[3~" {
		t.Errorf("on a line: got %q", got)
	}
}

func TestTypeAhead(t *testing.T) {
	k := &keyboard{ReadCloser: io.NopCloser(strings.NewReader("b"))}
	k.typeAhead([]byte("a"))
	if got, _ := io.ReadAll(k); string(got) != "ab" {
		t.Errorf("got %q", got)
	}
}

func FuzzKeyboard(f *testing.F) {
	f.Add([]byte("a\x1b[200~b\r\n\x1b[201~\x1a"))
	f.Fuzz(func(t *testing.T, keys []byte) {
		got, _ := press(bytes.NewReader(keys))
		if slow, _ := press(iotest.OneByteReader(bytes.NewReader(keys))); slow != got {
			t.Errorf("%q is %q at once and %q one by one", keys, got, slow)
		}
		if strings.ContainsAny(got, "\x00\x1a") {
			t.Errorf("%q became %q", keys, got)
		}
	})
}
