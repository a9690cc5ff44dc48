package exec

import (
	"errors"
	"fmt"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"time"
)

// defaultGrace is the time between SIGTERM and SIGKILL where Config.Grace is zero.
// It is below the time that a stopping bridge gives handlers to return.
const defaultGrace = 3 * time.Second

// Config says which process is started for a job.
type Config struct {
	// Command is the program and its arguments; there is no shell in between. A name
	// without a slash is looked up in PATH, a relative path starts at the bridge's
	// own working directory.
	Command []string
	// Dir is the working directory of the processes; empty: the bridge's own.
	Dir string
	// Env adds to the environment: NAME hands on the bridge's own variable of that
	// name, NAME=value sets one. Names in HOLDFAST_ are refused.
	Env []string
	// Grace is how long the process group may go on after SIGTERM before it is
	// killed; zero: 3 s.
	Grace time.Duration
}

// Validate reports everything that is wrong with c, without looking at the file system.
func (c Config) Validate() error {
	var problems []error
	if len(c.Command) == 0 || c.Command[0] == "" {
		problems = append(problems, errors.New("exec: command is empty: name the program to run"))
	}
	for _, arg := range c.Command {
		if strings.ContainsRune(arg, 0) {
			problems = append(problems, fmt.Errorf("exec: command argument %q contains a NUL byte", arg))
		}
	}
	for _, entry := range c.Env {
		if err := validateEntry(entry); err != nil {
			problems = append(problems, err)
		}
	}
	if c.Grace < 0 {
		problems = append(problems, fmt.Errorf("exec: grace %v is negative", c.Grace))
	}
	return errors.Join(problems...)
}

func validateEntry(entry string) error {
	name, _, _ := strings.Cut(entry, "=")
	switch {
	case name == "":
		return fmt.Errorf("exec: env entry %q has no name: write NAME or NAME=value", entry)
	case strings.ContainsRune(entry, 0):
		return fmt.Errorf("exec: env entry %q contains a NUL byte", name)
	case strings.HasPrefix(name, ownPrefix):
		return fmt.Errorf("exec: env entry %s: names in %s are holdfast's own and never handed on", name, ownPrefix)
	}
	return nil
}

// program resolves the command to an absolute path, so that neither Dir nor a later
// change of the working directory changes what is run.
func (c Config) program() (string, error) {
	path, err := osexec.LookPath(c.Command[0])
	if err != nil {
		return "", fmt.Errorf("exec: command cannot be run: %w", err)
	}
	return filepath.Abs(path)
}

func (c Config) grace() time.Duration {
	if c.Grace == 0 {
		return defaultGrace
	}
	return c.Grace
}
