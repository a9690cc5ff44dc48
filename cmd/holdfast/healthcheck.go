package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
			resultFlag()),
		Action: w.checkHealth,
	}
}

// errNotHealthy means that the bridge does not go on.
var errNotHealthy = errors.New("not healthy")

func (w *world) checkHealth(c *cli.Context) error {
	format, err := output(c)
	if err != nil {
		return err
	}
	if limit := c.Duration("timeout"); limit <= 0 {
		return usagef("--timeout is %s; it is above zero", limit)
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
	well := h.Alive && (h.Ready || !c.Bool("ready"))
	err = w.result(format, h, func(out io.Writer) error {
		if !well {
			return nil // the error says it
		}
		_, err := fmt.Fprintf(out, "ok: %s\n", h.State)
		return err
	})
	if !well {
		return errors.Join(err, fmt.Errorf("%w: %s", errNotHealthy, strings.Join(h.Problems, "; ")))
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
