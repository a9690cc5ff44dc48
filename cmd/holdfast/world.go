package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/IBM/sarama"
	"golang.org/x/term"
)

// world is the process around a command.
type world struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string                // NAME=value
	signals        func() <-chan os.Signal // starts to catch SIGINT and SIGTERM
	reloads        func() <-chan os.Signal // starts to catch SIGHUP
	logKafka       func(sarama.StdLogger)  // sets the log of the Kafka client, which is one for the whole process
}

func thisProcess() *world {
	return &world{
		stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr,
		environ: os.Environ(),
		signals: func() <-chan os.Signal {
			caught := make(chan os.Signal, 1)
			signal.Notify(caught, syscall.SIGINT, syscall.SIGTERM)
			return caught
		},
		reloads: func() <-chan os.Signal {
			caught := make(chan os.Signal, 1)
			signal.Notify(caught, syscall.SIGHUP)
			return caught
		},
		logKafka: func(sarama.StdLogger) {},
	}
}

// main runs the command line and returns the exit code.
func (w *world) main(ctx context.Context, args []string) int {
	err := w.app().RunContext(ctx, args)
	return int(w.report(err))
}

// variable is an environment variable; empty: not set.
func (w *world) variable(name string) string {
	value := ""
	for _, entry := range w.environ {
		if v, ok := strings.CutPrefix(entry, name+"="); ok {
			value = v
		}
	}
	return value
}

// untilSignal is a context that the first signal ends. The goroutine behind it
// ends with ctx, or when stop is called.
func (w *world) untilSignal(ctx context.Context) (_ context.Context, stop context.CancelFunc) {
	ctx, stop = context.WithCancel(ctx)
	signals := w.signals()
	go func() {
		select {
		case <-signals:
			stop()
		case <-ctx.Done():
		}
	}()
	return ctx, stop
}

// terminal tells whether stream is one.
func terminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
