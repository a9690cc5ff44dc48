package exec

import (
	"os"
	osexec "os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes puts the child into a process group of its own and has the kernel kill it
// when the bridge dies.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// reap waits for the child's end, kills the rest of its group while the id cannot be
// reused, and only then collects the child.
func reap(cmd *osexec.Cmd, g *group) error {
	for {
		err := unix.Waitid(unix.P_PID, g.id, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			break // an error is found again by Wait
		}
	}
	g.end()
	return cmd.Wait()
}

// unnamedFile is a file in memory that goes with its last user.
func unnamedFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("value", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "value"), nil
}
