package script

import (
	"bytes"
	"testing"
	"testing/fstest"
)

// TestPrintersOfLibrary has the printers of a standard library that has none, that
// cannot be loaded and that registers nothing asked for.
func TestPrintersOfLibrary(t *testing.T) {
	for name, test := range map[string]struct {
		modules fstest.MapFS
		want    string
	}{
		"none":       {fstest.MapFS{}, ""},
		"fails":      {fstest.MapFS{"cxx.star": {Data: []byte("fail('no')")}}, "load std/cxx.star: fail: no\n"},
		"unreadable": {fstest.MapFS{"cxx.star": {Data: []byte("\xff")}}, "load std/cxx.star: read std/cxx.star: binary data, not a script\n"},
		"nothing":    {fstest.MapFS{"cxx.star": {Data: []byte("x = 1")}}, ""},
		"other":      {fstest.MapFS{"cxx.star": {Data: []byte("register = 1")}}, "load std/cxx.star: invalid call of non-function (int)\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var stderr bytes.Buffer
			s, _, _ := newFake(t, Options{Stderr: &stderr})
			s.loader.stdlib = test.modules
			s.register("cxx.star")
			if got := stderr.String(); got != test.want {
				t.Errorf("wrote %q, want %q", got, test.want)
			}
		})
	}
}
