package repeats

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Options bound what is written of one kind. The zero value is useful.
type Options struct {
	Every time.Duration // zero: 10 s
	Lines int           // in each interval; zero: 10
}

// maxKinds bounds the memory; a kind beyond it is written as it comes.
const maxKinds = 1000

// Handler writes to another one. It is safe for concurrent use.
type Handler struct {
	next   slog.Handler
	shared *counts
	of     kind // what With has said of the records
}

// kind is what makes records the same.
type kind struct {
	level            slog.Level
	message          string
	topic, partition string
}

type counts struct {
	opt Options

	mu    sync.Mutex
	kinds map[kind]*count // guarded by mu
}

// count is of one kind, guarded by counts.mu.
type count struct {
	began   time.Time
	written int
	unsaid  int
	next    slog.Handler // of the last record that was not written
}

// New writes to next.
func New(next slog.Handler, opt Options) *Handler {
	if opt.Every <= 0 {
		opt.Every = 10 * time.Second
	}
	if opt.Lines <= 0 {
		opt.Lines = 10
	}
	return &Handler{next: next, shared: &counts{opt: opt, kinds: make(map[kind]*count)}}
}

// Enabled asks the next handler.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle writes the record or counts it.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	if r.Level < slog.LevelWarn {
		return h.next.Handle(ctx, r)
	}
	k := h.of
	k.level, k.message = r.Level, r.Message
	r.Attrs(func(a slog.Attr) bool {
		k.add(a)
		return true
	})
	write, unsaid := h.shared.admit(k, r.Time, h.next)
	if !write {
		return nil
	}
	if unsaid > 0 {
		r.AddAttrs(slog.Int(notShown, unsaid))
	}
	return h.next.Handle(ctx, r)
}

// notShown is how many records of its kind came before this one and were not
// written.
const notShown = "not_shown_before"

func (k *kind) add(a slog.Attr) {
	switch a.Key {
	case "topic":
		k.topic = a.Value.String()
	case "partition":
		k.partition = a.Value.String()
	}
}

// WithAttrs keeps counting together with h.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	with := *h
	with.next = h.next.WithAttrs(attrs)
	for _, a := range attrs {
		with.of.add(a)
	}
	return &with
}

// WithGroup keeps counting together with h.
func (h *Handler) WithGroup(name string) slog.Handler {
	with := *h
	with.next = h.next.WithGroup(name)
	return &with
}

// admit tells whether a record may be written, and how many were not before it.
func (c *counts) admit(k kind, now time.Time, next slog.Handler) (write bool, unsaid int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.kinds[k]
	if of == nil {
		if len(c.kinds) >= maxKinds {
			return true, 0
		}
		of = &count{began: now}
		c.kinds[k] = of
	}
	if now.Sub(of.began) >= c.opt.Every {
		unsaid = of.unsaid
		*of = count{began: now}
	}
	if of.written == c.opt.Lines {
		of.unsaid++
		of.next = next
		return false, 0
	}
	of.written++
	return true, unsaid
}

// Flush says what was counted and not written in intervals that are over; with
// the zero time, in all.
func (h *Handler) Flush(now time.Time) {
	for k, of := range h.shared.over(now) {
		at := now
		if at.IsZero() {
			at = of.began
		}
		r := slog.NewRecord(at, k.level, k.message, 0)
		r.AddAttrs(slog.Int(notShown, of.unsaid))
		_ = of.next.Handle(context.Background(), r) // as slog itself does
	}
}

// over takes out the kinds whose interval is over, and returns those of which
// something is unsaid.
func (c *counts) over(now time.Time) map[kind]*count {
	c.mu.Lock()
	defer c.mu.Unlock()
	unsaid := make(map[kind]*count)
	for k, of := range c.kinds {
		if !now.IsZero() && now.Sub(of.began) < c.opt.Every {
			continue
		}
		delete(c.kinds, k)
		if of.unsaid > 0 {
			unsaid[k] = of
		}
	}
	return unsaid
}
