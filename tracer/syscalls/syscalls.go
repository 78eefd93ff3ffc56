// Package syscalls names the system calls of Linux on x86-64, and shows them.
//
// It is data: names and numbers, the groups that strace(1) has for its filters, the
// names of error numbers, and what the arguments of each call are, by which a Decoder
// shows them as strace does. It makes no system call and knows no process.
package syscalls

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

//go:generate go run generate.go
//go:generate go run constants_generate.go

// Name returns the name of a system call, or "" if the number has none.
func Name(nr int) string {
	if nr < 0 || nr >= len(names) {
		return ""
	}
	return names[nr]
}

// Number returns the number of a system call.
func Number(name string) (nr int, ok bool) {
	nr = slices.Index(names[:], name)
	return nr, nr >= 0 && name != ""
}

// Group returns the numbers of the system calls in a group such as "%file"; ok is
// false if there is no such group.
func Group(name string) (numbers []int, ok bool) {
	members, ok := groups[name]
	for _, member := range strings.Fields(members) {
		nr, _ := Number(member)
		numbers = append(numbers, nr)
	}
	return numbers, ok
}

// Match returns the numbers of the system calls whose names match a pattern: one with * for
// any characters and ? for one, such as "open*", or a regular expression behind a slash, such
// as "/^open|stat", which is found anywhere in a name. ok is false if it is neither.
func Match(pattern string) (numbers []int, ok bool, err error) {
	matches := func(name string) bool { matched, _ := path.Match(pattern, name); return matched }
	if text, isRegexp := strings.CutPrefix(pattern, "/"); isRegexp {
		re, err := regexp.Compile(text)
		if err != nil {
			return nil, true, err
		}
		matches = re.MatchString
	} else if !strings.ContainsAny(pattern, "*?") {
		return nil, false, nil
	}
	for nr, name := range names {
		if name != "" && matches(name) {
			numbers = append(numbers, nr)
		}
	}
	if numbers == nil {
		return nil, true, fmt.Errorf("no system call matches %q", pattern)
	}
	return numbers, true, nil
}

// Names returns the names of all system calls and groups.
func Names() []string {
	all := slices.DeleteFunc(slices.Clone(names[:]), func(name string) bool { return name == "" })
	return slices.AppendSeq(all, maps.Keys(groups))
}

// restarts are the error numbers that a system call gives to the kernel when a
// signal interrupts it, which a program never sees (include/linux/errno.h).
var restarts = map[int]string{512: "ERESTARTSYS", 513: "ERESTARTNOINTR", 514: "ERESTARTNOHAND", 516: "ERESTART_RESTARTBLOCK"}

// Errno returns the name of an error number, such as "ENOENT", or "" if it has
// none.
func Errno(n int) string {
	if name, ok := restarts[n]; ok {
		return name
	}
	return unix.ErrnoName(unix.Errno(n))
}

// MaxErrno is the highest error number that a system call can return (MAX_ERRNO).
const MaxErrno = 4095

// aliases are second names of error numbers.
var aliases = map[string]unix.Errno{"EWOULDBLOCK": unix.EWOULDBLOCK, "EDEADLOCK": unix.EDEADLOCK, "ENOTSUP": unix.ENOTSUP}

// ErrnoNumber returns the error number called name. It is one that programs see.
func ErrnoNumber(name string) (n int, ok bool) {
	if alias, ok := aliases[name]; ok {
		return int(alias), true
	}
	for n = 1; n <= MaxErrno; n++ {
		if unix.ErrnoName(unix.Errno(n)) == name {
			return n, name != ""
		}
	}
	return 0, false
}

// ErrnoNames returns the names of all error numbers that programs see.
func ErrnoNames() (all []string) {
	for n := 1; n <= MaxErrno; n++ {
		if name := unix.ErrnoName(unix.Errno(n)); name != "" {
			all = append(all, name)
		}
	}
	return slices.AppendSeq(all, maps.Keys(aliases))
}

// Failed returns the name of the error that a system call returned, or "" if it
// succeeded. One without a name is "E" and its number.
func Failed(ret int64) string {
	if ret >= 0 || ret < -MaxErrno {
		return ""
	}
	if name := Errno(int(-ret)); name != "" {
		return name
	}
	return "E" + strconv.FormatInt(-ret, 10)
}
