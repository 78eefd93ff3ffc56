package builtins

import (
	"time"

	"go.starlark.net/starlark"
)

// large is how many bytes take so long to look at that an interrupt should not wait.
const large = 1 << 20

// aside calls f, which is to look at so many bytes that never change, and gives up if
// the thread is canceled: f then ends for nobody.
func aside[T any](thread *starlark.Thread, size int, f func() (T, error)) (v T, err error) {
	const poll = 20 * time.Millisecond
	if size < large {
		return f()
	}
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		select {
		case r := <-done:
			return r.v, r.err
		case <-ticker.C:
			if err := canceled(thread); err != nil {
				return v, err
			}
		}
	}
}
