package script

import (
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// isolate lets a process that is started have a network of its own, with a loopback
// interface that no other process uses: a port there is free for its targets.
func isolate(attr *unix.SysProcAttr) {
	attr.Cloneflags |= unix.CLONE_NEWNET
	if os.Geteuid() != 0 { // it needs a right that users have in a namespace of theirs
		attr.Cloneflags |= unix.CLONE_NEWUSER
		attr.AmbientCaps = []uintptr{unix.CAP_NET_ADMIN} // to raise the interface, see there
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
	}
}

// CanIsolate returns why a command, which is tried, cannot be run with a network of its
// own, or nil.
func CanIsolate(command ...string) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.SysProcAttr = new(unix.SysProcAttr)
	isolate(cmd.SysProcAttr)
	return cmd.Run()
}

// raiseLoopback makes the loopback interface of a new network usable. What the right to do
// that is needed for is done then.
func raiseLoopback() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	lo, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	lo.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, lo); err != nil {
		return fmt.Errorf("raise the loopback interface: %w", err)
	}
	syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0)
	return nil
}
