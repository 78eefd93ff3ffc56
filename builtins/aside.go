package builtins

import (
	"go.starlark.net/starlark"

	"github.com/tracelark/tracelark/tracer/cancel"
)

// large is how many bytes take so long to look at that an interrupt should not wait.
const large = 1 << 20

// aside calls f, which is to look at so many bytes that never change, and gives up if
// the thread is canceled: f then ends for nobody.
func aside[T any](thread *starlark.Thread, size int, f func() (T, error)) (T, error) {
	if size < large {
		return f()
	}
	return cancel.Call(f, func() error { return canceled(thread) })
}
