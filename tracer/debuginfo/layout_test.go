package debuginfo

import (
	"regexp"
	"strings"
	"testing"
)

// alike rewrites what pahole and Layout write differently and mean alike: blanks, the
// names of the base types, and the attribute that pahole guesses.
func alike(text string) string {
	text = strings.ReplaceAll(text, " __attribute__((__packed__))", "")
	for long, short := range map[string]string{"long unsigned int": "unsigned long", "long int": "long", "short int": "short"} {
		text = strings.ReplaceAll(text, long, short)
	}
	text = regexp.MustCompile(`[ \t]+`).ReplaceAllString(text, " ")
	text = regexp.MustCompile(`\* (\w|;|/)`).ReplaceAllString(text, "*$1")
	text = regexp.MustCompile(` ([;:])`).ReplaceAllString(text, "$1")
	return strings.TrimSpace(text)
}

func TestLayout(t *testing.T) {
	path := build(t, "layout.c")
	d := openFile(t, path)
	for _, name := range []string{"point", "holes", "bits", "pointers", "nested", "large", "tight", "exact", "lines", "either", "mixed", "flexible", "single", "holder"} {
		t.Run(name, func(t *testing.T) {
			types, err := d.Types(name)
			if err != nil {
				t.Fatal(err)
			}
			got, err := types[0].Layout()
			if err != nil {
				t.Fatal(err)
			}
			want := output(t, "pahole", "-C", name, path)
			if alike(got) != alike(want) {
				t.Errorf("Layout:\n%s\npahole:\n%s\n%s", got, want, alike(got))
			}
		})
	}
}

// TestLayoutClass looks at what C++ adds, of which pahole writes the methods too.
func TestLayoutClass(t *testing.T) {
	types, err := openFile(t, build(t, "layout.cc", "-lstdc++")).Types("Derived")
	if err != nil {
		t.Fatal(err)
	}
	got, err := types[0].Layout()
	if err != nil {
		t.Fatal(err)
	}
	const want = `class Derived {
 /*Base <ancestor>; */ /*0 16 */

 /*XXX last struct has 3 bytes of padding */

 /*Plain <ancestor>; */ /*16 8 */
 char c; /*24 1 */

 /*XXX 7 bytes hole, try to pack */

 long d; /*32 8 */
 int e; /*40 4 */

 /*size: 48, cachelines: 1, members: 5 */
 /*sum members: 37, holes: 1, sum holes: 7 */
 /*padding: 4 */
 /*paddings: 1, sum paddings: 3 */
 /*last cacheline: 48 bytes */
};`
	if alike(got) != want {
		t.Errorf("Layout:\n%s\n%s", got, alike(got))
	}
}
