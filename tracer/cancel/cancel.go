// Package cancel ends the wait for what cannot be ended itself.
package cancel

import "time"

// Call calls f on a goroutine of its own and returns what it returns, or the first error
// of canceled, which is asked a hundred times a second on the caller's thread. f then goes
// on for nobody, so it must be of what never changes, and must end.
func Call[T any](f func() (T, error), canceled func() error) (v T, err error) {
	type result struct {
		v   T
		err error
	}
	done := make(chan result, 1)
	go func() {
		v, err := f()
		done <- result{v, err}
	}()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case r := <-done:
			return r.v, r.err
		case <-ticker.C:
			if err := canceled(); err != nil {
				return v, err
			}
		}
	}
}
