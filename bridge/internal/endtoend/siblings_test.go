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

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// Two processes with copies of one data directory, against both brokers: one of
// them is refused, and the other goes on.
func TestCopiesOfADataDirectory(t *testing.T) {
	t.Parallel()
	t.Run("embedded", func(t *testing.T) {
		t.Parallel()
		broker := bridgetest.StartBroker(t)
		testSiblings(t, kafkaAt(t, broker.Addrs()[0]), broker.Addrs()[0])
	})
	t.Run("kafka", func(t *testing.T) {
		t.Parallel()
		k := startKafka(t)
		testSiblings(t, k, k.Addr())
	})
}

func testSiblings(t *testing.T, k *kafka, addr string) {
	for name, test := range map[string]func(*testing.T, *siblings){
		"dynamic":          testDynamicCopy,
		"dynamic at once":  testDynamicClones,
		"dynamic, kill -9": testKilledAndStartedAgain,
		"fixed":            testFixedCopy,
		"fixed, older":     testOlderFixedCopy,
		"static":           testStaticCopy,
		"static, older":    testOlderStaticCopy,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := strings.NewReplacer("/", ".", "_", "-", ",", "").Replace(t.Name())
			k.create(t, topic, 2)
			test(t, &siblings{kafka: k, addr: addr, topic: topic})
		})
	}
}

// kafkaAt is a client of a broker that is not a real one.
func kafkaAt(t *testing.T, addr string) *kafka {
	t.Helper()
	conf := sarama.NewConfig()
	conf.Version = sarama.V3_2_0_0
	conf.Producer.Return.Successes = true
	conf.Producer.Partitioner = sarama.NewManualPartitioner
	k := &kafka{}
	var err error
	if k.client, err = sarama.NewClient([]string{addr}, conf); err != nil {
		t.Fatal(err)
	}
	if k.admin, err = sarama.NewClusterAdminFromClient(k.client); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.admin.Close() })
	return k
}

// siblings are sites with the same store.
type siblings struct {
	kafka *kafka
	addr  string
	topic string // and the group's name
	sites []*site
}

const siblingConfig = `
kafka: {brokers: [%s], group: %q, instance_id: %s, session_timeout: 6s}
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

const (
	dynamic = "none"
	static  = "auto"

	balanced = "ordering: key"
	fixed    = "ordering: key, partitions: [0, 1]"
)

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

// waitTaken waits until partitions have been taken n times.
func (b *siblings) waitTaken(t *testing.T, s *site, n int) {
	t.Helper()
	until(t, func() (bool, any) {
		return strings.Count(s.read(t, "bridge.log"), "partition taken") == n, b.logs()
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

const stopOne = "a copy of this data directory is in use: .* stop one of the two for good"

// A snapshot that is started beside its original joins no group, and runs
// nothing.
func testDynamicCopy(t *testing.T, b *siblings) {
	original, copied := b.site(t, dynamic, balanced), b.site(t, dynamic, balanced)
	first := b.begin(t, original)
	original.snapshot(t, copied)
	second := copied.run(t)
	copied.waitLog(t, "works with this store, too")
	out, err := exec.Command(binary, "status", "--config", copied.path("holdfast.yaml")).CombinedOutput()
	if !strings.Contains(string(out), "works with this store, too") {
		t.Errorf("status of the copy does not tell of the other: %v\n%s", err, out)
	}
	b.produce(t, 50)
	b.waitRuns(t, 200)
	b.refused(t, copied, second, stopOne)
	b.goesOn(t, first)
	b.produce(t, 10)
	b.waitRuns(t, 220)
	b.checkOnce(t, 1000)
	original.stop(t, first)
	if seen := copied.read(t, "seen"); seen != "" {
		t.Errorf("the copy ran %q", seen)
	}
}

// Clones of one machine that are started together have both been opened equally
// often. What the one that gives way has finished runs at no other.
func testDynamicClones(t *testing.T, b *siblings) {
	original, copied := b.site(t, dynamic, balanced), b.site(t, dynamic, balanced)
	first := b.begin(t, original)
	original.stop(t, first)
	original.clone(t, copied)
	lives := []*life{original.run(t), copied.run(t)}
	b.produce(t, 50)
	var gone int
	select {
	case <-lives[0].done:
	case <-lives[1].done:
		gone = 1
	case <-time.After(patience):
		t.Fatalf("both go on\n%s", b.logs())
	}
	b.refused(t, b.sites[gone], lives[gone], stopOne)
	stays := b.sites[1-gone]
	until(t, func() (bool, any) {
		held := strings.Contains(stays.read(t, "bridge.log"), "partition held")
		return held || len(b.runs(t)) == 200, b.logs()
	}, "the other one goes on, or says what the one that gave way has done")
	b.goesOn(t, lives[1-gone])
	b.checkOnce(t, 1000)
	stays.stop(t, lives[1-gone])
}

// After kill -9 the group still has the predecessor: it is waited for no longer
// than the group itself waits, and is no copy.
func testKilledAndStartedAgain(t *testing.T, b *siblings) {
	s := b.site(t, dynamic, balanced)
	first := s.run(t)
	b.produce(t, 20)
	b.waitRuns(t, 40)
	b.kafka.waitCommitted(t, b.topic, b.topic)
	s.kill(t, first)
	second := s.run(t)
	at := time.Now()
	s.waitLog(t, "works with this store, too")
	b.produce(t, 20)
	b.waitRuns(t, 80)
	if took := time.Since(at); took > patience/2 {
		t.Errorf("it took %v", took)
	}
	b.goesOn(t, second)
	b.checkOnce(t, 1000)
	s.stop(t, second)
}

// Nothing fences fixed partitions: both copies take them, until the first of
// them that was opened less often wants to commit after the other.
func testFixedCopy(t *testing.T, b *siblings) {
	original, copied := b.site(t, static, fixed), b.site(t, static, fixed)
	first := b.begin(t, original)
	b.kafka.waitCommitted(t, b.topic, b.topic)
	original.snapshot(t, copied)
	second := copied.run(t)
	b.waitTaken(t, copied, 2)
	b.stopsWhileWorking(t, original, first)
	b.goesOnAndStops(t, copied, second)
}

// stopsWhileWorking produces until one of two that work has stopped.
func (b *siblings) stopsWhileWorking(t *testing.T, s *site, l *life) {
	t.Helper()
	until(t, func() (bool, any) {
		b.produce(t, 1)
		select {
		case <-l.done:
			return true, nil
		default:
			return false, b.logs()
		}
	}, "one of two that work on the same partitions stops")
	b.refused(t, s, l, stopOne)
	ends := b.kafka.ends(t, b.topic)
	b.waitRuns(t, int(ends[0]+ends[1]))
}

// Of a restored backup and the newer original the backup stops.
func testOlderFixedCopy(t *testing.T, b *siblings) {
	original, copied := b.site(t, static, fixed), b.site(t, static, fixed)
	life := b.begin(t, original)
	b.kafka.waitCommitted(t, b.topic, b.topic)
	original.snapshot(t, copied)
	for i := range 2 {
		original.stop(t, life)
		life = original.run(t)
		b.waitTaken(t, original, 4+2*i)
	}
	second := copied.run(t)
	b.stopsWhileWorking(t, copied, second)
	b.goesOnAndStops(t, original, life)
}

// Of two static members of one name Kafka fences the one that was there.
func testStaticCopy(t *testing.T, b *siblings) {
	original, copied := b.site(t, static, balanced), b.site(t, static, balanced)
	first := b.begin(t, original)
	b.kafka.waitCommitted(t, b.topic, b.topic)
	original.snapshot(t, copied)
	second := copied.run(t)
	b.refused(t, original, first, "another process uses this instance id: .* a copy of this data directory is in use")
	b.produce(t, 50)
	b.waitRuns(t, 200)
	b.checkOnce(t, 1000)
	b.goesOn(t, second)
	copied.stop(t, second)
}

// A restored backup does not fence a newer original that works.
func testOlderStaticCopy(t *testing.T, b *siblings) {
	original, copied := b.site(t, static, balanced), b.site(t, static, balanced)
	life := b.begin(t, original)
	original.snapshot(t, copied)
	for i := range 2 {
		original.stop(t, life)
		// The group forgets the member: of one that comes back Kafka shows the
		// opening that it first came with.
		out, err := exec.Command(binary, "leave", "--config", original.path("holdfast.yaml"), "--execute").CombinedOutput()
		if err != nil {
			t.Fatalf("leave: %v\n%s", err, out)
		}
		life = original.run(t)
		b.waitTaken(t, original, 4+2*i)
	}
	second := copied.run(t)
	b.produce(t, 50)
	b.waitRuns(t, 200)
	b.refused(t, copied, second, stopOne)
	b.goesOn(t, life)
	b.checkOnce(t, 1000)
	original.stop(t, life)
}
