package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/net/netutil"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/metrics"
)

// monitor serves the metrics and probes of a bridge. A nil one serves nothing.
type monitor struct {
	listener  net.Listener
	collector *metrics.Collector
	log       *slog.Logger
	server    *http.Server
	served    chan struct{} // closed when the server has ended
}

// newMonitor takes the address; empty: there is no monitor. An address that
// cannot be had is logged: it is no reason to leave jobs undone.
func newMonitor(address string, log *slog.Logger) *monitor {
	if address == "" {
		return nil
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Error("metrics and probes cannot be read; choose an address for metrics.listen that no other process has, or none", "error", err)
		return nil
	}
	return &monitor{
		listener: netutil.LimitListener(listener, maxMonitorConnections), collector: metrics.New(), log: log, served: make(chan struct{}),
	}
}

// What a reader may take up. It sends no body, and a scrape takes milliseconds.
const (
	maxMonitorConnections = 32
	maxMonitorHeader      = 8 << 10
	monitorReadWithin     = 5 * time.Second
	monitorWriteWithin    = 20 * time.Second
	monitorIdle           = 2 * time.Minute
)

// observe makes a bridge of these settings tell the monitor what it does.
func (m *monitor) observe(settings *bridge.Config) {
	if m == nil {
		return
	}
	settings.Hooks = bridge.JoinHooks(settings.Hooks, m.collector.Hooks())
	settings.Sarama = m.collector.Sarama(settings.Sarama)
}

// watch begins to serve what b does.
func (m *monitor) watch(b *bridge.Bridge) error {
	if m == nil {
		return nil
	}
	m.collector.Watch(b)
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		m.collector, buildInfo(), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
	}
	m.serve(metrics.Handler(registry, b.Health))
	m.log.Info("metrics and probes can be read", "address", m.listener.Addr().String())
	return nil
}

func (m *monitor) serve(handler http.Handler) {
	m.server = &http.Server{
		Handler:     handler,
		ReadTimeout: monitorReadWithin, WriteTimeout: monitorWriteWithin, IdleTimeout: monitorIdle,
		MaxHeaderBytes: maxMonitorHeader,
		ErrorLog:       slog.NewLogLogger(m.log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(m.served)
		if err := m.server.Serve(m.listener); !errors.Is(err, http.ErrServerClosed) {
			m.log.Error("metrics and probes cannot be read any more", "error", err)
		}
	}()
}

// close ends the server. It serves until the bridge has ended, so that a stop
// can be watched.
func (m *monitor) close() {
	switch {
	case m == nil:
	case m.server == nil:
		_ = m.listener.Close()
	default:
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if m.server.Shutdown(ctx) != nil {
			_ = m.server.Close()
		}
		<-m.served
	}
}

// buildInfo names the version in the metrics.
func buildInfo() prometheus.Collector {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "holdfast_build_info", Help: "1; the label says which version of the binary runs.",
		ConstLabels: prometheus.Labels{"version": buildVersion()},
	})
	info.Set(1)
	return info
}
