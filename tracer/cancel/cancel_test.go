package cancel

import (
	"errors"
	"testing"
)

func TestCall(t *testing.T) {
	failed := errors.New("failed")
	never := func() error { return nil }
	if v, err := Call(func() (int, error) { return 1, nil }, never); v != 1 || err != nil {
		t.Errorf("Call = %v, %v, want 1", v, err)
	}
	if _, err := Call(func() (int, error) { return 0, failed }, never); err != failed {
		t.Errorf("Call = %v, want what f returns", err)
	}
	end := make(chan bool)
	defer close(end)
	asked := 0
	v, err := Call(func() (int, error) { <-end; return 1, nil }, func() error {
		if asked++; asked < 3 {
			return nil
		}
		return failed
	})
	if v != 0 || err != failed || asked != 3 {
		t.Errorf("Call = %v, %v after %d questions, want the error of the third", v, err, asked)
	}
}
