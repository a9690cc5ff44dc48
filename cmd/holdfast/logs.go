package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/repeats"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/screen"
)

// newHandler logs to out, which shows lines to a person or not.
func newHandler(out io.Writer, c config.Log, level slog.Leveler, person bool) slog.Handler {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: byName}
	if c.JSON(person) {
		return slog.NewJSONHandler(out, options)
	}
	return slog.NewTextHandler(out, options)
}

// byName logs what has a name by it: as JSON a job would otherwise show all its
// fields, and with them its payload.
func byName(_ []string, a slog.Attr) slog.Attr {
	if named, ok := a.Value.Any().(fmt.Stringer); ok && a.Value.Kind() == slog.KindAny {
		return slog.String(a.Key, named.String())
	}
	return a
}

// outlets are where a running bridge writes: logs to stderr and what the log
// handler prints to stdout, both around the status line if there is one.
type outlets struct {
	log, jobs *slog.Logger
	level     *slog.LevelVar   // of log
	repeats   *repeats.Handler // of log
	status    *screen.Screen   // nil: stderr is no terminal
}

func (w *world) outlets(c config.Log) outlets {
	var (
		stderr, stdout = w.stderr, w.stdout
		o              outlets
	)
	if terminal(w.stderr) {
		o.status = screen.New(w.stderr, columns(w.stderr))
		stderr = o.status
		if terminal(w.stdout) {
			stdout = o.status.Beside(w.stdout)
		}
	}
	o.level = new(slog.LevelVar)
	o.level.Set(c.Slog())
	o.repeats = repeats.New(newHandler(stderr, c, o.level, terminal(w.stderr)), repeats.Options{})
	o.log = slog.New(o.repeats)
	o.jobs = slog.New(newHandler(stdout, c, slog.LevelInfo, terminal(w.stdout))) // whoever has jobs printed wants to see them
	return o
}

// kafkaLog writes what the Kafka client says of itself, for who debugs.
type kafkaLog struct{ log *slog.Logger }

func (k kafkaLog) Print(v ...any)                 { k.log.Debug("kafka: " + strings.TrimSpace(fmt.Sprint(v...))) }
func (k kafkaLog) Printf(format string, v ...any) { k.Print(fmt.Sprintf(format, v...)) }
func (k kafkaLog) Println(v ...any)               { k.Print(fmt.Sprintln(v...)) }

// columns asks a terminal for its width.
func columns(stream any) func() int {
	return func() int {
		f, ok := stream.(*os.File)
		if !ok {
			return 0
		}
		width, _, err := term.GetSize(int(f.Fd()))
		if err != nil {
			return 0
		}
		return width
	}
}
