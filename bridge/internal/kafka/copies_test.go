package kafka_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

const describeGroups bridgetest.Request = 15

// opening is a process with a copy of the store "k3v0".
func opening(epoch uint64, nonce string) func(*kafka.Config) {
	return func(cfg *kafka.Config) { cfg.Opening = kafka.Opening{Store: "k3v0", Epoch: epoch, Nonce: nonce} }
}

// saying counts the lines that a cluster logs with text.
func saying(t *testing.T, text string) (change func(*kafka.Config), said *atomic.Int64) {
	said = new(atomic.Int64)
	return func(cfg *kafka.Config) {
		to := t.Output()
		cfg.Logger = slog.New(slog.NewTextHandler(writer(func(line []byte) (int, error) {
			if strings.Contains(string(line), text) {
				said.Add(1)
			}
			return to.Write(line)
		}), nil))
	}, said
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// awaitCopy is what tells a process that it gives way.
func awaitCopy(t *testing.T, c *kafka.Cluster) <-chan error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	result, done := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(done)
		result <- c.AwaitCopy(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return result
}

func givesWay(t *testing.T, ended <-chan error, to uint64) {
	t.Helper()
	var copied *kafka.CopyError
	select {
	case err := <-ended:
		if !errors.As(err, &copied) || copied.Other.Epoch != to {
			t.Fatalf("ended with %v, want a copy in its opening %d", err, to)
		}
	case <-time.After(patience):
		t.Fatal("it goes on")
	}
	for _, part := range []string{"k3v0", "stop one of the two for good", `group "billing"`} {
		if !strings.Contains(copied.Error(), part) {
			t.Errorf("%q does not say %q", copied, part)
		}
	}
}

// A copy that was made while its original works joins no group: the original,
// and its partitions, see nothing of it.
func TestACopyBesideALiveOneIsRefused(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2), bridgetest.Topic("imports", 1))
	original, o := dial(t, broker.Addrs(), opening(5, "original")), newOwner()
	consume(t, original, topics("orders"), o)
	o.take(t, 2)
	consume(t, dial(t, broker.Addrs()), topics("orders"), o) // somebody else
	claims := o.take(t, 1)
	goesOn := awaitCopy(t, original)
	joins := broker.Watch(bridgetest.JoinGroup)

	said, waits := saying(t, "works with this store, too")
	other, none := dial(t, broker.Addrs(), opening(6, "copy"), said), newOwner()
	sub := fixed("imports", 0)
	sub.Topics = []string{"orders"}
	_, refused := start(t, other, sub, none)
	until(t, "the reason is shown", func() bool { return strings.Contains(other.CopySeen(), "works with this store, too") })
	givesWay(t, refused, 5)
	none.none(t)
	if joins.Hits() > 0 || waits.Load() != 1 {
		t.Errorf("it tried to join %d times, and said that it waits %d times", joins.Hits(), waits.Load())
	}
	for _, h := range claims {
		h.owned(t)
	}
	select {
	case err := <-goesOn:
		t.Errorf("the original ends with %v", err)
	default:
	}
}

// Copies that are started at the same time do not see each other before they
// join. One goes on, and the other gives way before it takes a partition.
func TestOfTwoCopiesThatStartAtOnceOneGoesOn(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 4))
	release := broker.Hold(t, bridgetest.JoinGroup)
	looks := broker.Watch(describeGroups)
	lower, higher := newOwner(), newOwner()
	gone := dial(t, broker.Addrs(), opening(5, "aaa"))
	stop, refused := start(t, gone, topics("orders"), lower)
	consume(t, dial(t, broker.Addrs(), opening(5, "bbb")), topics("orders"), higher)
	looks.Wait(t, 4) // each looks, lists the topics, looks once more and joins
	release()
	var err error
	select {
	case err = <-refused:
		lower.none(t)
	case err = <-awaitCopy(t, gone): // it had joined before the other
		stop()
		<-refused
	case <-time.After(patience):
		t.Fatal("both go on")
	}
	var copied *kafka.CopyError
	if !errors.As(err, &copied) || copied.Other.Nonce != "bbb" {
		t.Fatalf("ended with %v", err)
	}
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	higher.take(t, 4)
}

// Whoever may not describe the group does without, and says so once. Once it may,
// the copy that was opened less often gives way, whichever joined first.
func TestACopyThatJoinedUnseenIsFoundWhileItWorks(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]uint64{"the older is there": 5, "the newer is there": 6} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 4))
			forbidden := broker.Fail(describeGroups, bridgetest.Always, sarama.ErrGroupAuthorizationFailed)
			said, blind := saying(t, "cannot see who is in the group")
			one, two := newOwner(), newOwner()
			there := dial(t, broker.Addrs(), opening(first, "a"), said)
			consume(t, there, topics("orders"), one)
			one.take(t, 4)
			comes := dial(t, broker.Addrs(), opening(11-first, "b"))
			consume(t, comes, topics("orders"), two)
			two.take(t, 2)
			older, newer := there, comes
			if first == 6 {
				older, newer = comes, there
			}
			ended, goesOn := awaitCopy(t, older), awaitCopy(t, newer)
			forbidden.Wait(t, 6)
			if blind.Load() != 1 {
				t.Errorf("said %d times", blind.Load())
			}
			forbidden.Remove()
			givesWay(t, ended, 6)
			until(t, "it is shown", func() bool {
				return strings.Contains(newer.CopySeen(), "a copy of this data directory is in use")
			})
			select {
			case err := <-goesOn:
				t.Errorf("the newer one ends with %v", err)
			default:
			}
		})
	}
}

// Members with other stores are no copies, and neither are those with other
// programs.
func TestOtherStoresAreNoCopies(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 4))
	var clusters []*kafka.Cluster
	o := newOwner()
	for _, store := range []string{"k3v0", "k3v1", ""} {
		c := dial(t, broker.Addrs(), func(cfg *kafka.Config) { cfg.Opening = kafka.Opening{Store: store, Epoch: 1, Nonce: "x"} })
		consume(t, c, topics("orders"), o)
		clusters = append(clusters, c)
		until(t, "it joins", func() bool { return c.Membership().ID != "" })
	}
	ended := awaitCopy(t, clusters[0])
	looks := broker.Watch(describeGroups)
	looks.Wait(t, 3)
	select {
	case err := <-ended:
		t.Errorf("ended with %v", err)
	default:
	}
}

// A static member that comes back under another name, or under none, finds its
// old self in the group until the session has timed out.
func TestAMemberOfAnotherNameThanBeforeIsNoCopy(t *testing.T) {
	t.Parallel()
	for name, names := range map[string][2]string{
		"higher": {"host-a", "host-b"}, "lower": {"host-b", "host-a"}, "none": {"host-a", ""}, "one": {"", "host-a"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 4))
			beside := newOwner()
			consume(t, dial(t, broker.Addrs(), instance("other"), func(cfg *kafka.Config) {
				cfg.Opening = kafka.Opening{Store: "k3v1", Epoch: 9, Nonce: "x"}
			}), topics("orders"), beside)
			beside.take(t, 4)
			o := newOwner()
			before := dial(t, broker.Addrs(), instance(names[0]), opening(5, "before"))
			stop := consume(t, before, topics("orders"), o)
			o.take(t, 2)
			leaves := broker.Fail(bridgetest.LeaveGroup, bridgetest.Always, sarama.ErrUnknown)
			stop()
			if err := before.Close(); err != nil {
				t.Log(err)
			}
			leaves.Remove()
			o = newOwner()
			next := dial(t, broker.Addrs(), instance(names[1]), opening(6, "after"))
			consume(t, next, topics("orders"), o)
			o.take(t, 2)
			ended := awaitCopy(t, next)
			broker.Watch(describeGroups).Wait(t, 3)
			select {
			case err := <-ended:
				t.Errorf("ended with %v", err)
			default:
			}
		})
	}
}

// A static member that is started on an older copy does not fence the newer one;
// started on the next opening it takes its place at once.
func TestAStaticMemberYieldsToALaterOpening(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	o := newOwner()
	_, fenced := start(t, dial(t, broker.Addrs(), instance("holdfast-k3v0"), opening(9, "a")), topics("orders"), o)
	o.take(t, 2)
	none := newOwner()
	_, refused := start(t, dial(t, broker.Addrs(), instance("holdfast-k3v0"), opening(4, "b")), topics("orders"), none)
	givesWay(t, refused, 9)
	none.none(t)

	at := time.Now()
	consume(t, dial(t, broker.Addrs(), instance("holdfast-k3v0"), opening(10, "c")), topics("orders"), o)
	o.take(t, 2)
	select {
	case err := <-fenced:
		if !errors.Is(err, kafka.ErrInstanceFenced) {
			t.Errorf("ended with %v", err)
		}
	case <-time.After(patience):
		t.Error("the one before goes on")
	}
	if took := time.Since(at); took > patience {
		t.Errorf("it took %v", took)
	}
}

// Where every look fails, as behind a proxy that does not know the request, the
// group is joined without.
func TestAGroupThatCannotBeLookedAtIsJoined(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	fault := broker.Fail(describeGroups, bridgetest.Always, sarama.ErrUnknown)
	said, blind := saying(t, "cannot see who is in the group")
	o := newOwner()
	consume(t, dial(t, broker.Addrs(), opening(5, "a"), said), topics("orders"), o)
	h := o.one(t)
	if fault.Hits() < 2 || blind.Load() != 1 {
		t.Errorf("asked %d times, and said %d times that it cannot", fault.Hits(), blind.Load())
	}
	h.owned(t)
}

// Static members of one store under different names find each other, too: of
// those only the names are sure.
func TestStaticCopiesOfDifferentNamesFindEachOther(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 4))
	forbidden := broker.Fail(describeGroups, bridgetest.Always, sarama.ErrGroupAuthorizationFailed)
	one, two := newOwner(), newOwner()
	a := dial(t, broker.Addrs(), instance("host-a"), opening(9, "x"))
	consume(t, a, topics("orders"), one)
	one.take(t, 4)
	b := dial(t, broker.Addrs(), instance("host-b"), opening(5, "y"))
	consume(t, b, topics("orders"), two)
	two.take(t, 2)
	ended, goesOn := awaitCopy(t, a), awaitCopy(t, b)
	forbidden.Remove()
	givesWay(t, ended, 5)
	until(t, "it is shown", func() bool { return b.CopySeen() != "" })
	select {
	case err := <-goesOn:
		t.Errorf("the other one ends with %v", err)
	default:
	}
	none := newOwner()
	_, refused := start(t, dial(t, broker.Addrs(), instance("host-c"), opening(6, "z")), topics("orders"), none)
	until(t, "a third one is refused", func() bool { return len(refused) > 0 })
	none.none(t)
}

// Who was away for so long that a copy took its place finds it there when it
// comes back, and is refused like any newcomer.
func TestWhoComesBackToACopyIsRefused(t *testing.T) {
	t.Parallel()
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 2))
	way := &network{open: make(map[net.Conn]bool)}
	one, two := newOwner(), newOwner()
	away := dial(t, broker.Addrs(), opening(6, "a"), func(cfg *kafka.Config) {
		cfg.Tune = func(conf *sarama.Config) { conf.Net.Proxy.Enable, conf.Net.Proxy.Dialer = true, way }
	})
	_, refused := start(t, away, topics("orders"), one)
	one.take(t, 2)
	way.cut(true)
	consume(t, dial(t, broker.Addrs(), opening(6, "copy")), topics("orders"), two)
	claims := two.take(t, 2)
	way.cut(false)
	givesWay(t, refused, 6)
	for _, h := range claims {
		h.owned(t)
	}
	one.none(t)
}

// network is what one process reaches the brokers by.
type network struct {
	mu   sync.Mutex
	open map[net.Conn]bool
	away bool
}

func (n *network) Dial(kind, address string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.away {
		return nil, errors.New("the network is away")
	}
	conn, err := net.Dial(kind, address)
	if err == nil {
		n.open[conn] = true
	}
	return conn, err
}

func (n *network) cut(away bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.away = away
	for conn := range n.open {
		_ = conn.Close()
	}
	clear(n.open)
}
