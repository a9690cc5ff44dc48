//go:build unix && !linux

package exec

import (
	"os"
	osexec "os/exec"
	"syscall"
)

// attributes puts the child into a process group of its own. There is no death signal
// here: children outlive a bridge that was killed.
func attributes(credential *syscall.Credential) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: credential}
}

// missingCapability is nil: root may do everything.
func missingCapability() error { return nil }

// reap collects the child and kills the rest of its group.
func reap(cmd *osexec.Cmd, g *group) error {
	err := cmd.Wait()
	g.end()
	return err
}

// unnamedFile is a temporary file that goes with its last user.
func unnamedFile() (*os.File, error) {
	file, err := os.CreateTemp("", "holdfast-value-")
	if err != nil {
		return nil, err
	}
	return file, os.Remove(file.Name())
}
