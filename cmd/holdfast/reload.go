package main

import (
	"log/slog"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

// reloader makes a running bridge go by what the configuration file says now.
type reloader struct {
	load   func() (*config.Config, error)
	bridge *bridge.Bridge
	out    outlets
	began  *config.Config // as the process was started with
	now    *config.Config // of it, with what was changed since
}

// reload reads the file again. A bad one changes nothing.
func (r *reloader) reload() {
	next, err := r.load()
	if err != nil {
		r.out.log.Error("the configuration is refused; nothing was changed", "error", err)
		return
	}
	settings, err := next.Bridge(slog.New(slog.DiscardHandler), r.out.jobs)
	if err == nil {
		_, err = r.bridge.Apply(settings)
		err = next.Refused(err)
		_ = closeHandlers(settings.Topics) // they have started nothing: the bridge keeps those that it has
	}
	if err != nil {
		r.out.log.Error("the configuration is refused; nothing was changed", "error", err)
		return
	}
	r.out.level.Set(next.Log.Slog())
	changed, left := r.now.Changes(next).Live, r.began.Changes(next).Restart
	r.now = next
	r.out.log.Info("the configuration was read again", "changed", changed)
	if len(left) > 0 {
		r.out.log.Warn("what else differs is as before until the next start", "keys", left)
	}
}

// tellReloading tells the service manager that a reload begins; ready says that
// it has ended.
func tellReloading(log *slog.Logger) {
	tellSystemd(log, daemon.SdNotifyReloading+"\n"+daemon.SdNotifyMonotonicUsec())
}
