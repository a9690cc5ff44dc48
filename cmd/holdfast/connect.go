package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/admin"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// configFile is the configuration that is found in the current directory.
const configFile = "holdfast.yaml"

// bridgeFlags say which bridge, or store, a command is about.
func bridgeFlags() []cli.Flag {
	return []cli.Flag{
		configFlag(),
		&cli.StringFlag{Name: "data-dir", Usage: "`DIR` of the store; without it the one of --config, or of " + configFile + " in the current directory, or that directory"},
	}
}

// located is the configuration that bridgeFlags lead to. It has a data
// directory, and need not be good enough for a bridge.
func (w *world) located(c *cli.Context) (*config.Config, error) {
	in, err := w.settings(c)
	if err != nil {
		return nil, err
	}
	// Other flags of these names are not about the configuration, as those of set.
	in.Flags = slices.DeleteFunc(in.Flags, func(f config.Flag) bool { return f.Key != "data_dir" })
	if in.File == "" && c.String("data-dir") == "" && w.variable(config.Variable("data_dir")) == "" {
		switch {
		case exists(filepath.Join(in.Dir, configFile)):
			in.File = configFile
		case exists(filepath.Join(in.Dir, queue.FileName)):
			in.Flags = append(in.Flags, config.Flag{Name: "--data-dir", Key: "data_dir", Value: in.Dir})
		default:
			return nil, usagef("--data-dir or --config is missing; it names the store, and the current directory holds neither %s nor %s", configFile, queue.FileName)
		}
	}
	return config.LoadStore(in)
}

// lanesOf tells the lanes of the topics that are configured; nil: they are not,
// or not well enough for a bridge.
func lanesOf(at *config.Config) func(topic string, key, name []byte) (queue.Lane, bool) {
	nowhere := slog.New(slog.DiscardHandler)
	settings, err := at.Bridge(nowhere, nowhere)
	if err != nil {
		return nil
	}
	laneOf, err := bridge.LaneOf(settings)
	if err != nil {
		return nil
	}
	return laneOf
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// storeDir is the directory that bridgeFlags lead to, with a store in it.
func (w *world) storeDir(c *cli.Context) (string, error) {
	at, err := w.located(c)
	if err != nil {
		return "", err
	}
	dir := at.DataDir
	if given := c.String("data-dir"); given != "" {
		dir = given // as it was typed
	}
	return dir, holdsStore(dir)
}

func holdsStore(dir string) error {
	if _, err := os.Stat(filepath.Join(dir, queue.FileName)); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %s holds no store; check --data-dir", errNothingMatched, dir)
	} else if err != nil {
		return fmt.Errorf("look for the store: %w", err)
	}
	return nil
}

// connection is a bridge that runs, or the store of one that does not.
type connection struct {
	inspect.Inspector
	target target
	live   bool
	width  int       // of the terminal that tables are written to; 0: it is none
	since  time.Time // when it was made: an offline store does not change behind it
	close  func() error
}

// header is the line above what is shown of a bridge that does not run.
func (n *connection) header() string {
	if n.live {
		return ""
	}
	return "offline, as of " + n.since.UTC().Format(time.RFC3339) + "\n"
}

// errNoBridge means that no bridge listens.
var errNoBridge = errors.New("no bridge listens")

// connectPatience is how long a command waits for another one to give the
// directory back, or for a bridge that is starting or stopping.
const connectPatience = 5 * time.Second

// connect reaches the bridge where one runs, and opens its store where none does.
func (w *world) connect(ctx context.Context, at *config.Config) (*connection, error) {
	for deadline := time.Now().Add(connectPatience); ; {
		n, err := w.dial(ctx, at)
		if errors.Is(err, errNoBridge) {
			n, err = w.open(ctx, at)
		}
		busy := errors.Is(err, recovery.ErrInUse) || errors.Is(err, inspect.ErrNotRunning)
		if !busy || time.Now().After(deadline) {
			return n, err
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// dial reaches a bridge that runs, or says errNoBridge.
func (w *world) dial(ctx context.Context, at *config.Config) (*connection, error) {
	socket := at.SocketPath()
	if socket == "" {
		return nil, errNoBridge
	}
	client, err := admin.Dial(ctx, socket)
	switch {
	case errors.Is(err, inspect.ErrNotRunning):
		return nil, errNoBridge
	case err != nil:
		return nil, err
	}
	if _, err := client.Pauses(ctx); err != nil { // its store is not open yet, or not any more
		return nil, errors.Join(err, client.Close())
	}
	return &connection{Inspector: client, live: true, since: time.Now(), close: client.Close}, nil
}

// open opens the store of a bridge that does not run, with its Kafka where the
// configuration is good enough for a bridge.
func (w *world) open(ctx context.Context, at *config.Config) (*connection, error) {
	if err := holdsStore(at.DataDir); err != nil {
		return nil, err
	}
	log := slog.New(newHandler(w.stderr, config.Log{}, slog.LevelWarn, true))
	settings, err := at.Bridge(slog.New(slog.DiscardHandler), slog.New(slog.DiscardHandler))
	if err != nil {
		offline, err := inspect.Open(ctx, at.DataDir, inspect.Options{Logger: log, LaneOf: lanesOf(at), Verify: w.verifyInChild(log)})
		if err != nil {
			return nil, err
		}
		return &connection{Inspector: offline, since: time.Now(), close: offline.Close}, nil
	}
	settings.Logger, settings.Verify = log, w.verifyInChild(log)
	stopped, err := bridge.Inspect(ctx, settings)
	if err != nil {
		return nil, errors.Join(err, closeHandlers(settings.Topics))
	}
	closes := func() error { return errors.Join(stopped.Close(), closeHandlers(settings.Topics)) }
	return &connection{Inspector: stopped, since: time.Now(), close: closes}, nil
}

// with does something with the bridge that the flags lead to.
func (w *world) with(c *cli.Context, do func(context.Context, *connection) error) error {
	at, err := w.located(c)
	if err != nil {
		return err
	}
	ctx, stop := w.untilSignal(c.Context)
	defer stop()
	n, err := w.connect(ctx, at)
	if err != nil {
		return err
	}
	n.target = targetOf(c)
	err = do(inspect.As(ctx, admin.ThisUser()), n)
	return errors.Join(err, n.close())
}
