package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/admin"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

func (w *world) healthcheck() *cli.Command {
	return &cli.Command{
		Name:  "healthcheck",
		Usage: "tell by the exit code whether the bridge goes on",
		Description: "Asks the running bridge over its socket: 0 = it goes on, 1 = it does not, or none listens. What must never stand still are the committer, the\n" +
			"scheduler, the leases and the group's heartbeat; a job that runs for hours is healthy. Use it where /livez cannot be asked, as in a container.\n\n" +
			"holdfast healthcheck --config holdfast.yaml",
		Flags: append(bridgeFlags(),
			&cli.BoolFlag{Name: "ready", Usage: "ask as /readyz does: it also runs, and its group counts on it"},
			&cli.DurationFlag{Name: "timeout", Usage: "`DURATION` for the answer", Value: 10 * time.Second},
			&cli.StringFlag{Name: "output", Usage: "`FORMAT`: text, or json with every part", Value: "text"}),
		Action: w.checkHealth,
	}
}

// errNotHealthy means that the bridge does not go on.
var errNotHealthy = errors.New("not healthy")

func (w *world) checkHealth(c *cli.Context) error {
	format := c.String("output")
	if format != "text" && format != "json" {
		return usagef("--output is %q; use text or json", format)
	}
	at, err := w.located(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(c.Context, c.Duration("timeout"), fmt.Errorf("%w: no answer within %s", errNotHealthy, c.Duration("timeout")))
	defer cancel()
	h, err := healthAt(ctx, at.SocketPath())
	if err != nil {
		return err
	}
	if format == "json" {
		err = json.NewEncoder(w.stdout).Encode(h)
	}
	if well := h.Alive && (h.Ready || !c.Bool("ready")); !well {
		return errors.Join(err, fmt.Errorf("%w: %s", errNotHealthy, strings.Join(h.Problems, "; ")))
	}
	if format == "text" {
		_, err = fmt.Fprintf(w.stdout, "ok: %s\n", h.State)
	}
	return err
}

func healthAt(ctx context.Context, socket string) (inspect.Health, error) {
	if socket == "" {
		return inspect.Health{}, fmt.Errorf("%w: admin.socket is none; ask /livez on the address of metrics.listen", errNoBridge)
	}
	client, err := admin.Dial(ctx, socket)
	if err != nil {
		return inspect.Health{}, err
	}
	defer client.Close()
	return client.Health(ctx)
}
