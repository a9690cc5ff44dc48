package endtoend

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

// siblings are sites with the same store.
type siblings struct {
	kafka *kafka
	addr  string
	topic string // and the group's name
	sites []*site
}

const siblingConfig = `
kafka: {brokers: [%s], group: %q, instance_id: %s, session_timeout: 10s}
data_dir: ./data
workers: 8
topics:
  %q: {%s}
handler:
  exec: {command: [./charge.sh]}
`

const noteTheJob = `#!/bin/sh
read -r value
echo "$HOLDFAST_JOB_PARTITION@$HOLDFAST_JOB_OFFSET" >>"${0%/*}/seen"
`

// site makes one without a data directory.
func (b *siblings) site(t *testing.T, instance, topic string) *site {
	t.Helper()
	s := newSite(t)
	s.write(t, "charge.sh", noteTheJob)
	s.write(t, "seen", "")
	s.write(t, "bridge.log", "")
	s.write(t, "holdfast.yaml", fmt.Sprintf(siblingConfig, b.addr, b.topic, instance, b.topic, topic))
	b.sites = append(b.sites, s)
	return s
}

// snapshot copies the directory of a bridge that runs to another site.
func (s *site) snapshot(t *testing.T, to *site) {
	t.Helper()
	out, err := exec.Command(binary, "snapshot", "--config", s.path("holdfast.yaml"), "--to", to.path("data")).CombinedOutput()
	if err != nil {
		t.Fatalf("snapshot: %v\n%s", err, out)
	}
}

// clone copies the directory of a bridge that does not run.
func (s *site) clone(t *testing.T, to *site) {
	t.Helper()
	if err := os.CopyFS(to.path("data"), os.DirFS(s.path("data"))); err != nil {
		t.Fatal(err)
	}
}

// produce writes n records to each partition.
func (b *siblings) produce(t *testing.T, n int) {
	t.Helper()
	b.kafka.produce(t, numbered(b.topic, 2, n)...)
}

// runs tells how often each job has run, at all sites together.
func (b *siblings) runs(t *testing.T) map[string]int {
	t.Helper()
	runs := make(map[string]int)
	for _, s := range b.sites {
		for line := range strings.Lines(s.read(t, "seen")) {
			runs[strings.TrimSpace(line)]++
		}
	}
	return runs
}

// waitRuns waits until n different jobs have run.
func (b *siblings) waitRuns(t *testing.T, n int) {
	t.Helper()
	until(t, func() (bool, any) {
		runs := b.runs(t)
		return len(runs) == n, fmt.Sprintf("%d\n%s", len(runs), b.logs())
	}, "%d jobs have run", n)
}

// checkOnce wants that no job up to the offset has run twice.
func (b *siblings) checkOnce(t *testing.T, below int) {
	t.Helper()
	for job, n := range b.runs(t) {
		var partition, offset int
		if _, err := fmt.Sscanf(job, "%d@%d", &partition, &offset); err != nil {
			t.Fatal(err)
		}
		if n != 1 && offset < below {
			t.Errorf("%s ran %d times", job, n)
		}
	}
}

func (b *siblings) logs() (text string) {
	for i, s := range b.sites {
		text += fmt.Sprintf("site %d:\n%s\n", i, s.logTail())
	}
	return text
}

// refused waits until a bridge has ended by itself, and wants exit code 7 and a
// log that says why.
func (b *siblings) refused(t *testing.T, s *site, l *life, why string) {
	t.Helper()
	select {
	case <-l.done:
	case <-time.After(patience):
		t.Fatalf("it goes on\n%s", b.logs())
	}
	var exit *exec.ExitError
	if !errors.As(l.err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("it ended with %v\n%s", l.err, b.logs())
	}
	if log := s.read(t, "bridge.log"); !regexp.MustCompile(why).MatchString(log) {
		t.Errorf("its log does not say %q:\n%s", why, s.logTail())
	}
}

// goesOn wants a bridge that has not ended by itself.
func (b *siblings) goesOn(t *testing.T, l *life) {
	t.Helper()
	select {
	case <-l.done:
		t.Fatalf("it has ended: %v\n%s", l.err, b.logs())
	default:
	}
}

// waitTaken waits until partitions have been taken n times at least: once more
// where a busy machine made the group forget a member.
func (b *siblings) waitTaken(t *testing.T, s *site, n int) {
	t.Helper()
	until(t, func() (bool, any) {
		return strings.Count(s.read(t, "bridge.log"), "partition taken") >= n, b.logs()
	}, "partitions are taken %d times", n)
}

func (s *site) waitLog(t *testing.T, text string) {
	t.Helper()
	until(t, func() (bool, any) { return strings.Contains(s.read(t, "bridge.log"), text), s.logTail() }, "the log says %q", text)
}

// begin runs the first of the siblings until it has finished 100 jobs.
func (b *siblings) begin(t *testing.T, s *site) *life {
	t.Helper()
	l := s.run(t)
	b.produce(t, 50)
	b.waitRuns(t, 100)
	return l
}

// goesOnAndStops wants a bridge that has not ended by itself to run what comes.
func (b *siblings) goesOnAndStops(t *testing.T, s *site, l *life) {
	t.Helper()
	b.goesOn(t, l)
	total := len(b.runs(t))
	b.produce(t, 20)
	b.waitRuns(t, total+40)
	b.checkOnce(t, 50)
	s.stop(t, l)
}
