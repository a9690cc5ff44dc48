package endtoend

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/internal/apache"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// TestHandOver has the tests of partitions that go from one owner to another.
// They share a broker; each has topics and a group of its own.
func TestHandOver(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	for name, test := range map[string]func(*testing.T, *kafka){
		"to and fro":             testToAndFro,
		"does not fit":           testDoesNotFit,
		"killed owner":           testKilledOwner,
		"partitioner changes":    testPartitionerChanges,
		"moving in from sarama":  testMovingInFromSarama,
		"moving in from java":    testMovingInFromJava,
		"moving out to sarama":   testMovingOutToSarama,
		"moving out to java":     testMovingOutToJava,
		"metadata of a consumer": testForeignMetadata,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, k)
		})
	}
}

// ledger counts, over several owners, which jobs were finished and which of
// these ran again.
type ledger struct {
	stuck func(*bridge.Job) bool // jobs that fail until free
	free  atomic.Bool

	mu    sync.Mutex
	done  map[string]bool // by name; guarded by mu
	again []string        // guarded by mu
}

func newLedger(stuck func(*bridge.Job) bool) *ledger {
	return &ledger{stuck: stuck, done: make(map[string]bool)}
}

func never(*bridge.Job) bool { return false }

func (l *ledger) Handle(_ context.Context, job *bridge.Job) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done[job.String()] {
		l.again = append(l.again, job.String())
	}
	if !l.free.Load() && l.stuck(job) {
		return bridge.RetryAfter(200*time.Millisecond, errors.New("stuck"))
	}
	l.done[job.String()] = true
	return nil
}

// handled is what a consumer of another kind has finished.
func (l *ledger) handled(topic string, partition int32, offset int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	name := fmt.Sprintf("%s/%d@%d", topic, partition, offset)
	if l.done[name] {
		l.again = append(l.again, name)
	}
	l.done[name] = true
}

func (l *ledger) count() (done, again int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.done), len(l.again)
}

func (l *ledger) waitDone(t *testing.T, n int) {
	t.Helper()
	until(t, func() (bool, any) {
		done, again := l.count()
		return done >= n, fmt.Sprintf("%d done, %d again", done, again)
	}, "%d jobs are done", n)
}

// checkOnce wants n jobs, each finished once.
func (l *ledger) checkOnce(t *testing.T, n int) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.done) != n || len(l.again) > 0 {
		t.Errorf("%d jobs done, want %d; %d ran again: %v", len(l.done), n, len(l.again), l.again[:min(5, len(l.again))])
	}
}

// leaving are the settings of a bridge that leaves the group when it stops.
func (k *kafka) leaving(t *testing.T, topic string, handler bridge.Handler) bridge.Config {
	t.Helper()
	cfg := k.settings(t, bridge.Topic{Name: topic, Handler: handler})
	cfg.LeaveOnStop = true
	return cfg
}

// testToAndFro passes partitions between two bridges under load, each partition
// with a head that is stuck: no finished job runs again.
func testToAndFro(t *testing.T, k *kafka) {
	const partitions = 6
	topic := topicOf(t)
	k.create(t, topic, partitions)
	l := newLedger(func(job *bridge.Job) bool { return job.Offset == 0 })
	for p := range int32(partitions) {
		k.produce(t, &sarama.ProducerMessage{Topic: topic, Partition: p, Key: sarama.StringEncoder("stuck")})
	}
	records := k.load(t, topic, partitions)
	settings := [2]bridge.Config{k.leaving(t, topic, l), k.leaving(t, topic, l)}
	more := func() {
		t.Helper()
		done, _ := l.count()
		l.waitDone(t, done+2000)
	}
	a := embed(t, settings[0])
	more()
	b := embed(t, settings[1])
	k.waitMembers(t, topic, 2)
	more()
	for range 2 {
		a.mustStop(t)
		more()
		a = embed(t, settings[0])
		k.waitMembers(t, topic, 2)
		more()
		b.mustStop(t)
		more()
		b = embed(t, settings[1])
		k.waitMembers(t, topic, 2)
		more()
	}
	records.stop()
	offsets, err := k.committed(topic, topic)
	for p, offset := range offsets {
		if err != nil || offset != 0 {
			t.Errorf("partition %d is committed up to %d with its head stuck, %v", p, offset, err)
		}
	}
	l.free.Store(true)
	k.waitCommitted(t, topic, topic)
	l.checkOnce(t, partitions+int(records.written.Load()))
}

// waitMembers waits until the group is stable with so many members.
func (k *kafka) waitMembers(t *testing.T, group string, n int) {
	t.Helper()
	until(t, func() (bool, any) {
		groups, err := k.admin.DescribeConsumerGroups([]string{group})
		if err != nil {
			return false, err
		}
		return groups[0].State == "Stable" && len(groups[0].Members) == n, groups[0].State
	}, "group %s is stable with %d members", group, n)
}

// keyed are records with a key each.
func keyed(topic string, n int) []*sarama.ProducerMessage {
	messages := make([]*sarama.ProducerMessage, n)
	for i := range messages {
		messages[i] = &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(strconv.Itoa(i))}
	}
	return messages
}

func odd(job *bridge.Job) bool { return job.Offset%2 == 1 }

// testDoesNotFit finishes every second job of more than metadata can carry: as
// many run again as did not fit.
func testDoesNotFit(t *testing.T, k *kafka) {
	topic := topicOf(t)
	k.create(t, topic, 1)
	k.passOn(t, topic, 30_000)
}

// TestBrokerWithLittleMetadata does the same where the broker takes less.
func TestBrokerWithLittleMetadata(t *testing.T) {
	t.Parallel()
	k := startKafka(t, apache.Property("offset.metadata.max.bytes", "300"))
	topic := topicOf(t)
	k.create(t, topic, 1)
	stamp := k.passOn(t, topic, 4000)
	if len(stamp.Ahead) == 0 {
		t.Error("the metadata carries nothing")
	}
}

// passOn finishes every second of n jobs, and all of them at another owner, and
// returns the stamp of the first.
func (k *kafka) passOn(t *testing.T, topic string, n int) recovery.Stamp {
	t.Helper()
	l := newLedger(odd)
	k.produce(t, keyed(topic, n)...)
	left := make(chan int64, 1)
	cfg := k.leaving(t, topic, l)
	cfg.Hooks = &bridge.Hooks{Revoked: func(r bridge.Revoked) { left <- r.Left }}
	a := embed(t, cfg)
	l.waitDone(t, n/2)
	a.mustStop(t)
	stamp := k.stamps(t, topic)[0]
	want := <-left
	if stamp.Left != want || want == 0 {
		t.Errorf("the stamp says that %d did not fit, the bridge %d", stamp.Left, want)
	}
	l.free.Store(true)
	embed(t, k.leaving(t, topic, l))
	k.waitCommitted(t, topic, topic)
	done, again := l.count()
	t.Logf("%d of %d ran again", again, done)
	if done != n || int64(again) != want {
		t.Errorf("%d of %d jobs done, %d ran again, %d did not fit", done, n, again, want)
	}
	return stamp
}

// stamps are those of a group's commits, by partition; topic and group have
// one name.
func (k *kafka) stamps(t *testing.T, topic string) map[int32]recovery.Stamp {
	t.Helper()
	answer, err := k.admin.ListConsumerGroupOffsets(topic, nil)
	if err != nil {
		t.Fatal(err)
	}
	stamps := make(map[int32]recovery.Stamp)
	for p, block := range answer.Blocks[topic] {
		if stamps[p], err = recovery.DecodeStamp(block.Metadata); err != nil {
			t.Fatalf("partition %d, %d bytes: %v", p, len(block.Metadata), err)
		}
	}
	return stamps
}

// testKilledOwner kills an owner whose heads are stuck. The next one runs again
// exactly what the last commit before it did not tell.
func testKilledOwner(t *testing.T, k *kafka) {
	const partitions = 4
	f := k.fleet(t, partitions, "cooperative-sticky", false)
	for p := range int32(partitions) {
		k.produce(t, &sarama.ProducerMessage{Topic: f.topic, Partition: p, Value: sarama.StringEncoder(hold)})
		f.tell(t, history.Event{Kind: history.Produced, Topic: f.topic, Partition: p})
	}
	stopFeeding := f.feed(t)
	f.boot(t, "a")
	until(t, func() (bool, any) { // the full commit of every 30 s, and work behind it
		f.checkAlive(t)
		told := 0
		for _, stamp := range f.stampsSoFar() {
			if len(stamp.Ahead) > 0 {
				told++
			}
		}
		return told == partitions, told
	}, "each partition's commit tells what is ahead")
	time.Sleep(2 * time.Second) // more is finished than was told
	f.kill(t, "a")
	stopFeeding()
	stamps := k.stamps(t, f.topic)

	var told, expected []string
	finished := f.jobs(t, "a", history.End)
	for name, e := range finished {
		ahead := stamps[e.Partition].Ahead
		if slices.ContainsFunc(ahead, func(r queue.Range) bool { return r.From <= e.Offset && e.Offset < r.To }) {
			told = append(told, name)
		} else {
			expected = append(expected, name)
		}
	}
	f.boot(t, "b")
	f.release(t, "b")
	f.waitCommitted(t, f.topic, f.topic)
	ran := f.jobs(t, "b", history.Start)
	t.Logf("%d finished before the kill, %d told, %d not", len(finished), len(told), len(expected))
	for _, name := range told {
		if _, again := ran[name]; again {
			t.Errorf("%s was told and ran again", name)
		}
	}
	for _, name := range expected {
		if _, again := ran[name]; !again {
			t.Errorf("%s was not told and did not run again", name)
		}
	}
	if len(told) == 0 || len(expected) == 0 {
		t.Error("the kill came too early or too late to tell anything")
	}
	f.finish(t)
}

// stampsSoFar is stamps for partitions that may have none yet.
func (f *fleet) stampsSoFar() map[int32]recovery.Stamp {
	stamps := make(map[int32]recovery.Stamp)
	answer, err := f.admin.ListConsumerGroupOffsets(f.topic, nil)
	if err != nil {
		return stamps
	}
	for p, block := range answer.Blocks[f.topic] {
		stamps[p], _ = recovery.DecodeStamp(block.Metadata)
	}
	return stamps
}

// jobs are those that the history tells an event of; of an end, one without
// an error.
func (f *fleet) jobs(t *testing.T, process string, kind history.Kind) map[string]history.Event {
	t.Helper()
	file, err := os.Open(f.path("history"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	events, err := history.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	jobs := make(map[string]history.Event)
	for _, e := range events {
		if e.Process == process && e.Kind == kind && (kind != history.End || e.Done) {
			jobs[fmt.Sprintf("%s/%d@%d", e.Topic, e.Partition, e.Offset)] = e
		}
	}
	return jobs
}
