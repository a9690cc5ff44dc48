package inspect

import (
	"log/slog"
	"strings"
	"testing"
)

// Errors that differ in ids and times are of one kind; a status makes another.
func TestErrorKind(t *testing.T) {
	t.Parallel()
	same := [][2]string{
		{"no answer within 30s: deadline exceeded", "no answer within 1m30.5s: deadline exceeded"},
		{"read tcp 10.0.0.1:41230->10.0.0.2:443: reset", "read tcp 10.0.0.1:51234->10.0.0.2:443: reset"},
		{"child 4711 ended: exit status 1", "child 50123 ended: exit status 1"},
		{"order 2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d is locked", "order 9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d is locked"},
		{"http 409 in 12ms", "http 409 in 980ms"},
	}
	for _, pair := range same {
		if a, b := errorKind(pair[0]), errorKind(pair[1]); a != b {
			t.Errorf("%q and %q are told apart: %q, %q", pair[0], pair[1], a, b)
		}
	}
	for _, pair := range [][2]string{
		{"http 409 from https://billing/charge", "http 503 from https://billing/charge"},
		{"exit status 1", "exit status 2"},
	} {
		if a := errorKind(pair[0]); a == errorKind(pair[1]) {
			t.Errorf("%q and %q are taken for one: %q", pair[0], pair[1], a)
		}
	}
}

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
	for _, c := range []Command{
		{Verb: Skip, Select: Query{Topic: "orders", Partitions: []int32{0}, Offsets: many}},
		{Verb: Requeue, Dead: DeadQuery{Topic: "orders", Partitions: []int32{0}, Offsets: many}},
	} {
		var line strings.Builder
		slog.New(slog.NewTextHandler(&line, nil)).Info("done", "command", c)
		if text := line.String(); len(text) > 500 || !strings.Contains(text, "7,10-3009,10000,") || !strings.Contains(text, "2982 more") {
			t.Errorf("%d bytes: %.600s", len(text), text)
		}
	}
}
