package procfs

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Children returns the children of a thread that have not been waited for. Those of a
// process are the children of its threads.
func Children(tid int) ([]int, error) {
	return read(tid, "task/"+strconv.Itoa(tid)+"/children", ParseChildren)
}

// ParseChildren parses the contents of /proc/PID/task/TID/children (proc_tid_children(5)).
func ParseChildren(data []byte) ([]int, error) {
	var pids []int
	for word := range bytes.FieldsSeq(data) {
		pid, err := strconv.Atoi(string(word))
		if err != nil || pid <= 0 {
			return nil, fmt.Errorf("%q is no process ID", word)
		}
		pids = append(pids, pid)
	}
	return pids, nil
}

// Resident returns the memory of a process that is in RAM, in bytes.
func Resident(pid int) (int64, error) { return read(pid, "statm", ParseResident) }

// ParseResident parses the contents of /proc/PID/statm (proc_pid_statm(5)), which
// counts pages.
func ParseResident(data []byte) (int64, error) {
	fields := bytes.Fields(data)
	if len(fields) < 2 {
		return 0, errors.New("the number of resident pages is missing")
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	size := int64(os.Getpagesize())
	if err != nil || pages < 0 || pages > (1<<63-1)/size {
		return 0, fmt.Errorf("%q is no number of pages", fields[1])
	}
	return pages * size, nil
}
