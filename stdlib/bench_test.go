//go:build linux && amd64

package stdlib_test

import (
	"fmt"
	"io"
	"os/exec"
	"testing"

	"github.com/tracelark/tracelark/script"
	"github.com/tracelark/tracelark/tracer/tracertest"
)

// BenchmarkTrace measures a system call that is traced: one of those that dd makes, two
// for each byte that it copies.
func BenchmarkTrace(b *testing.B) {
	argv := func(b *testing.B) []string {
		return []string{"dd", "if=/dev/zero", "of=/dev/null", "bs=1", fmt.Sprint("count=", b.N/2+1), "status=none"}
	}
	b.Run("std/strace.star", func(b *testing.B) {
		session, err := script.New(&script.Options{Args: argv(b), Stdout: io.Discard, Policy: script.Policy{Allow: script.MayAll}})
		if err != nil {
			b.Fatal(err)
		}
		defer session.Close()
		if err := session.RunCode("load('std/strace.star', 'strace')\nstrace.run(args)"); err != nil {
			b.Fatal(err)
		}
	})
	b.Run("strace", func(b *testing.B) {
		args := append([]string{"-o", "/dev/null"}, argv(b)...)
		if out, err := exec.Command(tracertest.Tool(b, "strace"), args...).CombinedOutput(); err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
	})
}
