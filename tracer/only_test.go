//go:build linux && amd64

package tracer

import (
	"testing"
	"time"
)

// TestRestartUnderOnly has a handler restart the process while one thread alone moves:
// that goes on with the new main thread.
func TestRestartUnderOnly(t *testing.T) {
	p := launch(t, "loop", "3")
	restarted := false
	b := breakAt(t, p, "work", func(*Stop) (bool, error) {
		if restarted {
			return false, nil
		}
		restarted = true
		_, err := p.Restart(nil)
		return false, err
	})
	stop, err := p.Cont(&MoveOptions{Only: true, Timeout: 20 * time.Second})
	if err != nil || stop.Reason != ReasonExit {
		t.Fatalf("Cont = %+v, %v, want exit", stop, err)
	}
	if b.Hits() != 4 {
		t.Errorf("%d hits, want 4", b.Hits())
	}
}
