package main

import (
	"context"
	"log/slog"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/admin"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

// serveAdmin answers the commands of other processes until stop is called. What
// is wrong with the socket is logged: it is no reason to leave jobs undone.
func serveAdmin(ctx context.Context, c *config.Config, b *bridge.Bridge, log *slog.Logger) (stop func()) {
	path := c.SocketPath()
	if path == "" {
		return func() {}
	}
	listener, err := admin.Listen(path, admin.ListenOptions{Group: c.Admin.Group})
	if err != nil {
		log.Error("commands cannot reach this bridge while it runs", "error", err)
		return func() {}
	}
	server, err := admin.NewServer(admin.Config{Inspector: b.Inspector(), Health: b.Health, ReadOnly: c.Admin.ReadOnly, Logger: log})
	if err != nil {
		log.Error("commands cannot reach this bridge while it runs", "error", err)
		listener.Close()
		return func() {}
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // also while the bridge stops
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := server.Serve(ctx, listener); err != nil {
			log.Error("commands cannot reach this bridge any more", "error", err)
		}
	}()
	log.Info("commands reach this bridge through its socket", "socket", path, "read_only", c.Admin.ReadOnly)
	return func() {
		cancel()
		<-ended
	}
}
