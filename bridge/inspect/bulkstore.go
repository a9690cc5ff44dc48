package inspect

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/bulk"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Operations lists the stored operations.
func (i *inspector) Operations(context.Context) ([]BulkOperation, error) {
	if err := i.store.Err(); err != nil {
		return nil, err
	}
	var list []BulkOperation
	for _, op := range i.store.Operations() {
		e, err := bulk.Read(op)
		if err != nil {
			e.Operation = bulk.Operation{ID: op.ID, State: bulk.Failed, Reason: err.Error(), Began: op.Began}
		}
		list = append(list, shownOperation(&e))
	}
	return list, nil
}

// shownOperation is what an operator sees of an operation.
func shownOperation(e *bulk.Entry) BulkOperation {
	op := e.Operation
	shown := BulkOperation{
		ID: op.ID, State: OperationState(op.State), Reason: op.Reason, Actor: op.Actor, Verb: Verb(op.Verb), Topic: op.Topic, What: op.What,
		Began: op.Began, Ended: op.Ended, Matched: op.Matched, Taken: op.Taken, Done: op.Done,
		DeadAgain: op.DeadAgain, FailedAgain: op.FailedAgain, ParkedAgain: op.ParkedAgain,
		Forgotten: op.Forgotten, Waiting: op.Waiting, AlreadyDone: op.AlreadyDone,
	}
	if err := json.Unmarshal(op.Command, &shown.Command); err != nil {
		shown.Reason = cmp.Or(shown.Reason, err.Error())
	}
	for _, r := range op.Refused {
		group := Group{Reason: r.Reason, Count: r.Count}
		for _, name := range r.Jobs {
			group.Jobs = append(group.Jobs, Name(name))
		}
		shown.Refused = append(shown.Refused, group)
	}
	if c := shown.Command; c.Rate > 0 && e.Running() {
		left := c.lasts(e.Left())
		shown.Left = &left
	}
	return shown
}

// claims are the running operations of a topic.
func (i *inspector) claims(topic string) (claims []bulk.Claim) {
	for _, op := range i.store.Operations() {
		if !op.Open {
			continue
		}
		e, err := bulk.Read(op)
		if err != nil || !e.Running() || e.Operation.Topic != topic {
			continue
		}
		if work, _, err := i.workOf(e.Operation); err == nil {
			claims = append(claims, bulk.Claim{Entry: &e, Work: work})
		}
	}
	return claims
}

// executeLater hands the plan over to an operation.
func (i *inspector) executeLater(ctx context.Context, plan Plan, op *Operation) error {
	stored, again, err := i.storeOperation(ctx, plan)
	if err != nil {
		return err
	}
	if op.Stored = &stored; again {
		addGroup(&op.AlreadyDone, "operation "+stored.ID+" executes the plan", stored.Matched)
	}
	return nil
}

// storeOperation lets a running bridge execute the plan from now on. A plan that
// was executed before has its operation: its id follows from the plan.
func (i *inspector) storeOperation(ctx context.Context, plan Plan) (op BulkOperation, again bool, err error) {
	if err := plan.Command.fits(); err != nil {
		return BulkOperation{}, false, err
	}
	for _, id := range idsOf(plan) {
		if before, taken := i.store.Operation(id); taken {
			if same, err := bulk.Read(before); err == nil && executes(&same, plan) {
				return shownOperation(&same), true, nil
			}
			continue
		}
		e, err := i.newOperation(ctx, id, plan)
		if err != nil {
			return BulkOperation{}, false, err
		}
		var stored queue.Operation
		if err := e.Write(&stored); err != nil {
			return BulkOperation{}, false, err
		}
		if _, err := i.store.PutOperation(stored); errors.Is(err, queue.ErrOperationChanged) {
			return i.storeOperation(ctx, plan) // somebody was first
		} else if err != nil {
			return BulkOperation{}, false, err
		}
		return shownOperation(&e), false, i.store.Sync(ctx)
	}
	return BulkOperation{}, false, errors.New("all ids of the operation are taken; plan it again")
}

// idsOf returns ids for the operation of a plan: the first one that is free, or
// its own, is taken.
func idsOf(plan Plan) (ids []string) {
	text, _ := json.Marshal(plan.Command)
	sum := sha256.Sum256(fmt.Appendf(text, " %d", plan.Made.UnixNano()))
	verb, _ := bulkOf(plan.Command.Verb)
	for n := 2; n <= 8; n++ {
		ids = append(ids, fmt.Sprintf("%s-%x", verb.kind().Prefix, sum[:n]))
	}
	return ids
}

// executes reports whether e is the operation of the plan.
func executes(e *bulk.Entry, plan Plan) bool {
	mine, _ := json.Marshal(shownOperation(e).Command)
	other, _ := json.Marshal(plan.Command)
	return e.PlanMade.Equal(plan.Made) && bytes.Equal(mine, other)
}
