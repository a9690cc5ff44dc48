package logging

import (
	"context"
	"log/slog"
	"strconv"
	"unicode/utf8"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// maxPreview is how many bytes of a key, lane or value are shown.
const maxPreview = 200

// New returns a handler that logs every job to logger at level info.
func New(logger *slog.Logger) bridge.Handler {
	return bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
		logger.LogAttrs(ctx, slog.LevelInfo, "job",
			slog.String("topic", job.Topic),
			slog.Int("partition", int(job.Partition)),
			slog.Int64("offset", job.Offset),
			slog.String("key", preview(job.Key)),
			slog.String("lane", preview([]byte(job.Lane))),
			slog.Int("attempt", job.Attempt),
			slog.Int("size", len(job.Value)),
			slog.String("value", preview(job.Value)),
		)
		return nil
	})
}

// preview is the beginning of b as text. Null is told from empty.
func preview(b []byte) string {
	if b == nil {
		return "<null>"
	}
	rest := ""
	if len(b) > maxPreview {
		b, rest = cut(b), "..."
	}
	if !printable(b) {
		return strconv.Quote(string(b)) + rest
	}
	return string(b) + rest
}

// cut shortens b to maxPreview bytes, not within a character.
func cut(b []byte) []byte {
	end := maxPreview
	for end > maxPreview-utf8.UTFMax && !utf8.RuneStart(b[end]) {
		end--
	}
	return b[:end]
}

func printable(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, r := range string(b) {
		if !strconv.IsPrint(r) && r != '\n' && r != '\t' {
			return false
		}
	}
	return true
}
