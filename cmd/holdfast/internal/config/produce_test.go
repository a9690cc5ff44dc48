package config

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
)

const producing = `
kafka: {brokers: [127.0.0.1:9092], group: billing}
data_dir: ./data
handler: {exec: {command: ["true"]}}
topics:
  orders:
`

func TestProduce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		yaml string
		want bridge.Produce
	}{
		{"", bridge.Produce{}},
		{"{topic: charged}", bridge.Produce{Topic: "charged", Results: true, Partitioner: "murmur2"}},
		{"{topic: charged, from: stdout, key: lane, partitioner: crc32, origin_headers: true}",
			bridge.Produce{Topic: "charged", Results: true, Key: bridge.KeyOfLane, Partitioner: "crc32", OriginHeaders: true}},
		{"{topic: orders, key: none, allow_loop: true}",
			bridge.Produce{Topic: "orders", Results: true, Key: bridge.NoKey, Partitioner: "murmur2", AllowLoop: true}},
	} {
		text := producing
		if tt.yaml != "" {
			text += "    produce: " + tt.yaml + "\n"
		}
		made, err := mustLoad(t, text, Input{}).Bridge(slog.New(slog.DiscardHandler), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatalf("%s: %v", tt.yaml, err)
		}
		if diff := cmp.Diff(tt.want, made.Topics[0].Produce); diff != "" {
			t.Errorf("%s: %s", tt.yaml, diff)
		}
	}
}

func TestWrongProduce(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ yaml, want string }{
		{"{from: stdout}", "topics.orders.produce: has no topic; name the one that results go to"},
		{"{topic: a, from: body}", `topics.orders.produce.from: "body" is unknown; use stdout or response`},
		{"{topic: a, partitioner: md5}", `topics.orders.produce.partitioner: "md5" is unknown; use murmur2, `},
		{"{topic: a, from: response}", "topics.orders.produce.from: response is not what this topic's handler has; write stdout"},
		{"{topic: orders}", "topics.orders.produce: this bridge consumes orders itself, by its entry orders: " +
			"what it produces would become its jobs; choose another topic, or set allow_loop: true"},
		{"{topic: a}\n    handler: {log: {}}", "topics.orders.produce: needs a handler with a result"},
		{"{topic: a, to: b}", `topics.orders.produce: unknown key "to"`},
	} {
		c, err := load(t, producing+"    produce: "+tt.yaml+"\n", Input{})
		if err == nil {
			_, err = c.Bridge(slog.New(slog.DiscardHandler), slog.New(slog.DiscardHandler))
		}
		var invalid *Error
		if !errors.As(err, &invalid) || len(invalid.Problems) != 1 || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.yaml, err)
		}
	}
}

func TestDeadLetterTopic(t *testing.T) {
	t.Parallel()
	made, err := mustLoad(t, producing+"    dead_letter: {topic: orders.dead, partitioner: fluvio}\n", Input{}).Bridge(slog.New(slog.DiscardHandler), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if d := made.Topics[0].DeadLetter; d.Topic != "orders.dead" || d.Partitioner != "fluvio" || d.AllowLoop {
		t.Errorf("%+v", d)
	}
	_, err = load(t, producing+"    dead_letter: {topic: orders}\n", Input{})
	if err == nil || !strings.Contains(err.Error(), "topics.orders.dead_letter: this bridge consumes orders itself") {
		t.Errorf("a loop: %v", err)
	}
}
