package inspect

import (
	"context"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// PartitionOutlook is what becomes of a held partition whose bridge is drained or
// leaves its group.
type PartitionOutlook struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Committed int64  `json:"committed"` // -1: none
	Frontier  int64  `json:"frontier"`
	Next      int64  `json:"next"`
	Running   int    `json:"running"`
	Going     int    `json:"going"`        // stored jobs that run, or will without an operator
	Stuck     int    `json:"stuck"`        // the others: halted, paused, or behind one of these
	Aside     int    `json:"aside"`        // of these and those that go on, requeued or released: kept by this data directory alone
	Parked    int    `json:"parked_lanes"` // lanes of which jobs are kept by this data directory alone
	Dead      int    `json:"dead"`         // as are these
	// Reruns are offsets above the committed one that are done, and that the
	// commit's metadata has no room for: another owner runs them again.
	Reruns int64 `json:"reruns"`
}

// sayMoved tells what another owner runs again and what stays behind; unfinished
// are the jobs that are stored and not finished when the partitions move.
func (p *Plan) sayMoved(sum PartitionOutlook, unfinished int) {
	switch {
	case unfinished > 0 && sum.Aside > 0:
		p.say("%s not finished here: the next owner begins with them anew, at their first attempt, but for those that were requeued or released: these stay in this data directory alone.",
			words.AreNumber(unfinished, "job"))
	case unfinished > 0:
		p.say("%s not finished here: the next owner begins with them anew, at their first attempt.", words.AreNumber(unfinished, "job"))
	}
	switch {
	case sum.Reruns > 0:
		p.say("Of what is done, %s run again there: the commits' metadata has no room to tell of them.", words.Number(sum.Reruns, "offset"))
	default:
		p.say("Nothing that is done runs again there: the commits' metadata tells of all of it.")
	}
	if sum.Parked+sum.Dead > 0 {
		p.say("%s and %s stay in this data directory alone: no other owner has them.",
			words.Number(sum.Parked, "parked lane"), words.Number(sum.Dead, "dead letter"))
	}
}

// outlook tells of each partition what goes on, what does not, and what another
// owner would run again.
func (i *inspector) outlook(ctx context.Context, plan *Plan) error {
	for _, p := range i.store.Attached() {
		tp, state := p.TopicPartition(), p.State()
		going, stuck := p.Outlook()
		reruns, err := i.leftBehind(ctx, p)
		if err != nil {
			return notHeld(err)
		}
		plan.Partitions = append(plan.Partitions, PartitionOutlook{
			Topic: tp.Topic, Partition: tp.Partition,
			Committed: state.Acknowledged, Frontier: state.Frontier, Next: state.Next,
			Running: p.Running(), Going: going, Stuck: stuck,
			Aside: state.Aside, Parked: state.Parked, Dead: i.store.DeadCount(tp).Letters, Reruns: reruns,
		})
	}
	return nil
}

// leftBehind counts the offsets above the frontier that are done and that the
// metadata of a commit would not carry: another owner runs them again.
func (i *inspector) leftBehind(ctx context.Context, p *queue.Partition) (int64, error) {
	state, id := p.State(), i.store.Identity()
	if state.Next < 0 {
		return 0, nil
	}
	progress, err := p.Progress(ctx)
	if err != nil {
		return 0, err
	}
	stamp := recovery.Stamp{
		TopicID: state.TopicID, StoreID: id.StoreID, Epoch: id.Epoch, Nonce: recovery.SomeNonce, Seeks: state.Seeks, Scheme: recovery.SchemeSum(state.Scheme),
		Ahead: progress.Ahead, Left: progress.Left,
	}
	stamp.Parked, _ = p.ParkedIDs()
	for _, pause := range p.Pauses() {
		stamp.Paused = append(stamp.Paused, recovery.Paused{All: !pause.OfLane, Lane: pause.Lane, Until: pause.Until})
	}
	stamp, text := stamp.Fit(recovery.MaxStamp)
	left := stamp.Left
	if text == "" { // there is room for nothing
		for _, r := range progress.Ahead {
			left += r.To - r.From
		}
	}
	return left, nil
}

func sumUp(parts []PartitionOutlook) (sum PartitionOutlook) {
	for _, p := range parts {
		sum.Running += p.Running
		sum.Going += p.Going
		sum.Stuck += p.Stuck
		sum.Aside += p.Aside
		sum.Parked += p.Parked
		sum.Dead += p.Dead
		sum.Reruns += p.Reruns
	}
	return sum
}
