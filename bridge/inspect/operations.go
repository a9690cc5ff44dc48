package inspect

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Operations lists the stored operations.
func (i *inspector) Operations(context.Context) ([]BulkOperation, error) {
	if err := i.store.Err(); err != nil {
		return nil, err
	}
	var list []BulkOperation
	for _, op := range i.store.Operations() {
		s, err := openBulk(op)
		if err != nil {
			s.Operation = BulkOperation{ID: op.ID, State: OperationFailed, Reason: err.Error(), Began: op.Began}
		}
		list = append(list, s.show())
	}
	return list, nil
}

// runningOperations are those of a topic that go on.
func (i *inspector) runningOperations(topic string) (running []bulkState) {
	for _, op := range i.store.Operations() {
		if !op.Open {
			continue
		}
		if s, err := openBulk(op); err == nil && s.running() && s.Operation.Topic == topic {
			running = append(running, s)
		}
	}
	return running
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
			if same, err := openBulk(before); err == nil && same.executes(plan) {
				return same.show(), true, nil
			}
			continue
		}
		s, err := i.newOperation(ctx, id, plan)
		if err != nil {
			return BulkOperation{}, false, err
		}
		var stored queue.Operation
		if err := s.encode(&stored); err != nil {
			return BulkOperation{}, false, err
		}
		if _, err := i.store.PutOperation(stored); errors.Is(err, queue.ErrOperationChanged) {
			return i.storeOperation(ctx, plan) // somebody was first
		} else if err != nil {
			return BulkOperation{}, false, err
		}
		return s.show(), false, i.store.Sync(ctx)
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
		ids = append(ids, fmt.Sprintf("%s-%x", verb.kind().prefix, sum[:n]))
	}
	return ids
}

// executes reports whether s is the operation of the plan.
func (s *bulkState) executes(plan Plan) bool {
	mine, _ := json.Marshal(s.Operation.Command)
	other, _ := json.Marshal(plan.Command)
	return s.PlanMade.Equal(plan.Made) && bytes.Equal(mine, other)
}

func (i *inspector) newOperation(ctx context.Context, id string, plan Plan) (s bulkState, err error) {
	c := plan.Command
	s = bulkState{PlanMade: plan.Made, Parts: map[int32]uint64{}, Operation: BulkOperation{
		ID: id, State: OperationRunning, Actor: ActorOf(ctx), Verb: c.Verb, Topic: c.topic(), What: c.String(), Command: c,
		Began: i.now(), Matched: len(plan.Jobs) + len(plan.Dead) + len(plan.Lanes) + plan.More,
	}}
	verb, _ := bulkOf(c.Verb)
	return s, verb.begin(i, plan, &s)
}
