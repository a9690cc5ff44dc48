package bridgetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Request names a kind of request by its number in the Kafka protocol.
type Request int16

// The requests that tests like to disturb.
const (
	Produce         Request = 0
	Fetch           Request = 1
	ListOffsets     Request = 2
	Metadata        Request = 3
	OffsetCommit    Request = 8
	OffsetFetch     Request = 9
	FindCoordinator Request = 10
	JoinGroup       Request = 11
	Heartbeat       Request = 12
	LeaveGroup      Request = 13
	SyncGroup       Request = 14
)

// Always makes a fault last until it is removed.
const Always = -1

// Fault is a disturbance that is under way.
type Fault struct {
	handle *kfake.FaultHandle
}

// Remove ends the fault.
func (f *Fault) Remove() { f.handle.Remove() }

// Hits returns how many requests it has met.
func (f *Fault) Hits() int { return f.handle.Hits() }

// Wait waits until it has met n requests.
func (f *Fault) Wait(tb testing.TB, n int) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := f.handle.Wait(ctx, n); err != nil {
		tb.Fatalf("%d of %d expected requests within %v", f.Hits(), n, patience)
	}
}

// Fail answers the next n requests of a kind with an error code, for each
// partition or group that they name; nothing of them is carried out.
func (b *Broker) Fail(request Request, n int, code sarama.KError) *Fault {
	return b.fault(request, n, code, "", nil)
}

// FailPartitions is [Broker.Fail] for some partitions of a topic only.
func (b *Broker) FailPartitions(request Request, n int, code sarama.KError, topic string, partitions ...int32) *Fault {
	return b.fault(request, n, code, topic, partitions)
}

func (b *Broker) fault(request Request, n int, code sarama.KError, topic string, partitions []int32) *Fault {
	return &Fault{b.cluster.Fault(kfake.Fault{
		Keys:       []kmsg.Key{kmsg.Key(request)},
		Topic:      topic,
		Partitions: partitions,
		Err:        kerr.TypedErrorForCode(int16(code)),
		Count:      n,
	})}
}

// Watch counts requests of a kind and lets them pass.
func (b *Broker) Watch(request Request) *Fault {
	return &Fault{b.cluster.Fault(kfake.Fault{
		Keys:    []kmsg.Key{kmsg.Key(request)},
		Count:   Always,
		Observe: true,
	})}
}

// Drop closes the connection of each of the next n requests of a kind instead
// of answering.
func (b *Broker) Drop(request Request, n int) {
	for range n {
		b.Control(request, func(kmsg.Request) (kmsg.Response, error, bool) {
			return nil, fmt.Errorf("request %d dropped by the test", request), true
		})
	}
}

// Hold keeps all requests of a kind waiting until release is called; the test's
// end releases them too. What is held is then carried out.
func (b *Broker) Hold(tb testing.TB, request Request) (release func()) {
	gate := make(chan struct{})
	release = sync.OnceFunc(func() { close(gate) })
	tb.Cleanup(release)
	cluster := b.cluster
	b.Control(request, func(kmsg.Request) (kmsg.Response, error, bool) {
		select {
		case <-gate:
			cluster.DropControl()
		default:
			cluster.SleepControl(func() { <-gate })
		}
		return nil, nil, false
	})
	return release
}

// Control calls f for each request of a kind, or for all kinds if the request
// is [Always]. f answers the request, closes the connection (an error), or
// passes it on (false); a request answered ends the control, see
// [kfake.Cluster.ControlKey].
func (b *Broker) Control(request Request, f func(kmsg.Request) (kmsg.Response, error, bool)) {
	b.cluster.ControlKey(int16(request), f)
}

func codeError(code int16) error { return kerr.ErrorForCode(code) }
