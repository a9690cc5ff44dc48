package bridgetest

import (
	"slices"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// Rebalance takes all partitions away from the bridge, and gives them back, as
// when another member of the group comes and goes. Nobody else works on them
// meanwhile. Running jobs may finish within three fifths of
// [bridge.Config.RebalanceTimeout]. It takes some seconds, because the bridge
// hears of it with its heartbeats. Partitions of a fixed list stay.
func (e *Env) Rebalance() {
	e.tb.Helper()
	e.running()
	before := e.moving()
	e.Broker.assignNothing()
	e.rejoin()
	e.await("are not taken away", before, func(then, now ownings) bool { return now.revoked > then.revoked })
	if len(e.moving()) < len(before) { // it may have joined again by itself
		e.rejoin()
	}
	e.await("do not come back", before, func(then, now ownings) bool { return now.assigned > then.assigned })
}

// moving are the partitions that the group has assigned to the bridge.
func (e *Env) moving() map[place]ownings {
	held := e.seen.held()
	for at := range held {
		if slices.ContainsFunc(e.cfg.Topics, func(t bridge.Topic) bool { return t.Name == at.topic && len(t.Partitions) > 0 }) {
			delete(held, at)
		}
	}
	return held
}

// rejoin makes the bridge join its group again.
func (e *Env) rejoin() {
	e.tb.Helper()
	joins := e.Broker.Watch(JoinGroup)
	defer joins.Remove()
	// Not for one heartbeat only: the bridge also sends some beside its session.
	disturbed := e.Broker.Fail(Heartbeat, Always, sarama.ErrRebalanceInProgress)
	defer disturbed.Remove()
	joins.Wait(e.tb, 1)
}

// await waits until all partitions have come as far as done says.
func (e *Env) await(what string, before map[place]ownings, done func(then, now ownings) bool) {
	e.tb.Helper()
	if !poll(func() bool {
		for at, then := range before {
			if !done(then, e.seen.owned(at)) {
				return false
			}
		}
		return true
	}) {
		e.tb.Fatalf("partitions %s within %v: %v are here", what, patience, e.seen.held())
	}
}

// assignNothing empties the next assignment that the leader of a group makes.
func (b *Broker) assignNothing() {
	empty := kmsg.NewConsumerMemberAssignment()
	cluster := b.cluster
	b.Control(SyncGroup, func(request kmsg.Request) (kmsg.Response, error, bool) {
		sync := request.(*kmsg.SyncGroupRequest)
		for i := range sync.GroupAssignment {
			sync.GroupAssignment[i].MemberAssignment = empty.AppendTo(nil)
		}
		if len(sync.GroupAssignment) > 0 {
			cluster.DropControl()
		}
		return nil, nil, false
	})
}
