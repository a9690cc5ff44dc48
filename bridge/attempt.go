package bridge

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// attempt is one run of a job as its handler sees it.
type attempt struct {
	Job
	ctx   runContext
	batch *batchRun // nil: the job runs by itself
	// cancelled is an operator's word, deferred the handler's; nil: none.
	cancelled atomic.Pointer[cancellation]
	deferred  atomic.Pointer[Deferred]
	// stored is the store's name of the run; the zero value under [Try].
	stored  queue.Run
	extra   atomic.Pointer[extra] // nil: the job has nothing of it
	began   time.Time             // of a batch, the leader's
	produce *producing            // of the topic
}

// extra is what few jobs have: the others are smaller without it.
type extra struct {
	// These are set before the handler runs.
	pulse      *pulse // nil: the topic has no heartbeat
	checkpoint []byte // what the attempts before have reached; nil: nothing
	trace      *Trace // the span that the run is; nil: none but the record's

	output []Record // what the handler has produced; its own while it runs
}

// more returns what to keep something extra in.
func (a *attempt) more() *extra {
	if a.extra.Load() == nil {
		a.extra.CompareAndSwap(nil, new(extra)) // another may ask for the checkpoint
	}
	return a.extra.Load()
}

// output is what the handler has produced.
func (a *attempt) output() []Record {
	if extra := a.extra.Load(); extra != nil {
		return extra.output
	}
	return nil
}

// pulse is nil where the topic has no heartbeat.
func (a *attempt) pulse() *pulse {
	if extra := a.extra.Load(); extra != nil {
		return extra.pulse
	}
	return nil
}

// checkpoint is what the attempts before have reached; nil: nothing.
func (a *attempt) checkpoint() []byte {
	if extra := a.extra.Load(); extra != nil {
		return extra.checkpoint
	}
	return nil
}

// attempts makes the attempts of a hand, a few with one allocation. What they
// point to is a copy, if it is small also made for a few together: the store's
// own must not change, and as fetched a record is a part of all that one answer
// of a broker held, up to 16 MiB, which a long run would keep. A handler that
// keeps a job keeps no more than its few neighbours.
//
// The zero value is ready to use.
type attempts struct {
	made  []attempt
	bytes []byte          // room for copies: its length is what is used
	names strings.Builder // lanes' names, parts of one string
}

const (
	fewAttempts = 8
	small       = 128 // bytes: larger copies are made one by one
)

// next returns the attempt of a job that left others of its hand will follow.
// The job gives up its own record, but for the offset.
func (a *attempts) next(taken *queue.Job, v *view, left int) *attempt {
	if len(a.made) == 0 {
		a.made = make([]attempt, min(1+left, fewAttempts))
		a.names = strings.Builder{}
	}
	next := &a.made[0]
	a.made = a.made[1:]
	next.ctx.scope, next.ctx.job = v.scope, &next.Job
	next.stored = taken.Run()
	next.Job = Job{
		Record: Record{
			Topic:     taken.Topic,
			Partition: taken.Partition,
			Offset:    taken.Offset,
		},
		Lane:      a.name(taken.Lane.Name),
		Attempt:   taken.Attempt,
		LastError: taken.LastError,
		topicID:   v.topicID,
		rerun:     taken.Rerun,
		run:       next,
	}
	next.produce = v.route.produce
	if taken.Timestamp >= 0 {
		next.Timestamp = time.UnixMilli(taken.Timestamp)
	}
	a.copy(&next.Record, &taken.Record, left)
	forget(taken)
	return next
}

// forget lets go of what a job's record points to.
func forget(taken *queue.Job) { taken.Record = queue.Record{Offset: taken.Offset} }

// name returns a copy of a lane's name.
func (a *attempts) name(name []byte) string {
	from := a.names.Len()
	a.names.Write(name)
	return a.names.String()[from:]
}

// copy gives dst what src points to.
func (a *attempts) copy(dst *Record, src *queue.Record, left int) {
	size := smallSize(src.Key) + smallSize(src.Value)
	for _, h := range src.Headers {
		size += smallSize(h.Value)
	}
	if cap(a.bytes)-len(a.bytes) < size {
		a.bytes = make([]byte, 0, size*min(1+left, fewAttempts))
	}
	dst.Key, dst.Value = a.own(src.Key), a.own(src.Value)
	if len(src.Headers) == 0 {
		return
	}
	dst.Headers = make([]Header, len(src.Headers))
	for i, h := range src.Headers {
		dst.Headers[i] = Header{Key: h.Key, Value: a.own(h.Value)}
	}
}

// smallSize is what b needs of the room for small copies.
func smallSize(b []byte) int {
	if len(b) > small {
		return 0
	}
	return len(b)
}

// own returns a copy of b, for which there is room. Null stays null, and empty
// empty.
func (a *attempts) own(b []byte) []byte {
	switch {
	case b == nil:
		return nil
	case len(b) == 0: // there may be no room at all
		return []byte{}
	case len(b) > small:
		return append([]byte(nil), b...) // unlike make, writes the memory once
	}
	at := len(a.bytes)
	a.bytes = append(a.bytes, b...)
	return a.bytes[at:len(a.bytes):len(a.bytes)]
}
