package builtins

import (
	"bytes"
	"runtime"
	"testing"
)

// TestDrains writes more than a pipe holds into several, which nobody reads, and closes
// them. All must be taken in, and the goroutine and the files be gone then.
func TestDrains(t *testing.T) {
	p := &process{env: &Env{}}
	want := bytes.Repeat([]byte("0123456789abcdef"), 1<<15)
	var outputs []*output
	for range 3 {
		o, file, err := newOutput(p, "stdout", true)
		if err != nil {
			t.Fatal(err)
		}
		outputs = append(outputs, o)
		go func() {
			file.Write(want)
			file.Close()
		}()
	}
	d := &p.env.drains
	for runs := true; runs; runtime.Gosched() {
		d.mu.Lock()
		runs = d.runs
		d.mu.Unlock()
	}
	for i, o := range outputs {
		if !bytes.Equal(o.data, want) || !o.closed() {
			t.Errorf("%d: %d bytes came, closed is %t, want %d bytes and true", i, len(o.data), o.closed(), len(want))
		}
		if _, err := o.file.Stat(); err == nil {
			t.Errorf("%d: the file is open", i)
		}
	}

	// Later ones find a goroutine again, and are finished when nobody has them open.
	before := openStreams(t)
	o, file, err := newOutput(p, "stdout", false)
	if err != nil {
		t.Fatal(err)
	}
	came := make(chan bool)
	o.watch(func(unread []byte) int { return bytes.Index(unread, []byte("end")) }, func() { close(came) })
	file.Write([]byte("the end"))
	<-came
	file.Close()
	for !o.finished() {
		runtime.Gosched()
	}
	if n := openStreams(t); n != before {
		t.Errorf("%d streams are open when it is finished, %d were before", n, before)
	}

	// So they are when they were closed.
	if o, file, err = newOutput(p, "stdout", false); err != nil {
		t.Fatal(err)
	}
	o.watch(func(unread []byte) int { return -1 }, nil)
	closeOutputs(o, nil)
	file.Close()
	if n := openStreams(t); n != before || !o.finished() {
		t.Errorf("%d streams are open when it was closed, %d were before", n, before)
	}
}
