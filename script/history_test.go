package script

import "testing"

func FuzzHistory(f *testing.F) {
	f.Add("a\\n\nb\\")
	f.Fuzz(func(t *testing.T, item string) {
		line := escapeNewlines.Replace(item)
		if got := unescapeNewlines.Replace(line); got != item {
			t.Errorf("%q became %q, then %q", item, line, got)
		}
	})
}
