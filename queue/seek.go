package queue

import (
	"fmt"
	"time"
)

// Seek is an operator's wish that a partition goes on from another offset. The
// file keeps it until Kafka has acknowledged an offset that follows from it, so
// that no crash on the way leaves it half done.
type Seek struct {
	Offset int64
	// Keep leaves the stored jobs below Offset to run: only what is not stored
	// yet is passed over.
	Keep bool
	// TopicID is the topic that Offset is of; empty where the broker has none. In
	// a topic created anew the wish is void.
	TopicID string
	// Committed is the offset that Kafka had as committed when it was asked, and
	// once it begins, then; -1: none. Who asked knew nothing of what others have
	// committed beyond it.
	Committed int64
	Asked     time.Time
	// Applied: the store goes by it, and the offset that Kafka has is of before.
	Applied bool
	// Back: records run again by it.
	Back bool
}

// seekValue is what the file knows of a Seek.
type seekValue struct {
	Offset    int64  `msgpack:"offset"`
	Keep      bool   `msgpack:"keep,omitempty"`
	TopicID   string `msgpack:"topic_id,omitempty"`
	Committed int64  `msgpack:"committed,omitempty"`
	Asked     int64  `msgpack:"asked"` // Unix nanoseconds
	Applied   bool   `msgpack:"applied,omitempty"`
	Back      bool   `msgpack:"back,omitempty"`
}

func (v *seekValue) seek() *Seek {
	if v == nil {
		return nil
	}
	return &Seek{v.Offset, v.Keep, v.TopicID, v.Committed, time.Unix(0, v.Asked), v.Applied, v.Back}
}

// AskSeek notes a wish, in place of an earlier one. Nothing moves before
// [Partition.SeekApplied]. It is durable after [Store.Sync].
func (p *Partition) AskSeek(s Seek) error {
	if s.Offset < 0 {
		return fmt.Errorf("seek %s: offset %d is below zero", p.tp, s.Offset)
	}
	return p.change(func() error {
		// What Kafka has is still of before an earlier wish to go back.
		back := p.seek != nil && p.seek.Back
		p.seek = &seekValue{Offset: s.Offset, Keep: s.Keep, TopicID: s.TopicID, Committed: s.Committed, Asked: s.Asked.UnixNano(), Back: back}
		return nil
	})
}

// SeekBegins notes Back and Committed of a wish before the partition moves: where
// the file has the move and not yet that the wish is applied, nothing else tells.
func (p *Partition) SeekBegins(wish Seek) error {
	return p.wished(wish, func(v *seekValue) { v.Back, v.Committed = wish.Back, wish.Committed })
}

// SeekApplied notes that the partition stands where the wish wants it, and counts
// the wish: what this opening has committed with a lower count is of before. Once
// Kafka has acknowledged an offset of after that, [Partition.DropSeek] is due.
func (p *Partition) SeekApplied(wish Seek, opening string) error {
	return p.wished(wish, func(v *seekValue) {
		if !v.Applied {
			v.Applied = true
			p.seeks, p.soughtIn = p.seeks+1, opening
		}
	})
}

// wished changes what is known of a wish. Another one that came meanwhile stays as
// it is, to be carried out.
func (p *Partition) wished(wish Seek, set func(*seekValue)) error {
	return p.change(func() error {
		if p.seek.is(wish) {
			v := *p.seek
			set(&v)
			p.seek = &v
		}
		return nil
	})
}

// DropSeek forgets a wish that is fulfilled or void, and no other.
func (p *Partition) DropSeek(wish Seek) error {
	return p.change(func() error {
		if p.seek.is(wish) {
			p.seek = nil
		}
		return nil
	})
}

// is tells whether it is that wish, however far that has come.
func (v *seekValue) is(wish Seek) bool {
	return v != nil && v.Offset == wish.Offset && v.Keep == wish.Keep && v.TopicID == wish.TopicID && v.Asked == wish.Asked.UnixNano()
}
