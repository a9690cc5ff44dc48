package inspect

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Audit lists the entries that q selects.
func (i *inspector) Audit(ctx context.Context, q AuditQuery) iter.Seq2[AuditEntry, error] {
	return func(yield func(AuditEntry, error) bool) {
		if err := q.Validate(); err != nil {
			yield(AuditEntry{}, err)
			return
		}
		if q.Limit > 0 {
			i.newestAudit(ctx, q, yield)
			return
		}
		for stored, err := range i.store.Audit(ctx, false) {
			e := openAuditEntry(stored)
			if err == nil && !q.matches(e) {
				continue
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// newestAudit finds the newest ones first and yields them the other way round.
func (i *inspector) newestAudit(ctx context.Context, q AuditQuery, yield func(AuditEntry, error) bool) {
	var found []AuditEntry
	for stored, err := range i.store.Audit(ctx, true) {
		if err != nil {
			yield(AuditEntry{}, err)
			return
		}
		if e := openAuditEntry(stored); q.matches(e) {
			if found = append(found, e); len(found) == q.Limit {
				break
			}
		}
	}
	for _, e := range slices.Backward(found) {
		if !yield(e, nil) {
			return
		}
	}
}

func openAuditEntry(stored queue.AuditEntry) (e AuditEntry) {
	err := stored.Damaged
	if err == nil {
		err = json.Unmarshal(stored.Data, &e)
	}
	if err != nil {
		e = AuditEntry{Damaged: err}
	}
	e.Sequence, e.At = stored.Sequence, stored.At
	return e
}

// WriteAudit adds an entry to the audit trail of a store, or replaces the one of
// its sequence, and returns it as it was added: with its sequence, and with what
// is left out of Actor and At. It is durable with the store's next flush, and
// no later than what is handed to the store afterwards.
func WriteAudit(ctx context.Context, store *queue.Store, e AuditEntry) (AuditEntry, error) {
	if e.Actor == "" {
		e.Actor = ActorOf(ctx)
	}
	e.What, e.Reason, e.Error = cutText(e.What), cutText(e.Reason), cutText(e.Error)
	data, err := json.Marshal(e)
	if err != nil {
		return e, fmt.Errorf("audit trail: %w", err)
	}
	e.Sequence, err = store.PutAudit(queue.AuditEntry{Sequence: e.Sequence, At: e.At, Data: data})
	return e, err
}

// maxAuditText bounds each text of an entry, in bytes.
const maxAuditText = 4096

func cutText(s string) string {
	if len(s) <= maxAuditText {
		return s
	}
	n := maxAuditText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.ToValidUTF8(s[:n], "") + "..."
}

// auditBegin notes that a plan is about to be executed.
func (i *inspector) auditBegin(ctx context.Context, plan Plan, at *Operation) (AuditEntry, error) {
	c := plan.Command
	return WriteAudit(ctx, i.store, AuditEntry{
		At: at.Began, Verb: c.Verb, Topic: c.topic(), What: c.String(), Reason: c.Reason, Offline: i.offline,
		Operation: c.Operation, Planned: plan.changes(), Result: ResultUnknown,
	})
}

// auditResult notes what came of it, durably.
func (i *inspector) auditResult(ctx context.Context, e AuditEntry, op *Operation, failure error) error {
	e.Done = len(op.Done) + len(op.Lanes) + len(op.Pauses) + len(op.Seeks) + len(op.Forgets) + len(op.Settings)
	e.AlreadyDone, e.Refused, e.Took = count(op.AlreadyDone), count(op.Refused), op.Took
	switch {
	case failure != nil:
		e.Result, e.Error = ResultFailed, failure.Error()
	case op.Stored != nil && e.Verb == StopOperation:
		e.Result, e.Done = ResultDone, 1
	case op.Stored != nil:
		e.Result, e.Operation = ResultStored, op.Stored.ID
	default:
		e.Result = ResultDone
	}
	if _, err := WriteAudit(ctx, i.store, e); err != nil {
		return err
	}
	return i.store.Sync(context.WithoutCancel(ctx))
}

// auditEnd notes the end of a stored operation that nobody has stopped.
func (i *inspector) auditEnd(op BulkOperation) error {
	result := ResultDone
	switch op.State {
	case OperationStopped:
		result = ResultStopped
	case OperationFailed:
		result = ResultFailed
	}
	e := AuditEntry{
		At: op.Ended, Actor: op.Actor, Verb: op.Verb, Topic: op.Topic, What: op.What, Operation: op.ID,
		Planned: op.Matched, Done: op.Taken, AlreadyDone: op.AlreadyDone, Refused: count(op.Refused),
		Result: result, Took: op.Ended.Sub(op.Began),
	}
	if result != ResultDone {
		e.Error = op.Reason
	}
	_, err := WriteAudit(context.Background(), i.store, e)
	return err
}
