package inspect_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// A log line names ranges, and not thousands of offsets.
func TestACommandOfManyOffsetsIsOneShortLine(t *testing.T) {
	t.Parallel()
	many := []int64{7}
	for offset := range int64(3000) {
		many = append(many, 10+offset)
	}
	for offset := range int64(3000) {
		many = append(many, 10_000+2*offset)
	}
	for _, c := range []inspect.Command{
		{Verb: inspect.Skip, Select: inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: many}},
		{Verb: inspect.Requeue, Dead: inspect.DeadQuery{Topic: "orders", Partitions: []int32{0}, Offsets: many}},
	} {
		var line strings.Builder
		slog.New(slog.NewTextHandler(&line, nil)).Info("done", "command", c)
		if text := line.String(); len(text) > 500 || !strings.Contains(text, "7,10-3009,10000,") || !strings.Contains(text, "2982 more") {
			t.Errorf("%d bytes: %.600s", len(text), text)
		}
	}
}
