package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

// Each folder of testdata/handlers is an example that works: its configuration
// finishes every one of its records.
func TestHandlerExamples(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Glob(filepath.Join(repository, "testdata/handlers/*"))
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	for _, example := range examples {
		t.Run(filepath.Base(example), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if err := os.CopyFS(dir, os.DirFS(example)); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "holdfast.yaml")
			loaded, err := config.Load(config.Input{File: file})
			if err != nil {
				t.Fatal(err)
			}
			topic := loaded.Topics[0].Name
			broker := bridgetest.StartBroker(t, bridgetest.Topic(topic, 2))
			s := &site{dir: dir, brokers: strings.Join(broker.Addrs(), ",")}
			s.receiver(t)
			s.produce(t, topic, filepath.Join(dir, "records.ndjson"))
			s.during(t, []string{"run", "--config", "holdfast.yaml"}, func() {
				broker.WaitCommitted(t, loaded.Kafka.Group, topic)
			})
		})
	}
}

// produce writes the JSON records of a file.
func (s *site) produce(t *testing.T, topic, file string) {
	t.Helper()
	var out bytes.Buffer
	w := s.world(&out, nil)
	w.stdin = strings.NewReader(readText(t, file))
	if code := w.main(t.Context(), []string{"holdfast", "produce", "--json", "--topic", topic}); code != 0 {
		t.Fatalf("produce ended with exit code %d\n%s", code, &out)
	}
}

// during runs a command while work is done, and then stops it as planned.
func (s *site) during(t *testing.T, args []string, work func()) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	signals := make(chan os.Signal, 1)
	ended := make(chan int, 1)
	go func() { ended <- s.world(&out, signals).main(ctx, s.line(args)) }()
	defer func() {
		signals <- os.Interrupt
		if code := <-ended; code != 0 {
			t.Errorf("%s ended with exit code %d\n%s", args[0], code, &out)
		}
	}()
	work()
}
