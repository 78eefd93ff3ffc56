//go:build linux && amd64

package tracer

import (
	"errors"
	"testing"
)

// TestSimulation runs tests of watchpoints and hardware breakpoints as on a machine
// whose debug registers do not trap.
func TestSimulation(t *testing.T) {
	if err := watchable(); err != nil {
		t.Skipf("%v: these tests run so already", err)
	}
	trap := watchable
	watchable = func() error { return errors.New("they are not to be used") }
	t.Cleanup(func() { watchable = trap })
	for name, test := range map[string]func(*testing.T){
		"accesses":             TestWatchAccesses,
		"unaligned":            TestWatchUnaligned,
		"four":                 TestWatchFour,
		"step":                 TestWatchStep,
		"push":                 TestWatchPush,
		"errors":               TestWatchErrors,
		"threads":              TestWatchThreads,
		"children":             TestWatchChildren,
		"kernel":               TestWatchKernel,
		"removed":              TestWatchRemovedThatOthersHit,
		"detach":               TestWatchDetach,
		"hardware breakpoints": TestHardwareBreakpointMoves,
		"restarted calls":      TestHardwareBreakpointRestart,
	} {
		t.Run(name, test)
	}
}
