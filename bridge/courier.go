package bridge

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
)

const (
	// lookEvery is how late a dead letter is noticed.
	lookEvery = 250 * time.Millisecond
	// A round of a courier takes so many letters of a partition, and bytes
	// beyond the first, of so many partitions.
	roundLetters    = 256
	roundBytes      = 256 << 10
	roundPartitions = 16
	// Pauses between rounds while a topic does not take copies.
	firstPause, longestPause = time.Second, 30 * time.Second
)

// courier sends copies to one topic, the first letters of each partition in the
// order of their burials before the next.
type courier struct {
	*run
	topic  string
	next   int       // the partition to begin the next round with
	outage time.Time // since when the topic takes no copies; zero: it does
}

// work returns when there is nothing more to send, or ctx ends.
func (c *courier) work(ctx context.Context) {
	defer c.outages.end(c.topic)
	pause := firstPause
	for ctx.Err() == nil {
		sources := c.unsentByTopic()[c.topic]
		if len(sources) == 0 {
			return
		}
		arrived, err := c.round(ctx, sources)
		if arrived > 0 {
			pause = firstPause
		}
		switch {
		case ctx.Err() != nil || errors.Is(err, queue.ErrStoreFailed) || errors.Is(err, queue.ErrClosed):
			return
		case err == nil:
			c.recovered()
			continue
		}
		c.unavailable(err)
		if !sleep(ctx, pause) {
			return
		}
		pause = min(2*pause, longestPause)
	}
}

// round sends the first letters of some partitions, and takes those out of the
// outbox that have arrived. The partitions have their turns.
func (c *courier) round(ctx context.Context, sources []source) (arrived int, err error) {
	c.next %= len(sources)
	sources = append(sources[c.next:len(sources):len(sources)], sources[:c.next]...)
	sources = sources[:min(len(sources), roundPartitions)]
	c.next += len(sources)

	var mu sync.Mutex
	var over []queue.DeadRef // guarded by mu
	var failed error         // guarded by mu; the first
	var windows sync.WaitGroup
	for _, s := range sources {
		windows.Go(func() {
			refs, err := c.window(ctx, s)
			mu.Lock()
			defer mu.Unlock()
			over = append(over, refs...)
			if failed == nil {
				failed = err
			}
		})
	}
	windows.Wait()
	if len(over) > 0 {
		if err := c.store.Sent(ctx, over...); err != nil {
			return 0, err
		}
	}
	return len(over), failed
}

// window sends the first letters of a partition. It returns those that have
// arrived, and those that never will: to these the operator has the local ones.
func (c *courier) window(ctx context.Context, s source) (over []queue.DeadRef, err error) {
	letters, err := c.store.Unsent(s.TopicPartition, roundLetters, roundBytes)
	if err != nil {
		return nil, err
	}
	fates := make([]error, len(letters))
	var messages []kafka.Message
	for i := range letters {
		if fates[i] = letters[i].Damaged; fates[i] != nil {
			continue
		}
		m := c.copyOf(&letters[i], s)
		fates[i] = errUnsettled
		m.Settled = func(err error) { fates[i] = err }
		messages = append(messages, m)
	}
	done := make(chan error, 1)
	if err := c.cluster.Producer().Send(ctx, messages, func(err error) { done <- err }); err != nil {
		return nil, err
	}
	err = <-done
	if ctx.Err() != nil { // messages on their way still write to fates
		return nil, err
	}
	for i := range letters {
		switch fate := fates[i]; {
		case fate == nil:
			over = append(over, letters[i].DeadRef)
		case unfit(fate):
			c.log.Error("dead letter is not copied to its topic and stays here alone",
				"job", letters[i].String(), "topic", c.topic, "error", fate)
			over = append(over, letters[i].DeadRef)
		}
	}
	if len(over) > 0 && unfit(err) {
		err = nil // that was said, and those behind it follow
	}
	return over, err
}

var errUnsettled = errors.New("not sent yet")

// unfit tells whether it is the letter that cannot be sent, whatever happens
// to its topic.
func unfit(err error) bool {
	return errors.Is(err, kafka.ErrTooLarge) || errors.Is(err, kafka.ErrRecordRefused) || errors.As(err, new(*queue.DamageError))
}

// unavailable says once that the topic takes no copies.
func (c *courier) unavailable(err error) {
	if c.outage.IsZero() {
		c.outage = time.Now()
		c.outages.begin(c.topic, c.outage, err)
		c.log.Warn("dead letters cannot be copied to their topic; they are kept here and sent when it can be written to", "topic", c.topic, "error", err)
	}
}

func (c *courier) recovered() {
	if !c.outage.IsZero() {
		c.log.Info("dead letters are copied to their topic again", "topic", c.topic, "after", time.Since(c.outage).Round(time.Second))
		c.outage = time.Time{}
		c.outages.end(c.topic)
	}
}
