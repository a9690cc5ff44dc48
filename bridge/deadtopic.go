package bridge

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/partitioner"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Headers of the copies of dead letters, beside [HeaderID], those of the record
// itself, and its origin: [HeaderTopic] and the following. Times are RFC 3339 in
// UTC; what is not known has no header.
const (
	HeaderGroup        = "holdfast-group"         // whose job it was
	HeaderAttempts     = "holdfast-attempts"      // runs that were counted
	HeaderError        = "holdfast-error"         // of the last one
	HeaderReason       = "holdfast-reason"        // why it was buried, where the error does not say it
	HeaderFirstFailure = "holdfast-first-failure" // when the first run failed
	HeaderLastFailure  = "holdfast-last-failure"  // and the last one
	// HeaderBuried is when the job became a dead letter. With [HeaderID] it
	// tells a copy that was sent twice from a job that died twice.
	HeaderBuried = "holdfast-buried"
	// HeaderBurial counts the burials of the partition in its data directory,
	// from 1: the order in which copies are sent.
	HeaderBurial = "holdfast-burial"
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

// sendDead sends copies of dead letters to the topics that the configuration
// names, also those of partitions that are no longer ours, until ctx ends. Each
// topic has a courier while there is something for it: one that is not available
// holds up no other, and nothing else of the bridge.
func (r *run) sendDead(ctx context.Context) error {
	var couriers sync.WaitGroup
	defer couriers.Wait()
	var mu sync.Mutex
	busy := make(map[string]bool) // guarded by mu; topics with a courier
	return every(ctx, lookEvery, func() {
		for topic := range r.unsentByTopic() {
			mu.Lock()
			idle := !busy[topic]
			busy[topic] = true
			mu.Unlock()
			if !idle {
				continue
			}
			couriers.Go(func() {
				defer func() {
					mu.Lock()
					defer mu.Unlock()
					delete(busy, topic)
				}()
				(&courier{run: r, topic: topic}).work(ctx)
			})
		}
	})
}

// unsentByTopic returns the partitions that have letters to send, by the topic
// that their copies go to.
func (r *run) unsentByTopic() map[string][]source {
	topics := make(map[string][]source)
	for _, c := range r.store.DeadCounts() {
		if c.Unsent == 0 {
			continue
		}
		to, err := r.routes.find(c.Topic)
		if err != nil || to.dead.topic == "" { // no longer configured: its letters stay
			continue
		}
		topics[to.dead.topic] = append(topics[to.dead.topic], source{c.TopicPartition, to})
	}
	return topics
}

// source is a partition that has letters to send.
type source struct {
	queue.TopicPartition
	to *route
}

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
		c.log.Warn("dead letters cannot be copied to their topic; they are kept here and sent when it can be written to", "topic", c.topic, "error", err)
	}
}

func (c *courier) recovered() {
	if !c.outage.IsZero() {
		c.log.Info("dead letters are copied to their topic again", "topic", c.topic, "after", time.Since(c.outage).Round(time.Second))
		c.outage = time.Time{}
	}
}

// copyOf is the record of a letter as its topic gets it.
func (c *courier) copyOf(l *queue.DeadLetter, s source) kafka.Message {
	record := Record{
		Topic: c.topic, Partition: l.Partition, Offset: l.Offset, Key: l.Record.Key, Value: l.Record.Value,
	}
	for _, h := range l.Record.Headers {
		record.Headers = append(record.Headers, Header(h))
	}
	record.Headers = append(record.Headers, c.burialOf(l)...)
	return messages([]Record{record}, s.to.dead.placeOf(s.Partition))[0]
}

// burialOf are the headers of a copy.
func (c *courier) burialOf(l *queue.DeadLetter) []Header {
	job := Job{Record: Record{Topic: l.Topic, Partition: l.Partition, Offset: l.Offset}, topicID: l.TopicID}
	if l.Record.Timestamp >= 0 {
		job.Timestamp = time.UnixMilli(l.Record.Timestamp)
	}
	headers := append([]Header{{HeaderID, []byte(job.ID())}}, origin(&job.Record)...)
	headers = append(headers,
		Header{HeaderGroup, []byte(c.cfg.Group)},
		Header{HeaderAttempts, strconv.AppendInt(nil, int64(l.Attempts), 10)},
		Header{HeaderBuried, timeText(l.Buried)},
		Header{HeaderBurial, strconv.AppendUint(nil, l.Number, 10)},
	)
	if l.Error != "" {
		headers = append(headers, Header{HeaderError, []byte(l.Error)})
	}
	if l.Reason != "" && l.Reason != l.Error {
		headers = append(headers, Header{HeaderReason, []byte(l.Reason)})
	}
	if n := len(l.History); n > 0 {
		headers = append(headers, Header{HeaderFirstFailure, timeText(l.History[0].At)}, Header{HeaderLastFailure, timeText(l.History[n-1].At)})
	}
	return headers
}

// deadTo is where copies of dead letters go, ready to use.
type deadTo struct {
	topic     string // "": nowhere
	placement partitioner.Placement
}

func newDeadTo(d DeadLetter) (*deadTo, error) {
	to := &deadTo{topic: d.Topic}
	var err error
	to.placement.Hash, err = hashNamed(d.Partitioner)
	return to, err
}

// copiesDead tells whether some topic has another one for its dead letters.
func (r *routes) copiesDead() bool {
	for to := range r.all() {
		if to.dead.topic != "" {
			return true
		}
	}
	return false
}

// placeOf places the copies of a partition's letters. Those without a key share
// a partition, so that their order stays as well.
func (d *deadTo) placeOf(source int32) func(key []byte, partitions int32) int32 {
	return func(key []byte, partitions int32) int32 {
		if key == nil {
			return source % partitions
		}
		return d.placement.Partition(key, partitions)
	}
}

// deadPolicy tells the store what is to become of a topic's dead letters. Those
// of a topic that is not configured any more are kept.
func (b *Bridge) deadPolicy(topic string) queue.DeadPolicy {
	to, err := b.routes.find(topic)
	if err != nil {
		return queue.DeadPolicy{}
	}
	return to.keepDead
}
