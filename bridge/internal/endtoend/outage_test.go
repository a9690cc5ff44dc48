package endtoend

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
)

const outage = 30 * time.Second

// A job goes on while the broker is stopped for half a minute, several sessions
// long, and while it is killed under load. It counts once, and so does all else.
func TestBrokerOutages(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	const partitions = 4
	topic, d := topicOf(t), newDiary()
	k.create(t, topic, partitions)
	long := newLongJob()
	cfg := k.settings(t, bridge.Topic{Name: topic, Handler: bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
		if string(job.Key) == longKey {
			if err := long.run(ctx); err != nil {
				return err
			}
		}
		return d.Handle(ctx, job)
	})})
	k.produce(t, &sarama.ProducerMessage{Topic: topic, Key: sarama.StringEncoder(longKey)})
	embed(t, cfg)
	<-long.began
	k.produce(t, numbered(topic, partitions, 100)...)

	k.Stop(t)
	time.Sleep(outage)
	k.Restart(t)
	load := k.load(t, topic, partitions)
	load.wait(t, 500)
	k.Kill(t)
	k.Restart(t)
	load.wait(t, 500)
	load.stop()

	close(long.end)
	k.waitCommitted(t, topic, topic)
	total := 0
	for _, end := range k.ends(t, topic) {
		total += int(end)
	}
	d.checkOnce(t, total)
	if runs := long.runs.Load(); runs != 1 {
		t.Errorf("the long job was started %d times", runs)
	}
}

const longKey = "long"

// longJob runs for as long as the test wants.
type longJob struct {
	began chan struct{} // closed by the first run
	end   chan struct{} // closed by the test
	runs  atomic.Int32
}

func newLongJob() *longJob {
	return &longJob{began: make(chan struct{}), end: make(chan struct{})}
}

func (l *longJob) run(ctx context.Context) error {
	if l.runs.Add(1) == 1 {
		close(l.began)
	}
	select {
	case <-l.end:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// load writes records for as long as it is not stopped, over faults of the
// broker. What was sent again because its answer was lost is a record more.
type load struct {
	written atomic.Int64
	stop    func()
}

func (k *kafka) load(t *testing.T, topic string, partitions int32) *load {
	t.Helper()
	producer, err := sarama.NewSyncProducerFromClient(k.client)
	if err != nil {
		t.Fatal(err)
	}
	l, quit, stopped := &load{}, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		defer producer.Close()
		for {
			select {
			case <-quit:
				return
			case <-time.After(10 * time.Millisecond):
			}
			if producer.SendMessages(numbered(topic, partitions, 5)) == nil {
				l.written.Add(int64(partitions) * 5)
			}
		}
	}()
	l.stop = sync.OnceFunc(func() {
		close(quit)
		<-stopped
	})
	t.Cleanup(l.stop)
	return l
}

// wait waits until n more records are written.
func (l *load) wait(t *testing.T, n int64) {
	t.Helper()
	from := l.written.Load()
	until(t, func() (bool, any) {
		now := l.written.Load()
		return now >= from+n, now
	}, "%d records are written beyond %d", n, from)
}
