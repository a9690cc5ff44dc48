package exec

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"
)

const (
	// cancelGrace bounds Config.Grace for a run whose job's context has ended. A bridge
	// that stops, or whose partition is revoked, waits 5 s for handlers to return, and
	// a killed process may need another one. Beyond that the next owner starts the job.
	cancelGrace = 3 * time.Second
	// defaultGrace is the time between SIGTERM and SIGKILL where Config.Grace is zero.
	defaultGrace = cancelGrace

	// defaultOutputLimit leaves room for the rest of an error in the 4 KiB that the
	// store keeps of one.
	defaultOutputLimit = 3 << 10
	maxOutputLimit     = 1 << 20
)

// Config says which processes are started, and how.
type Config struct {
	// Command is the program and its arguments; there is no shell in between. A name
	// without a slash is looked up in PATH, a relative path starts at the bridge's
	// own working directory.
	Command []string
	// Dir is the working directory of the processes; empty: the bridge's own.
	Dir string
	// User is whom the processes run as, with the groups of that user: a name or a
	// uid, and a gid behind a colon where the user's own is not meant; empty: as the
	// bridge does. Only root can run processes as somebody else.
	User string
	// Env adds to the environment: NAME hands on the bridge's own variable of that
	// name, NAME=value sets one. Names in HOLDFAST_ are refused.
	Env []string
	// Timeout is how long a job may take; zero: as long as it likes. A job that
	// takes longer is told to end, as one whose context ends, and runs again.
	Timeout time.Duration
	// Grace is how long a process may go on once it was told to end before it is
	// killed; zero: 3 s. It counts in full after Timeout. Once the job's context has
	// ended, 3 s are the most: a bridge does not wait longer for what it has cancelled.
	Grace time.Duration
	// OutputLimit is how many bytes of a process's output are kept for the error of
	// its job; zero: 3 KiB. The rest is read and dropped. The store keeps 4 KiB of an
	// error; hooks see it whole.
	OutputLimit int
}

// Validate reports everything that is wrong with c, without looking at files and users.
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
	if c.Timeout < 0 {
		problems = append(problems, fmt.Errorf("exec: timeout %v is negative", c.Timeout))
	}
	if c.Grace < 0 {
		problems = append(problems, fmt.Errorf("exec: grace %v is negative", c.Grace))
	}
	if c.OutputLimit < 0 || c.OutputLimit > maxOutputLimit {
		problems = append(problems, fmt.Errorf("exec: output limit %d is not within 1 and %d bytes", c.OutputLimit, maxOutputLimit))
	}
	return errors.Join(problems...)
}

func validateEntry(entry string) error {
	name, _, _ := strings.Cut(entry, "=")
	switch {
	case name == "":
		return errors.New("exec: an env entry has no name: write NAME or NAME=value") // and is not shown: the rest may be a secret
	case strings.ContainsRune(entry, 0):
		return fmt.Errorf("exec: env entry %q contains a NUL byte", name)
	case strings.HasPrefix(name, ownPrefix):
		return fmt.Errorf("exec: env entry %s: names in %s are holdfast's own and never handed on", name, ownPrefix)
	}
	return nil
}

func (c Config) withDefaults() Config {
	c.Grace = cmp.Or(c.Grace, defaultGrace)
	c.OutputLimit = cmp.Or(c.OutputLimit, defaultOutputLimit)
	return c
}
