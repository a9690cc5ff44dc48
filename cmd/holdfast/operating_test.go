package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// Every command of the operator's guide works where its page is needed: at a
// bridge with a job that hangs, some that were given up, some that fail, and a
// dead letter.
func TestOperatorsGuide(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a bridge is brought into trouble first")
	}
	s := troubledSite(t)
	for _, line := range commands(readText(t, "OPERATING.md")) {
		words := shellWords(line)
		if words[0] != "holdfast" {
			t.Errorf("nothing checks this command: %s", line)
			continue
		}
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "/tmp/", s.dir+"/")
		}
		var out bytes.Buffer
		if code := s.world(&out, nil).main(t.Context(), words); code != 0 {
			t.Errorf("%s: exit code %d\n%s", line, code, &out)
		}
	}
}

// Each alarm has its page, and each page its alarm.
func TestOperatorsGuideHasEachAlarm(t *testing.T) {
	t.Parallel()
	listed := func(text, pattern string) string {
		var names []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
			names = append(names, m[1])
		}
		return strings.Join(names, "\n")
	}
	alerts := listed(readText(t, "monitoring/alerts.yml"), `(?m)^ *- alert: (\w+)$`)
	pages := listed(readText(t, "OPERATING.md"), `(?m)^### (Holdfast\w+)$`)
	if alerts == "" || alerts != pages {
		t.Errorf("the rules have\n%s\n\nthe guide has pages for\n%s", alerts, pages)
	}
}

// troubledSite is a bridge that runs until the test ends.
func troubledSite(t *testing.T) *site {
	t.Helper()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	s := &site{dir: t.TempDir(), brokers: strings.Join(broker.Addrs(), ",")}
	writeText(t, filepath.Join(s.dir, "work.sh"), `#!/bin/sh
case "$HOLDFAST_JOB_KEY" in
hangs) exec sleep 600 ;;
bad*) echo "no such customer"; exit 65 ;;
fails*) exit 1 ;;
esac
`, 0o700)
	writeText(t, filepath.Join(s.dir, "holdfast.yaml"), `
kafka: {brokers: [127.0.0.1:9092], group: billing}
data_dir: ./data
stop_within: 1ms
handler: {exec: {command: [./work.sh]}}
topics: {orders: {retry: {first_delay: 1h, max_delay: 1h}}}
`, 0o600)
	s.environ = []string{"HOLDFAST_CONFIG=" + filepath.Join(s.dir, "holdfast.yaml")}
	for _, key := range []string{"hangs", "bad", "bad to bury", "fails", "fine"} {
		broker.Produce(t, "orders", bridgetest.Record{Key: []byte(key), Value: []byte("7.50")})
	}

	ctx, cancel := context.WithCancel(t.Context())
	signals := make(chan os.Signal, 2)
	ended := make(chan int)
	var log bytes.Buffer // read once it has ended
	go func() { ended <- s.world(&log, signals).main(ctx, []string{"holdfast", "run"}) }()
	t.Cleanup(func() {
		signals <- os.Interrupt
		if code := <-ended; code != 0 || t.Failed() {
			t.Errorf("the bridge ended with exit code %d\n%s", code, &log)
		}
		cancel()
	})
	for _, trouble := range []string{
		"inspect jobs --topic orders --key hangs --state running", "inspect jobs --topic orders --key fails --state retrying",
		"bury --topic orders --partition 0 --offset 2 --execute", "inspect jobs --topic orders --key bad --state halted",
	} {
		s.await(t, strings.Fields(trouble))
	}
	return s
}

// await gives a command until it succeeds.
func (s *site) await(t *testing.T, args []string) {
	t.Helper()
	var out bytes.Buffer
	for deadline := time.Now().Add(4 * patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		out.Reset()
		if s.world(&out, nil).main(t.Context(), append([]string{"holdfast"}, args...)) == 0 {
			return
		}
	}
	t.Fatalf("%v does not succeed\n%s", args, &out)
}

// shellWords splits a line at its blanks, but for those in single quotes.
func shellWords(line string) (words []string) {
	for _, m := range regexp.MustCompile(`'([^']*)'|\S+`).FindAllStringSubmatch(line, -1) {
		word := m[0]
		if m[1] != "" {
			word = m[1]
		}
		words = append(words, word)
	}
	return words
}
