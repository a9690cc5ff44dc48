package queue

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"go.etcd.io/bbolt"
)

// ErrNotDelivered means that Kafka has still to deliver the record of a letter:
// with the letter there would be two of it.
var ErrNotDelivered = errors.New("its offset is above what is stored of its partition")

// DeadImport is a dead letter that was exported, from this store or another one,
// and is to be here, maybe with another record. Its Number says nothing.
type DeadImport struct {
	DeadLetter
	// Change says what an operator has changed; it stays with the letter. Empty:
	// nothing.
	Change string
}

// ImportDead puts dead letters into the store, each at most once. A letter of the
// same offset and burial is the same one: it gets the record that is imported,
// in its old lane, or is left alone where it has it. One that is not here is
// added. A letter is refused where a job of its offset is open here, or its record
// is still to come. What is Done is durable; with an error, what was imported is
// not known.
func (s *Store) ImportDead(ctx context.Context, letters ...DeadImport) ([]RequeueResult, error) {
	acts := make([]*deadAct, len(letters))
	for i := range letters {
		in := &letterImport{DeadImport: letters[i], now: s.clock.Now()}
		acts[i] = &deadAct{ref: in.DeadRef, do: in.write, creates: true}
	}
	if err := s.act(ctx, s.mayImport, acts); err != nil {
		return nil, fmt.Errorf("import %d dead letters: %w", len(letters), err)
	}
	results := make([]RequeueResult, len(acts))
	for i, a := range acts {
		results[i] = RequeueResult{a.ref, a.done, a.refused}
	}
	return results, nil
}

// mayImport is called with mu held.
func (s *Store) mayImport(a *deadAct) error {
	p := s.parts[a.ref.TopicPartition]
	switch {
	case p == nil || p.detached || p.next < 0:
		return nil // the file tells
	case p.open.has(a.ref.Offset):
		return ErrJobWaiting
	case a.ref.Offset >= p.next:
		return ErrNotDelivered
	}
	return nil
}

// letterImport is one letter on its way to the file.
type letterImport struct {
	DeadImport
	now time.Time
}

// write puts the letter into the table, in the place of the one that it was.
func (in *letterImport) write(t *deadTable, a *deadAct) error {
	if a.refused = in.refusal(t); a.refused != nil {
		return nil
	}
	if err := keepForgotten(t.part, in.TopicID); err != nil {
		return err
	}
	number, stored := in.find(t)
	if stored == nil {
		v := in.value()
		w := newBodyWriter()
		w.add(&in.Record, in.scheme(t))
		a.done = true
		return t.put(in.Offset, &v, w.buf, false)
	}
	a.ref.Number = number
	return in.replace(t, a, stored)
}

// refusal is for what the file knows of the offset.
func (in *letterImport) refusal(t *deadTable) error {
	if aside, ok := openAside(t.part); ok && aside.index.Get(offsetKey(in.Offset)) != nil {
		return ErrJobWaiting
	}
	var state stateValue
	if decodeValue(t.part.Get(keyState), &state) != nil || state.Next < 0 {
		return nil
	}
	if in.Offset >= state.Next {
		return ErrNotDelivered
	}
	if state.TopicID != in.TopicID && state.TopicID != "" && in.TopicID != "" {
		return ErrTopicAnew
	}
	return nil
}

// keepForgotten gives a partition that the file does not know the state of one
// of which only dead letters are left.
func keepForgotten(part *bbolt.Bucket, topicID string) error {
	if part.Get(keyState) != nil {
		return nil
	}
	value, err := encodeValue(stateValue{Frontier: -1, Next: -1, Acknowledged: -1, TopicID: topicID})
	if err != nil {
		return err
	}
	return part.Put(keyState, value)
}

// find looks for the letter of the same burial; nil: it is not here.
func (in *letterImport) find(t *deadTable) (number uint64, stored []byte) {
	c := t.dead().Cursor()
	prefix := offsetKey(in.Offset)
	for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = c.Next() {
		if len(key) != deadKeySize {
			continue
		}
		if v, _, err := openLetter(value); err == nil && v.Buried == in.Buried.UnixNano() {
			return deadKeyNumber(key), bytes.Clone(value)
		}
	}
	return 0, nil
}

// replace gives a letter that is here the record that is imported.
func (in *letterImport) replace(t *deadTable, a *deadAct, stored []byte) error {
	v, body, err := openLetter(stored)
	if err != nil {
		return err // find has read it
	}
	rec, scheme, err := decodeBody(body)
	if err == nil && rec.Checksum() == in.Record.Checksum() {
		return nil // it is here already
	}
	if err != nil { // what is imported is better than damage
		scheme, rec.Lane = in.scheme(t), in.Record.Lane
	}
	own := in.Record
	own.Lane = rec.Lane
	v.Changed, v.Change = in.now.UnixNano(), cut(in.Change, MaxError)
	w := newBodyWriter()
	w.add(&own, scheme)
	value, err := v.letter(w.buf)
	if err != nil {
		return err
	}
	t.tally.Bytes += int64(len(value) - len(stored))
	a.done, a.attempts = true, v.Note.Attempts
	return t.dead().Put(deadKey(in.Offset, a.ref.Number), value)
}

// value is what the file keeps of a letter that is new to it.
func (in *letterImport) value() deadValue {
	v := deadValue{
		Buried: in.Buried.UnixNano(), Operator: in.Operator, Reason: cut(in.Reason, MaxError), TopicID: in.TopicID,
		Note:       noteValue{Attempts: in.Attempts, Error: cut(in.Error, MaxError), Checkpoint: len(in.Checkpoint) > 0, Rerun: in.Rerun},
		Checkpoint: in.Checkpoint,
		Changed:    in.now.UnixNano(), Change: cut(in.Change, MaxError),
	}
	for _, one := range in.History[:min(len(in.History), MaxHistory)] {
		v.Note.History = append(v.Note.History, failure{one.Number, one.At.UnixNano(), cut(one.Error, MaxHistoryError)})
	}
	return v
}

// scheme is the number that lanes of new records have.
func (in *letterImport) scheme(t *deadTable) uint16 {
	var state stateValue
	_ = decodeValue(t.part.Get(keyState), &state) // zero, where it is not known
	return state.Scheme
}

// Checksum tells records apart: the CRC-32C of timestamp, key, value and headers.
// Offset and lane are left out.
func (r *Record) Checksum() uint32 {
	var b []byte
	field := func(data []byte) {
		length := int64(len(data))
		if data == nil {
			length = -1
		}
		b = append(binary.AppendVarint(b, length), data...)
	}
	b = binary.AppendVarint(b, r.Timestamp)
	field(r.Key)
	field(r.Value)
	for _, h := range r.Headers {
		field([]byte(h.Key))
		field(h.Value)
	}
	return crc32.Checksum(b, castagnoli)
}
