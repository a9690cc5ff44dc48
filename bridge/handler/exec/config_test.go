package exec

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
)

func TestCommandThatCannotBeRun(t *testing.T) {
	t.Parallel()
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for command, remedy := range map[string]string{
		"/no/such/program":         "; correct the path, or make the file executable",
		plain:                      "; correct the path, or make the file executable",
		"no-such-program-anywhere": "; install it, or name its path",
		"./charge.sh --all":        "; each argument is an item of its own behind the program, as there is no shell to part them",
	} {
		_, err := New(Config{Command: []string{command}})
		if err == nil || !strings.Contains(err.Error(), command) || !strings.HasSuffix(err.Error(), remedy) {
			t.Errorf("%s: error %v", command, err)
		}
	}
}

// What is only found by starting it is no less clear.
func TestScriptThatCannotBeStarted(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "script")
	for _, tt := range []struct {
		first string
		mode  os.FileMode
		want  string
	}{
		{"echo done", 0o700, "exec format error; a script begins with a line that names its interpreter, such as #!/bin/sh"},
		{"#!/no/such/sh", 0o700, "no such file or directory; the file is there, but not the interpreter that it names"},
		{"#!/bin/sh", 0o600, "permission denied; whom it runs as has to be allowed to run it, and to enter the folder it is in and the one it is run in"},
	} {
		writeScript(t, script, tt.first+"\n")
		h, err := New(Config{Command: []string{script}})
		if err = errors.Join(err, os.Chmod(script, tt.mode)); err != nil {
			t.Fatal(err)
		}
		if err := h.Handle(context.Background(), &bridge.Job{}); err == nil || err.Error() != "start "+script+": "+tt.want {
			t.Errorf("%s: error %v", tt.first, err)
		}
	}
}

// writeScript writes a program. No process is started meanwhile: until it has become
// another program it would hold the file open for writing, which then cannot be run.
func writeScript(t *testing.T, path, text string) {
	t.Helper()
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := errors.Join(os.WriteFile(path, []byte(text), 0o700), os.Chmod(path, 0o700)); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsMissingIsAllReported(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Command: []string{"/no/such/program"}, Dir: "/no/such/dir", User: "no-such-user"})
	for _, part := range []string{"/no/such/program", "dir cannot be used: stat /no/such/dir", "user no-such-user: there is no such user"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
	if _, err := New(Config{Command: []string{"sh"}, Dir: "/dev/null"}); err == nil || !strings.Contains(err.Error(), "is not a directory") {
		t.Errorf("a file as dir: %v", err)
	}
}

func TestConfigReportsAllProblems(t *testing.T) {
	t.Parallel()
	bad := Config{Env: []string{"=s3cret", "HOLDFAST_CONFIG=s3cret", "A=s3cret\x00"}, Grace: -1, Timeout: -1, OutputLimit: -1}
	err := bad.Validate()
	for _, part := range []string{"command is empty", "an env entry has no name", "HOLDFAST_CONFIG", "NUL", "grace", "timeout", "output limit"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
	if strings.Contains(fmt.Sprint(err), "s3cret") {
		t.Errorf("a value of the environment is in: %v", err)
	}
	if err := (Config{Command: []string{"a\x00b"}}).Validate(); err == nil {
		t.Error("a NUL byte in an argument is accepted")
	}
}

func TestRelativeCommandDoesNotFollowDir(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("job.sh", []byte("#!/bin/sh\npwd >here\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	h, err := New(Config{Command: []string{"./job.sh"}, Dir: work})
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := h.Handle(context.Background(), &bridge.Job{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(work, "here")); err != nil {
		t.Errorf("the child did not run in Dir: %v", err)
	}
}

func TestStreamConfigReportsAllProblems(t *testing.T) {
	t.Parallel()
	_, err := NewStream(StreamConfig{InFlight: -1, Processes: -1, Config: Config{Grace: -1}})
	for _, part := range []string{"command is empty", "grace", "in flight", "processes"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
	for _, c := range []StreamConfig{{InFlight: maxPlaces + 1}, {InFlight: 1000, Processes: 1000}, {Processes: 1 << 40}} {
		c.Command = []string{"sh"}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "more than 100000") {
			t.Errorf("%d in %d: %v", c.InFlight, c.Processes, err)
		}
	}
}
