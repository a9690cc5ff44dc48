package main

import (
	"bytes"
	"os"
	"os/exec"
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
	s := startTroubled(t)
	for _, line := range commands(readText(t, "OPERATING.md")) {
		words := shellWords(line)
		if words[0] != "holdfast" {
			t.Errorf("nothing checks this command: %s", line)
			continue
		}
		for i := range words {
			words[i] = strings.ReplaceAll(words[i], "/tmp/", s.dir+"/")
		}
		if out, err := s.command(words[1:]).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
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

// troubled is a bridge in a directory of its own.
type troubled struct {
	dir, binary string
	environ     []string
}

// startTroubled starts one that runs until the test ends.
func startTroubled(t *testing.T) *troubled {
	t.Helper()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	binary, err := exec.LookPath("holdfast") // this test, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	s := &troubled{dir: t.TempDir(), binary: binary}
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
	s.environ = []string{"HOLDFAST_CONFIG=" + filepath.Join(s.dir, "holdfast.yaml"), "HOLDFAST_KAFKA_BROKERS=" + strings.Join(broker.Addrs(), ",")}
	for _, key := range []string{"hangs", "bad", "bad to bury", "fails", "fine"} {
		broker.Produce(t, "orders", bridgetest.Record{Key: []byte(key), Value: []byte("7.50")})
	}

	var log bytes.Buffer // read once it has ended
	run := s.command([]string{"run"})
	run.Stderr = &log
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = run.Process.Signal(os.Interrupt)
		if err := run.Wait(); err != nil || t.Failed() {
			t.Errorf("the bridge ended with %v\n%s", err, &log)
		}
	})
	for _, trouble := range []string{
		"inspect jobs --topic orders --key hangs --state running", "inspect jobs --topic orders --key fails --state retrying",
		"requeue --from-kafka --topic orders --partition 0 --offset 4",
		"bury --topic orders --partition 0 --offset 2 --execute", "inspect jobs --topic orders --key bad --state halted",
	} {
		s.await(t, strings.Fields(trouble))
	}
	return s
}

// command is the binary in a process of its own, so that several can work at a
// time.
func (s *troubled) command(args []string) *exec.Cmd {
	cmd := exec.Command(s.binary, args...)
	cmd.Dir, cmd.Env = s.dir, append(os.Environ(), s.environ...)
	return cmd
}

// await gives a command until it succeeds.
func (s *troubled) await(t *testing.T, args []string) {
	t.Helper()
	var said []byte
	for deadline := time.Now().Add(4 * patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		out, err := s.command(args).CombinedOutput()
		if err == nil {
			return
		}
		said = out
	}
	t.Fatalf("%v does not succeed\n%s", args, said)
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
