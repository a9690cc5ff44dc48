package exec

import (
	"bufio"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func waitFile(t *testing.T, name string) string {
	t.Helper()
	var text []byte
	eventually(t, func() bool {
		var err error
		text, err = os.ReadFile(name)
		return err == nil && len(text) > 0
	})
	return string(text)
}

func waitGone(t *testing.T, pid string) {
	t.Helper()
	eventually(t, func() bool { return !alive(pid) })
}

// alive reports whether a process exists and is more than a zombie.
func alive(pid string) bool {
	f, err := os.Open("/proc/" + pid + "/status")
	if err != nil {
		return false
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, 4096))
	for lines.Scan() {
		if state, ok := strings.CutPrefix(lines.Text(), "State:"); ok {
			return !strings.HasPrefix(strings.TrimSpace(state), "Z")
		}
	}
	return false
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v", patience)
		}
	}
}

func wait(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatalf("the job has not ended within %v", patience)
		return nil
	}
}
