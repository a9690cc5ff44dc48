package main

import (
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// watchdog tells the service manager that the bridge lives, as long as it does:
// the manager ends and restarts a process that it does not hear of.
type watchdog struct {
	ticker *time.Ticker // nil: it does not ask
	health func() inspect.Health
	log    *slog.Logger
	mute   bool // it was told nothing at the last tick
}

// feeds is how often the service manager is told within the time that it sets:
// one that comes late, or finds a part about to step, does not end the process.
const feeds = 4

func newWatchdog(health func() inspect.Health, log *slog.Logger) *watchdog {
	w := &watchdog{health: health, log: log}
	within, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("the service manager's watchdog is not understood, and not fed", "error", err)
	}
	if within > 0 {
		w.ticker = time.NewTicker(max(within/feeds, time.Millisecond))
	}
	return w
}

// ticks is when to feed it; nil: never.
func (w *watchdog) ticks() <-chan time.Time {
	if w.ticker == nil {
		return nil
	}
	return w.ticker.C
}

func (w *watchdog) stop() {
	if w.ticker != nil {
		w.ticker.Stop()
	}
}

// feed tells the service manager, unless something stands still.
func (w *watchdog) feed() {
	h := w.health()
	if h.Alive {
		tellSystemd(w.log, daemon.SdNotifyWatchdog)
	} else if !w.mute {
		w.log.Error("something stands still: the service manager's watchdog is not fed, and will end the process", "problems", h.Problems)
	}
	w.mute = !h.Alive
}
