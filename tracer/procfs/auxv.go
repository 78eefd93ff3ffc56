package procfs

import (
	"encoding/binary"
	"errors"
)

// Types of auxiliary vector entries (getauxval(3), linux/auxvec.h).
const (
	AT_NULL         = 0  // end of the vector
	AT_PHDR         = 3  // address of the program headers
	AT_PHENT        = 4  // size of one
	AT_PHNUM        = 5  // their number
	AT_PAGESZ       = 6  // page size in bytes
	AT_BASE         = 7  // load bias of the interpreter, or 0
	AT_FLAGS        = 8  // unused
	AT_ENTRY        = 9  // entry point of the program
	AT_UID          = 11 // real user ID
	AT_EUID         = 12 // effective user ID
	AT_GID          = 13 // real group ID
	AT_EGID         = 14 // effective group ID
	AT_PLATFORM     = 15 // address of the platform's name
	AT_HWCAP        = 16 // CPU features
	AT_CLKTCK       = 17 // frequency of times(2)
	AT_SECURE       = 23 // 1 if the program gained privileges by being run
	AT_RANDOM       = 25 // address of 16 random bytes
	AT_HWCAP2       = 26 // more CPU features
	AT_EXECFN       = 31 // address of the path given to execve(2)
	AT_SYSINFO_EHDR = 33 // address of the vdso
)

// Auxv returns the auxiliary vector of pid, values by type. What is absent is
// 0, as with getauxval(3). A zombie and a kernel thread have an empty one.
func Auxv(pid int) (map[uint64]uint64, error) {
	return read(pid, "auxv", ParseAuxv)
}

// ParseAuxv parses the contents of /proc/PID/auxv or of a core's NT_AUXV:
// pairs of 64-bit words, the last of type AT_NULL. Of several entries of one
// type the first counts. No bytes at all are an empty vector.
func ParseAuxv(data []byte) (map[uint64]uint64, error) {
	auxv := make(map[uint64]uint64)
	if len(data) == 0 {
		return auxv, nil
	}
	for ; len(data) >= 16; data = data[16:] {
		typ := binary.LittleEndian.Uint64(data)
		if typ == AT_NULL {
			return auxv, nil
		}
		if _, dup := auxv[typ]; !dup {
			auxv[typ] = binary.LittleEndian.Uint64(data[8:])
		}
	}
	return nil, errors.New("auxiliary vector ends without AT_NULL")
}
