//go:build linux && amd64

package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/tracelark/tracelark/script"
)

// maxMemory is what a script may take by default on a large machine.
const maxMemory = 4 << 30

// registerLimits adds the flags that bound what a script, or a part of it, may take, but
// for time.
func registerLimits(cmd *cobra.Command, opts *script.Options, what string) {
	opts.Memory = defaultMemory()
	opts.Stuck = stuck
	cmd.Flags().Uint64Var(&opts.Steps, "steps", 0, "end a "+what+" that takes `N` interpreter steps (0: never)")
	cmd.Flags().Var((*size)(&opts.Memory), "memory", "end a "+what+" when tracelark takes `SIZE` of memory, such as 500M or 2G (0: never)")
}

// defaultMemory returns a quarter of the machine's memory at most, so that what a script
// takes until that is noticed does not take the machine down.
func defaultMemory() uint64 { return min(machineMemory()/4, maxMemory) }

// machineMemory returns the size of the machine's memory in bytes.
func machineMemory() uint64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return info.Totalram * uint64(info.Unit)
}

// stuck ends the command because of a script that cannot be ended.
func stuck(cause error) {
	fmt.Fprintf(os.Stderr, "tracelark: %v; it does not end, and a process that it attached to may keep watchpoints\n", cause)
	os.Exit(exitFailed)
}

// size is a flag's value: a number of bytes, with a unit behind it that may be K, M, G
// or T.
type size uint64

func (s *size) Type() string   { return "size" }
func (s *size) String() string { return strconv.FormatUint(uint64(*s)>>20, 10) + "M" }

func (s *size) Set(text string) error {
	digits := strings.TrimRight(strings.ToUpper(text), "KMGTIB")
	shift, ok := map[string]uint{"": 0, "K": 10, "M": 20, "G": 30, "T": 40}[strings.TrimSuffix(strings.TrimSuffix(strings.ToUpper(text[len(digits):]), "B"), "I")]
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil || !ok || n<<shift>>shift != n {
		return errors.New("want a number of bytes, with K, M, G or T behind it")
	}
	*s = size(n << shift)
	return nil
}
