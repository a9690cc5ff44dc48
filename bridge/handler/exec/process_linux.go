package exec

import (
	"fmt"
	"os"
	osexec "os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes puts the child into a process group of its own and has the kernel kill it
// when the bridge dies. The credential is taken on before the death signal is asked for:
// a change of user would forget it.
func attributes(credential *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Credential: credential}
}

// missingCapability says what root lacks here to run and end the processes of others, as
// it may in a container. The death signal, too, needs the right to kill.
func missingCapability() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return os.NewSyscallError("capget", err)
	}
	for _, needed := range []struct {
		bit  int
		name string
	}{{unix.CAP_SETUID, "CAP_SETUID"}, {unix.CAP_SETGID, "CAP_SETGID"}, {unix.CAP_KILL, "CAP_KILL"}} {
		if sets[0].Effective&(1<<needed.bit) == 0 {
			return fmt.Errorf("running processes as somebody else needs the capability %s, which was taken from this process; allow it", needed.name)
		}
	}
	return nil
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
