package kafka

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"
)

// groupClient is membership, and nothing else.
type groupClient struct {
	client *client
	conf   *sarama.Config
	sarama.ConsumerGroup
	errors sync.WaitGroup // the goroutine that reads Errors, which Close ends
}

func (cfg Config) openGroup() (*groupClient, error) {
	client, err := cfg.open("group", cfg.groupConfig())
	if err != nil {
		return nil, err
	}
	group, err := sarama.NewConsumerGroupFromClient(cfg.Group, patient{client})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the group client: %w", err), client.close())
	}
	g := &groupClient{client: client, conf: client.Config(), ConsumerGroup: group}
	g.errors.Go(func() {
		for err := range group.Errors() {
			cfg.Logger.Warn("group client", "error", err)
		}
	})
	return g, nil
}

// close leaves the group, if the member is dynamic, for as long as that is worth
// waiting for: a member that has not left is forgotten after its session timeout.
func (g *groupClient) close() error {
	late := time.AfterFunc(5*time.Second, g.client.connections.end)
	err := g.ConsumerGroup.Close()
	late.Stop()
	g.errors.Wait()
	return errors.Join(err, g.client.close())
}

// member takes the partitions that the group gives us.
type member struct {
	cluster *Cluster
	owner   Owner
	log     *slog.Logger
	current atomic.Pointer[membership] // nil between sessions
	// topics is what the session under way subscribed to. Written between
	// sessions, read by claims.
	topics map[string]Topic
	// ctx is that of the call of Consume under way. Written and read as topics.
	ctx    context.Context
	claims gate
	// others is closed when the fixed partitions are let go: until then their
	// commits need the membership.
	others <-chan struct{}
}

// lease is that of the membership under way; zero: there is none.
func (m *member) lease() time.Time {
	if s := m.current.Load(); s != nil {
		return s.lease()
	}
	return time.Time{}
}

// run is a member until ctx ends or the group refuses us for good.
func (m *member) run(ctx context.Context, sub Subscription) error {
	subscribed := func(ctx context.Context) (map[string]Topic, error) {
		return m.cluster.Topics(ctx, sub.Topics, sub.Patterns)
	}
	pause := backoff{}
	said := ""                    // why not a member, as the log has it: the same is said once
	told := make(map[string]bool) // the names that the log says are missing
	renewed := false              // the membership of an earlier process is looked at once
	for ctx.Err() == nil {
		begin := time.Now()
		topics, err := subscribed(ctx)
		if err == nil && len(topics) > 0 && !renewed {
			err = m.cluster.renew(ctx, topics)
			renewed = err == nil
		}
		if err == nil {
			m.tellMissing(sub.Topics, topics, told)
		}
		switch {
		case ctx.Err() != nil:
			return nil
		case err == nil && len(topics) == 0:
			if said != noTopic {
				m.log.Warn(noTopic, "topics", sub.Topics, "patterns", sub.Patterns)
				said = noTopic
			}
			wait(ctx, pause.next())
			continue
		case err == nil:
			if err = m.cluster.awaitAlone(ctx); err == nil {
				err = m.consume(ctx, topics, subscribed)
			}
			said = ""
		}
		if err == nil || time.Since(begin) > time.Minute {
			pause = backoff{}
		}
		if err != nil {
			if err := final(m.cluster.cfg, err); err != nil {
				return err
			}
			if said != err.Error() {
				m.log.Warn("not a member of the group, will try again", "group", m.cluster.cfg.Group, "error", err)
				said = err.Error()
			}
			wait(ctx, pause.next())
		}
	}
	return nil
}

const noTopic = "no topic to subscribe to yet"

// tellMissing notes each name that is no topic, since it may be misspelt, and
// warns of it once, unless there is no topic at all.
func (m *member) tellMissing(names []string, topics map[string]Topic, told map[string]bool) {
	var missing []string
	for _, name := range names {
		_, exists := topics[name]
		if !exists {
			missing = append(missing, name)
		}
		if !exists && !told[name] && len(topics) > 0 {
			m.log.Warn("topic does not exist yet; it is taken when it does", "topic", name)
		}
		told[name] = !exists && (told[name] || len(topics) > 0)
	}
	m.cluster.missing.Store(&missing)
}

// errChanged ends a session to begin one with the new list of topics. Running
// jobs outlive it: to their owner it looks like any other loss.
var errChanged = errors.New("topics or partitions changed")

// consume is one call of sarama's Consume: with cooperative assignment it lasts
// until ctx ends or the topics change, else until the next rebalance. Its error
// is why the membership was lost or refused.
func (m *member) consume(ctx context.Context, topics map[string]Topic, now func(context.Context) (map[string]Topic, error)) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		if m.cluster.watch(ctx, topics, now, func(context.Context) error { return nil }) == nil {
			cancel(errChanged)
		}
	})
	returned := make(chan struct{})
	beside.Go(func() { m.unblock(ctx, returned) })

	m.topics, m.ctx = topics, ctx
	err := m.cluster.group.Consume(ctx, slices.Sorted(maps.Keys(topics)), m)
	if s := m.current.Swap(nil); s != nil {
		close(s.over)
		if cause := m.ending(s.session.Context()); err == nil && errors.Is(cause, ErrLost) {
			err = cause
		}
	}
	close(returned)
	ours := ctx.Err() != nil
	cancel(nil)
	beside.Wait()
	if ours {
		return nil
	}
	return err
}

// unblock cuts a join short that other members hold up, once ctx has ended and
// every claim is let go: nothing else would end it before they have drained.
func (m *member) unblock(ctx context.Context, returned <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-returned:
		return
	}
	select {
	case <-m.claims.empty():
	case <-returned:
		return
	}
	again := time.NewTicker(time.Second) // the first one leaves sarama its own way out
	defer again.Stop()
	for {
		select {
		case <-again.C:
			m.cluster.group.client.connections.cut()
		case <-returned:
			return
		}
	}
}

// Setup is called by sarama at the start of a session.
func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	s := &membership{
		session: session,
		timeout: m.cluster.group.conf.Consumer.Group.Session.Timeout,
		over:    make(chan struct{}),
		joined:  time.Now(),
	}
	m.cluster.sessions.Add(1)
	if id := m.cluster.cfg.InstanceID; id != "" {
		s.instance = &id
	}
	m.current.Store(s)
	m.log.Info("joined the group", "group", m.cluster.cfg.Group, "member", session.MemberID(),
		"generation", session.GenerationID(), "partitions", count(session.Claims()))
	// Jobs wait for a lease: have one at once.
	m.cluster.heartbeat(session.Context(), s)
	ctx, cancel := context.WithTimeout(session.Context(), min(heartbeatMost, m.cluster.cfg.SessionTimeout/2))
	defer cancel()
	return m.cluster.giveWay(ctx) // before any partition is taken: copies may have joined at once
}

// Cleanup is called by sarama when the claims of a session have returned, while
// its heartbeats still go out.
func (m *member) Cleanup(session sarama.ConsumerGroupSession) error {
	if errors.Is(m.ending(session.Context()), ErrStopping) {
		<-m.others
	}
	return nil
}

// ConsumeClaim is called by sarama for each partition, on a goroutine of its own.
func (m *member) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	m.cluster.group.Pause(map[string][]int32{claim.Topic(): {claim.Partition()}})
	m.claims.enter()
	defer m.claims.leave()

	s := m.current.Load()
	c := m.cluster.newClaim(claim.Topic(), claim.Partition(), m.topics[claim.Topic()].ID, func() *membership { return s })
	c.hold(m.owner, func() error { return m.ended(session.Context(), claim.Messages()) })
	return nil
}

// ended waits for the end of a claim and says why it ended. Messages that came
// before the claim was paused are dropped: the fetch client brings them.
func (m *member) ended(session context.Context, messages <-chan *sarama.ConsumerMessage) error {
	for open := true; open; {
		select {
		case _, open = <-messages:
		case <-session.Done():
			open = false
		}
	}
	if session.Err() == nil {
		return ErrRevoked
	}
	return m.ending(session)
}

// ending says what the end of a session is to its claims. When our own context
// ends, sarama cancels the session without a cause, and may do so before the
// cause has got from our context to the session's.
func (m *member) ending(session context.Context) error {
	cause := context.Cause(session)
	if cause == context.Canceled && m.ctx.Err() != nil {
		cause = context.Cause(m.ctx)
	}
	switch {
	case cause == nil, errors.Is(cause, ErrStopping):
		return cause
	case errors.Is(cause, sarama.ErrRebalanceInProgress), errors.Is(cause, sarama.ErrSessionPartitionCountChanged):
		return fmt.Errorf("%w: %w", ErrRevoked, cause)
	}
	return fmt.Errorf("%w: %w", ErrLost, cause)
}

func count(claims map[string][]int32) (n int) {
	for _, partitions := range claims {
		n += len(partitions)
	}
	return n
}

// final returns what no retry mends, in words; nil for everything else.
func final(cfg Config, err error) error {
	switch {
	case errors.As(err, new(*CopyError)):
		return err
	case errors.Is(err, sarama.ErrFencedInstancedId):
		return fmt.Errorf("%w: %q in group %q: either a copy of this data directory is in use, then stop one of the two for good, or give each its own instance id",
			ErrInstanceFenced, cfg.InstanceID, cfg.Group)
	case errors.Is(err, sarama.ErrInconsistentGroupProtocol):
		return fmt.Errorf("group %q does not accept the assignors %v: its other members use none of them: configure one that they use: %w",
			cfg.Group, cfg.Assignors, err)
	case errors.Is(err, sarama.ErrGroupAuthorizationFailed), errors.Is(err, sarama.ErrTopicAuthorizationFailed),
		errors.Is(err, sarama.ErrInvalidSessionTimeout), errors.Is(err, sarama.ErrInvalidGroupId):
		return fmt.Errorf("join group %q: %w", cfg.Group, err)
	}
	return nil
}
