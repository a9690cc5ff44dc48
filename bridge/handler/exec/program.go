package exec

import (
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"path/filepath"
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
		problems = append(problems, fmt.Errorf("exec: command cannot be run: %w", err))
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
