package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"syscall"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/admin"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/ptytest"
)

// holdfast is the command line in a process of its own.
func holdfast(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("holdfast") // this test, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	return exec.Command(path, args...)
}

// startTop runs top on a terminal of its own.
func startTop(t testing.TB, dir string) (*ptytest.Terminal, *exec.Cmd) {
	t.Helper()
	screen := ptytest.New(t, 80, 24)
	tty, err := os.OpenFile(screen.Path, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close() // the child has its own
	cmd := holdfast(t, "top", "--data-dir", dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return screen, cmd
}

// listenTo lets commands ask a bridge, as run does, once serve is called.
func listenTo(t testing.TB, bridged *bridge.Bridge, dir string) (serve func(context.Context) error) {
	t.Helper()
	server, err := admin.NewServer(admin.Config{Inspector: bridged.Inspector()})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := admin.Listen(admin.SocketPath(dir), admin.ListenOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return func(ctx context.Context) error { return server.Serve(ctx, listener) }
}

// The full screen is about the bridge that runs on the directory, from the table
// of its partitions to what a stuck job is explained by, and goes when told to.
func TestTop(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1), bridgetest.Records("orders", bridgetest.Record{Key: []byte("cust-17")}, bridgetest.Record{Key: []byte("cust-17")}))
	dir := t.TempDir()
	bridged, err := bridge.New(bridge.Config{
		Brokers: broker.Addrs(), Group: "billing", DataDir: dir, StopWithin: -1, InstanceID: bridge.Dynamic, Logger: slog.New(slog.DiscardHandler),
		Topics: []bridge.Topic{{Name: "orders", Handler: bridge.HandlerFunc(func(context.Context, *bridge.Job) error {
			return bridge.Bury(errors.New("account locked"))
		})}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- bridged.Run(ctx) }()
	defer func() {
		cancel()
		if err := errors.Join(<-ended, <-ended); err != nil {
			t.Error(err)
		}
	}()
	<-bridged.Ready()
	serve := listenTo(t, bridged, dir)
	go func() { ended <- serve(ctx) }()

	screen, cmd := startTop(t, dir)
	screen.Await(t, 0, "1 halted, 1 blocked")
	mark := len(screen.Text())
	screen.Press(t, "2")
	screen.Await(t, mark, "orders/0@0*")
	screen.Press(t, "\r")
	screen.Await(t, mark, "explain orders/0@0")
	screen.Await(t, mark, "holdfast retry --topic orders --partition 0 --offset 0")
	screen.Press(t, "q")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	screen.Await(t, mark, "\x1b[?1049l") // the shell's screen is back
}
