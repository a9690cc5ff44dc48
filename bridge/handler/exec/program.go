package exec

import (
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// program is what a Config starts, looked up once, so that neither Dir nor a later change
// of the working directory changes what is run.
type program struct {
	Config // with its defaults
	path   string
	user   *user    // nil: as the bridge
	base   []string // environment that every process gets
}

// program looks c up and reports everything that cannot be used.
func (c Config) program() (*program, error) {
	p := &program{Config: c.withDefaults()}
	var problems []error
	var err error
	if p.path, err = lookPath(c.Command[0]); err != nil {
		problems = append(problems, fmt.Errorf("exec: command cannot be run: %w; %s", err, lookPathRemedy(c.Command[0])))
	}
	if err := usableDir(c.Dir); err != nil {
		problems = append(problems, fmt.Errorf("exec: dir cannot be used: %w", err))
	}
	if c.User != "" {
		if p.user, err = findUser(c.User); err != nil {
			problems = append(problems, fmt.Errorf("exec: user %s: %w", c.User, err))
		}
	}
	if len(problems) > 0 {
		return nil, errors.Join(problems...)
	}
	p.base = baseEnvironment(p.user.environment(os.Environ()), c.Env)
	return p, nil
}

func lookPath(name string) (string, error) {
	path, err := osexec.LookPath(name)
	if err != nil {
		return "", err
	}
	return filepath.Abs(path)
}

func lookPathRemedy(name string) string {
	switch {
	case strings.ContainsAny(name, " \t"):
		return "each argument is an item of its own behind the program, as there is no shell to part them"
	case strings.ContainsRune(name, filepath.Separator):
		return "correct the path, or make the file executable"
	}
	return "install it, or name its path"
}

func usableDir(dir string) error {
	if dir == "" {
		return nil
	}
	info, err := os.Stat(dir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is not a directory", dir)
	}
	return err
}

// command is a process of the program that is not started yet. env is added to what every
// process gets.
func (p *program) command(env []string) *osexec.Cmd {
	return &osexec.Cmd{
		Path:        p.path,
		Args:        p.Command,
		Dir:         p.Dir,
		Env:         append(p.base[:len(p.base):len(p.base)], env...),
		SysProcAttr: attributes(p.user.credential()),
	}
}

// unstartable is the error of a process that could not be started.
func (p *program) unstartable(err error) error {
	var about *os.PathError
	if errors.As(err, &about) && about.Path == p.path {
		err = about.Err // the path is said once
	}
	switch _, missing := os.Stat(p.path); {
	case errors.Is(err, syscall.ENOEXEC):
		err = fmt.Errorf("%w; a script begins with a line that names its interpreter, such as #!/bin/sh", err)
	case errors.Is(err, os.ErrPermission): // of the program or of Dir; the system does not tell
		err = fmt.Errorf("%w; whom it runs as has to be allowed to run it, and to enter the folder it is in and the one it is run in", err)
	case err == syscall.ENOENT && missing == nil:
		err = fmt.Errorf("%w; the file is there, but not the interpreter that it names", err)
	}
	return fmt.Errorf("start %s: %w", p.path, err)
}
