package exec

import (
	"context"
	"errors"
	"fmt"
	"os"
	osuser "os/user"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// stranger is a user that no system knows.
const stranger = "54321:54322"

// asRoot skips what only root can try: nobody else may run processes as another user.
func asRoot(t *testing.T) {
	t.Helper()
	if err := maySwitch(); err != nil {
		t.Skip(err)
	}
}

// openDir is a directory that everybody can write to.
func openDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o755), os.Chmod(dir, 0o777)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRunsAsAnotherUser(t *testing.T) {
	t.Parallel()
	asRoot(t)
	nobody, err := osuser.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	known := nobody.HomeDir + " nobody nobody\nvalue"
	script := `{ id -u; id -g; id -G; echo "${HOME-none} ${USER-none} ${LOGNAME-none}"; cat /dev/stdin; } >"$1"`
	for user, want := range map[string]string{
		stranger:       "54321\n54322\n54322\nnone none none\nvalue",
		"nobody":       nobody.Uid + "\n" + nobody.Gid + "\n" + nobody.Gid + "\n" + known,
		nobody.Uid:     nobody.Uid + "\n" + nobody.Gid + "\n" + nobody.Gid + "\n" + known,
		"nobody:54322": nobody.Uid + "\n54322\n54322 " + nobody.Gid + "\n" + known,
	} {
		out := filepath.Join(openDir(t), "out")
		h, err := New(Config{Command: []string{"sh", "-c", script, "sh", out}, User: user})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Handle(context.Background(), &bridge.Job{Record: bridge.Record{Value: []byte("value")}}); err != nil {
			t.Fatalf("as %s: %v", user, err)
		}
		got, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Errorf("as %s (-want +got):\n%s", user, diff)
		}
	}
}

// A change of user makes the kernel forget a death signal that was set before it.
func TestChildOfAnotherUserDiesWithTheBridge(t *testing.T) {
	t.Parallel()
	asRoot(t)
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a death signal")
	}
	file := filepath.Join(openDir(t), "pid")
	parent := startBridge(t, `id -u >"$1.uid"; echo $$ >"$1"; exec sleep 600`, file, asBridgeUser+"="+stranger)
	pid := strings.TrimSpace(waitFile(t, file))
	if uid := strings.TrimSpace(waitFile(t, file+".uid")); uid != "54321" || !alive(pid) {
		t.Errorf("child %s of user %s, running %v", pid, uid, alive(pid))
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	waitGone(t, pid)
}

func TestUserThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for spec, want := range map[string]string{
		"no-such-user":     "there is no such user",
		"54321":            "write 54321:GID",
		"54321:staff":      `"staff" is not a gid`,
		"54321:":           `"" is not a gid`,
		"54321:4294967295": `"4294967295" is not a gid`,
		":1":               "there is no such user",
	} {
		if _, err := findUser(spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %s", spec, err, want)
		}
	}
}

// Whoever is not root is told so at the start, unless the user is the own one.
func TestOnlyRootSwitches(t *testing.T) {
	t.Parallel()
	own := fmt.Sprintf("%d:%d", os.Geteuid(), os.Getegid())
	u, err := findUser(own)
	if err != nil || u.credential() != nil {
		t.Errorf("the own user: %+v, error %v", u, err)
	}
	asRoot(t)
	const script = `EXEC_TEST_BRIDGE=true EXEC_TEST_USER=nobody "$1" 2>&1 | grep -q "only root can run processes as somebody else, and this is uid 54321"`
	self := filepath.Join(openDir(t), "self")
	binary, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(self, binary, 0o755); err != nil {
		t.Fatal(err)
	}
	h, err := New(Config{Command: []string{"sh", "-c", script, "sh", self}, User: stranger})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Handle(context.Background(), &bridge.Job{}); err != nil {
		t.Error(err)
	}
}
