package report

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode"
	"unicode/utf8"
)

// FuzzAdd adds a line of JSON: what is taken out of it is what encoding/json finds.
func FuzzAdd(f *testing.F) {
	f.Add([]byte(`{"case":"a\\\"","cluster":null,"crash":{"explanation":"[{\\","x":[1,{"y":"]}"}]},"hang":null,"outcome":"crash","stack":["a","b"],"~casrep":"{}"}`))
	f.Add([]byte(`{"certainty":{"flaky":true},"seconds":0.5,"size":4,"stderr":"\\","severity":"exploitable","name":"x"}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r := newReport("")
		r.Add(text)
		// Names are compared as they stand, which encoding/json does not do.
		if bytes.Contains(text, []byte(`\u`)) || bytes.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf || unicode.IsUpper(r) }) {
			return
		}
		var all map[string]json.RawMessage
		var want Case
		if json.Unmarshal(text, &all) != nil || json.Unmarshal(text, &want) != nil {
			return // nothing is said of what is not valid, but that Add returns
		}
		plain, err := json.Marshal(all) // no spaces, and each name once
		if err != nil {
			t.Fatal(err)
		}
		r = newReport("")
		if err := r.Add(plain); err != nil {
			t.Fatalf("%s: %v", plain, err)
		}
		want = Case{}
		if err := json.Unmarshal(plain, &want); err != nil {
			t.Fatal(err)
		}
		var explanation string
		if want.Crash != nil {
			explanation = want.Crash.Explanation
		}
		if e, s := r.lines[0].evidence(plain); e != explanation || s != want.Stderr {
			t.Errorf("the evidence of %s is %q and %q", plain, e, s)
		}
		got := r.Cases[0]
		if err := complete(got, plain); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%s is\n%+v, want\n%+v", plain, *got, want)
		}
	})
}
