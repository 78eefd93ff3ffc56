package builtins

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// OpenTTY makes a pseudo-terminal with a size in columns and lines, and returns its two
// ends. That of the program blocks, ours does not.
func OpenTTY(width, height int) (ours, program *os.File, err error) {
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a terminal: %w", err)
	}
	ours = os.NewFile(uintptr(fd), "/dev/ptmx")
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Col: uint16(width), Row: uint16(height)})
	}
	var slave int
	if err == nil {
		slave, err = unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_CLOEXEC, 0)
	}
	if err != nil {
		ours.Close()
		return nil, nil, fmt.Errorf("make a terminal: %w", err)
	}
	return ours, os.NewFile(uintptr(slave), fmt.Sprintf("/dev/pts/%d", n)), nil
}

// attachTTY makes a terminal that the script works as p.stdin and p.stdout.
func (p *process) attachTTY() (program *os.File, err error) {
	ours, program, err := OpenTTY(80, 24)
	if err != nil {
		return nil, err
	}
	fd, err := unix.FcntlInt(ours.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		ours.Close()
		program.Close()
		return nil, fmt.Errorf("make a terminal: %w", err)
	}
	unix.SetNonblock(fd, true)
	unix.SetNonblock(int(ours.Fd()), true)
	p.stdin = &input{p: p, file: os.NewFile(uintptr(fd), "stdin")}
	p.stdout = p.readFrom(ours, "stdout", false)
	return program, nil
}
