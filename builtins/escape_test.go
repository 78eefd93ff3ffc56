package builtins

import (
	"testing"
	"unicode"
)

func TestEscape(t *testing.T) {
	tests := []struct{ text, want, colored string }{
		{"", "", ""},
		{"plain é 漢\u00a0\n\ttext", "plain é 漢\u00a0\n\ttext", "plain é 漢\u00a0\n\ttext"},
		{"\x1b[1;31mred\x1b[m", `\x1b[1;31mred\x1b[m`, "\x1b[1;31mred\x1b[m"},
		{"\x1b]0;title\x07", `\x1b]0;title\a`, `\x1b]0;title\a`},
		{"\x1b[2J\x1b[6n\x1b[1;31", `\x1b[2J\x1b[6n\x1b[1;31`, `\x1b[2J\x1b[6n\x1b[1;31`},
		{"over\rwritten\b\x7f", `over\rwritten\b\x7f`, `over\rwritten\b\x7f`},
		{"\xff\x9b2J\u009b", `\xff\x9b2J\u009b`, `\xff\x9b2J\u009b`},
		{"\u202egnirts", `\u202egnirts`, `\u202egnirts`},
	}
	for _, test := range tests {
		if got := Escape(test.text, false); got != test.want {
			t.Errorf("Escape(%q) = %q, want %q", test.text, got, test.want)
		}
		if got := Escape(test.text, true); got != test.colored {
			t.Errorf("Escape(%q) with colors = %q, want %q", test.text, got, test.colored)
		}
	}
}

func FuzzEscape(f *testing.F) {
	f.Add("\x1b[1mbold\x9b\u202e")
	f.Fuzz(func(t *testing.T, text string) {
		got := Escape(text, false)
		for _, r := range got {
			if r != '\n' && r != '\t' && !unicode.IsGraphic(r) {
				t.Fatalf("Escape(%q) = %q has %q", text, got, r)
			}
		}
		if again := Escape(got, false); again != got {
			t.Errorf("Escape(%q) = %q, but again it is %q", text, got, again)
		}
		if Escape(Escape(text, true), false) != got {
			t.Errorf("Escape(%q) differs from that of what colors leave", text)
		}
	})
}
