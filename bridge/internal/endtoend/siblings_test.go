package endtoend

import (
	"os/exec"
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

const (
	dynamic = "none"
	static  = "auto"

	balanced = "ordering: key"
	fixed    = "ordering: key, partitions: [0, 1]"
)

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
