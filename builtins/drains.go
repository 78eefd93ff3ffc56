package builtins

import (
	"slices"
	"sync"
	"time"
)

// The drains take out of pipes what targets write, on one goroutine for all outputs. It
// is not woken by each write, which takes longer than many a target runs, nor is one
// started for each target: it looks into the pipes so often that none is full for long.
// An output that much comes out of, or that is watched, is followed meanwhile: it has a
// goroutine that waits for what comes.
type drains struct {
	mu      sync.Mutex
	outputs []*output
	runs    bool // there is a goroutine
}

// drainEach is how long a target may have to wait whose pipe is full and that is not
// followed yet. Nothing else depends on it: who reads an output looks into the pipe.
const drainEach = 10 * time.Millisecond

// An output is followed when at least much has come, in bytes, and until less has for
// followMost times followTime.
const (
	much       = 1 << 12
	followTime = 16 * time.Millisecond
	followMost = 64
)

// add takes in an output that is new.
func (d *drains) add(o *output) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.outputs = append(d.outputs, o)
	if !d.runs {
		d.runs = true
		go d.run()
	}
}

// run drains the outputs for as long as there are any.
func (d *drains) run() {
	var outputs []*output
	for {
		time.Sleep(drainEach)
		d.mu.Lock()
		d.outputs = slices.DeleteFunc(d.outputs, (*output).closed)
		outputs = append(outputs[:0], d.outputs...)
		d.runs = len(outputs) > 0
		d.mu.Unlock()
		if len(outputs) == 0 {
			return
		}
		for _, o := range outputs {
			if n, _ := o.sync(); n >= much {
				o.follow()
			}
		}
	}
}

// follow has a goroutine take in what comes, as soon as it comes, until less does.
func (o *output) follow() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.followed || o.ended {
		return
	}
	o.followed = true
	o.follower.Go(func() {
		for left := followMost; left > 0; left-- {
			n := 0
			if o.poll(followTime) {
				n, _ = o.sync()
			}
			if n >= much || o.isWatched() {
				left = followMost
			}
			if o.closed() {
				break
			}
		}
		o.mu.Lock()
		o.followed = false
		o.mu.Unlock()
	})
}

// closed reports whether nothing more will come.
func (o *output) closed() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.ended
}
