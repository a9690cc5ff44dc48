package main

import (
	"bytes"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// TestTheWatchdogIsFedWhileTheBridgeLives: not while something stands still,
// which the log says once.
func TestTheWatchdogIsFedWhileTheBridgeLives(t *testing.T) {
	address := &net.UnixAddr{Name: filepath.Join(t.TempDir(), "socket"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", address.Name)
	t.Setenv("WATCHDOG_USEC", "60000000")
	var log bytes.Buffer
	h := inspect.Health{Alive: true}
	dog := newWatchdog(func() inspect.Health { return h }, slog.New(slog.NewTextHandler(&log, nil)))
	defer dog.stop()
	if dog.ticks() == nil {
		t.Error("nothing tells when to feed it")
	}
	told := func() string {
		buf := make([]byte, 100)
		_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)) // a datagram is there at once
		n, err := conn.Read(buf)
		if err != nil {
			return ""
		}
		return string(buf[:n])
	}
	dog.feed()
	if got := told(); got != "WATCHDOG=1" {
		t.Errorf("told %q", got)
	}
	h = inspect.Health{Problems: []string{"the committer stands still for 130 s"}}
	dog.feed()
	dog.feed()
	if got := told(); got != "" {
		t.Errorf("told %q while the committer stands still", got)
	}
	if n := strings.Count(log.String(), "the committer stands still"); n != 1 {
		t.Errorf("the log says so %d times:\n%s", n, log.String())
	}
}

func TestWithoutAServiceManagerNothingIsFed(t *testing.T) {
	t.Setenv("WATCHDOG_USEC", "")
	dog := newWatchdog(nil, slog.New(slog.DiscardHandler))
	dog.stop()
	if dog.ticks() != nil {
		t.Error("a watchdog is fed that nobody asked for")
	}
}
