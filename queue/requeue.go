package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
)

// Why [Store.Requeue] refuses a dead letter, beside [ErrDetached]. Nothing was
// changed.
var (
	// ErrJobWaiting means that the partition has a job of that offset.
	ErrJobWaiting = errors.New("a job of its offset is open")
	// ErrTopicAnew means that the partition is of another topic of that name than
	// the job.
	ErrTopicAnew = errors.New("its topic was deleted and created anew")
)

// RequeueResult is what became of a dead letter that was to be requeued. Neither
// Done nor Err: there is no such letter any more.
type RequeueResult struct {
	DeadRef
	Done bool
	Err  error // why it was refused; matches an error of this package
}

// Requeue makes dead letters jobs again, each exactly once: a letter goes from
// the file in the transaction that puts the job there. The job keeps its offset
// and takes its place in its lane, before later ones that wait; the frontier does
// not move back. With reset its attempts count from the beginning. A letter is
// refused where its partition is not attached. What is Done is durable; with an
// error, what was requeued is not known.
func (s *Store) Requeue(ctx context.Context, reset bool, refs ...DeadRef) ([]RequeueResult, error) {
	acts := newDeadActs(deadAct{kind: Requeued, do: (*deadTable).requeue, reset: reset}, refs)
	if err := s.act(ctx, s.mayRequeue, acts); err != nil {
		return nil, fmt.Errorf("requeue %d dead letters: %w", len(refs), err)
	}
	results := make([]RequeueResult, len(acts))
	for i, a := range acts {
		results[i] = RequeueResult{a.ref, a.done, a.refused}
	}
	return results, nil
}

// mayRequeue is called with mu held.
func (s *Store) mayRequeue(a *deadAct) error {
	p := s.parts[a.ref.TopicPartition]
	if p == nil || p.detached {
		return ErrDetached
	}
	if p.open.has(a.ref.Offset) {
		return ErrJobWaiting
	}
	a.topicID = p.topicID
	p.touch() // its share of the flush places the job
	return nil
}

// requeue moves a letter to the jobs that are aside.
func (t *deadTable) requeue(a *deadAct) error {
	stored := bytes.Clone(t.dead().Get(deadKey(a.ref.Offset, a.ref.Number)))
	if stored == nil {
		return nil
	}
	v, body, err := openLetter(stored)
	var r row
	if err == nil {
		r, err = rowOfBody(body)
	}
	switch {
	case err != nil:
		a.refused = &DamageError{fmt.Sprintf("dead letter %s", a.ref), err}
		return nil
	case v.TopicID != a.topicID && v.TopicID != "" && a.topicID != "":
		a.refused = ErrTopicAnew
		return nil
	}
	aside, err := makeAside(t.part)
	if err != nil {
		return err
	}
	if aside.index.Get(offsetKey(r.offset)) != nil {
		a.refused = ErrJobWaiting
		return nil
	}
	note := &v.Note
	note.Checkpoint = len(v.Checkpoint) > 0
	if note.retried(a.reset) {
		note = nil
	}
	err = errors.Join(aside.put(r, body, note), setCheckpoint(t.part, r.offset, true, v.Checkpoint), aside.close())
	if err != nil {
		return err
	}
	t.back = append(t.back, asideBack{r.aside(), note})
	return t.remove(a)
}
