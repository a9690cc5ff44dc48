package crashtest

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

const (
	partitions = 4
	keys       = 100
	// patience bounds every wait; a healthy bridge needs a second or two.
	patience = 60 * time.Second
)

// world is all that is not the bridge: the broker, the records and the
// observer.
type world struct {
	dir      string
	broker   *bridgetest.Broker
	log      *history.Log
	close    func() // ends the observer; may be called again
	poison   *poison
	outage   *outage
	commands []inspect.Command // of an operator, in the next life
}

// newWorld has a stuck job in it.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := newQuietWorld(t)
	w.produce(t, bridgetest.Record{Key: []byte(stuckKey)})
	return w
}

func newQuietWorld(t *testing.T) *world {
	t.Helper()
	w := &world{
		dir:    t.TempDir(),
		broker: bridgetest.StartBroker(t, bridgetest.Topic(topic, partitions)),
	}
	var err error
	if w.log, err = history.OpenLog(w.historyPath()); err != nil {
		t.Fatal(err)
	}
	quit, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		w.watchCommits(t, quit)
	}()
	w.close = sync.OnceFunc(func() {
		close(quit)
		<-watched
		_ = w.log.Close()
	})
	t.Cleanup(w.close)
	return w
}

// tell writes to the history.
func (w *world) tell(t *testing.T, events ...history.Event) {
	if err := w.log.Append(events...); err != nil {
		t.Error(err)
	}
}

// watchCommits writes down every offset that the broker holds, soon after it
// got it.
func (w *world) watchCommits(t *testing.T, quit <-chan struct{}) {
	last := make(map[int32]bridgetest.Commit)
	for {
		commits := w.broker.Committed(group, topic)
		for p, c := range commits {
			if c.Offset != last[p].Offset {
				w.tell(t, history.Event{Kind: history.Committed, Topic: topic, Partition: p, Offset: c.Offset})
			}
		}
		last = commits
		select {
		case <-quit:
			return
		case <-time.After(2 * time.Millisecond):
		}
	}
}

// produce writes records and tells the history of them.
func (w *world) produce(t *testing.T, records ...bridgetest.Record) {
	offsets := w.broker.Produce(t, topic, records...)
	events := make([]history.Event, len(records))
	for i, r := range records {
		events[i] = history.Event{
			Kind: history.Produced, Topic: topic,
			Partition: r.Partition, Offset: offsets[i], Lane: string(r.Key),
		}
	}
	w.tell(t, events...)
}

// feed produces until stop is called, at a pace that two cores can follow, and
// leaves gaps where transactions were aborted. stop may be called again.
func (w *world) feed(t *testing.T, random *rand.Rand) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			batch := make([]bridgetest.Record, 1+random.IntN(60))
			for i := range batch {
				batch[i] = randomRecord(random)
			}
			if random.IntN(10) == 0 {
				w.broker.ProduceTransaction(t, false, topic, batch...)
			} else {
				w.produce(t, batch...)
			}
			select {
			case <-end:
				return
			case <-time.After(time.Duration(random.IntN(40)) * time.Millisecond):
			}
		}
	}()
	return sync.OnceFunc(func() {
		close(end)
		<-ended
	})
}

// randomRecord is mostly quick; some are slow, some fail a few times, some are
// given up, and some have no key.
func randomRecord(random *rand.Rand) bridgetest.Record {
	plan := random.IntN(50)
	switch random.IntN(50) {
	case 0:
		plan = random.IntN(slowest)
	case 1, 2:
		plan += slowest * (1 + random.IntN(3))
	case 3:
		if random.IntN(10) == 0 {
			plan += slowest * hopeless
		}
	}
	r := bridgetest.Record{
		Partition: int32(random.IntN(partitions)),
		Key:       fmt.Appendf(nil, "key-%d", random.IntN(keys)),
		Value:     strconv.AppendInt(nil, int64(plan), 10),
	}
	switch random.IntN(100) {
	case 0:
		r.Key = nil
	case 1:
		r.Partition, r.Key = 0, []byte(stuckKey) // waits behind the stuck job
	}
	return r
}

// settle waits until the bridge has committed everything.
func (w *world) settle(t *testing.T, c *child) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		ends, commits := w.broker.EndOffsets(topic), w.broker.Committed(group, topic)
		offsets := make(map[int32]int64)
		for p, commit := range commits {
			offsets[p] = commit.Offset
		}
		if maps.Equal(ends, offsets) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("committed %v of %v within %v\n%s", offsets, ends, patience, w.tail())
		}
		if c.endsWithin(10 * time.Millisecond) {
			t.Fatalf("the bridge ended by itself: %v\n%s", c.err, w.tail())
		}
	}
}

// waitFor waits until the history holds n events of a kind.
func (w *world) waitFor(t *testing.T, kind history.Kind, n int) {
	t.Helper()
	mark := fmt.Appendf(nil, `"event":%q`, kind)
	deadline := time.Now().Add(patience)
	for {
		text, err := os.ReadFile(w.historyPath())
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Count(text, mark) >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d %s events within %v\n%s", bytes.Count(text, mark), n, kind, patience, w.tail())
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// judge is called when nobody writes to the history any more.
func (w *world) judge(t *testing.T) history.Report {
	t.Helper()
	return history.Judge(w.events(t))
}

func (w *world) events(t *testing.T) []history.Event {
	t.Helper()
	file, err := os.Open(w.historyPath())
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	events, err := history.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return events
}
