package kafka_test

import (
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

// A member that was killed is in the group until its session has timed out. Its
// next process, whose own timeout is shorter now, takes it for no copy.
func TestAKilledPredecessorIsNoCopy(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	long := func(cfg *kafka.Config) { cfg.SessionTimeout = 9 * time.Second }
	killed := dial(t, broker.Addrs(), opening(5, "before"), long)
	o := newOwner()
	stop := consume(t, killed, topics("orders"), o)
	o.take(t, 2)
	leaves := broker.Fail(bridgetest.LeaveGroup, bridgetest.Always, sarama.ErrUnknown)
	stop()
	if err := killed.Close(); err != nil {
		t.Log(err)
	}
	leaves.Remove()
	at := time.Now()
	o = newOwner()
	next := dial(t, broker.Addrs(), opening(6, "after"))
	consume(t, next, topics("orders"), o)
	o.take(t, 2)
	if took := time.Since(at); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
	if seen := next.CopySeen(); seen != "" {
		t.Errorf("still shown: %s", seen)
	}
}

// A coordinator counts anew on a member that it has lost sight of, or that has
// joined: whoever is there for longer than its session timeout for that is no copy.
func TestAPredecessorIsCountedAnewAfterAnInterruption(t *testing.T) {
	t.Parallel()
	const shown = 5 * time.Second // twice: less than it takes to be a copy each time, and more together
	for name, interrupt := range map[string]func(*kmsg.DescribeGroupsResponseGroup){
		"the coordinator loads the group": func(g *kmsg.DescribeGroupsResponseGroup) { g.ErrorCode = int16(sarama.ErrOffsetsLoadInProgress) },
		"members join":                    func(g *kmsg.DescribeGroupsResponseGroup) { g.State = "PreparingRebalance" },
		"partitions move":                 func(g *kmsg.DescribeGroupsResponseGroup) { g.Members[0].MemberAssignment = []byte{1} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
			var begin time.Time // of the looks, which come one at a time
			interrupted := false
			for range 60 { // each is for one look
				broker.Control(describeGroups, func(r kmsg.Request) (kmsg.Response, error, bool) {
					if begin.IsZero() {
						begin = time.Now()
					}
					since := time.Since(begin)
					if since > 2*shown {
						return nil, nil, false
					}
					answer := r.ResponseKind().(*kmsg.DescribeGroupsResponse)
					g := kmsg.NewDescribeGroupsResponseGroup()
					g.Group, g.State, g.ProtocolType = "billing", "Stable", "consumer"
					m := kmsg.NewDescribeGroupsResponseGroupMember()
					m.MemberID, m.ClientHost = "before-1", "/10.0.0.7"
					m.ClientID = kafka.Mark(kafka.Opening{Store: "k3v0", Epoch: 5, Nonce: "before"}, "holdfast", 2*time.Second)
					g.Members = append(g.Members, m)
					if since > shown && !interrupted {
						interrupted = true
						interrupt(&g)
					}
					answer.Groups = append(answer.Groups, g)
					return answer, nil, true
				})
			}
			said, blind := saying(t, "cannot see who is in the group")
			o := newOwner()
			consume(t, dial(t, broker.Addrs(), opening(6, "after"), said), topics("orders"), o)
			o.one(t)
			if !interrupted || blind.Load() > 0 {
				t.Errorf("interrupted: %v, and went on without a look %d times", interrupted, blind.Load())
			}
		})
	}
}

// A predecessor is waited for until the bridge is to stop.
func TestWaitingForAPredecessorEndsWithTheStop(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	o := newOwner()
	consume(t, dial(t, broker.Addrs(), opening(5, "a")), topics("orders"), o)
	o.one(t)
	next := dial(t, broker.Addrs(), opening(6, "b"))
	stop := consume(t, next, topics("orders"), o)
	until(t, "it waits", func() bool { return next.CopySeen() != "" })
	stop()
	o.none(t)
}
