package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/IBM/sarama"
)

// Commit commits the offset, fenced by the member id and generation of the
// current assignment. It waits for the broker's answer about this partition and
// retries what passes until ctx ends: without a deadline, for as long as no
// coordinator answers. ErrFenced, ErrMetadataTooLarge and ErrUnknownTopic are final.
func (c *Claim) Commit(ctx context.Context, offset int64, metadata string) error {
	var refused error // the last answer that passes
	for {
		err := c.commitOnce(ctx, offset, metadata)
		if err == nil {
			return nil
		}
		if errors.Is(err, errAgain) {
			refused = err
			if wait(ctx, retryAfter) {
				continue
			}
		}
		if ctx.Err() != nil && refused != nil {
			err = fmt.Errorf("%w: the last answer was: %w", context.Cause(ctx), refused)
		}
		return fmt.Errorf("commit %s@%d: %w", c, offset, err)
	}
}

// errAgain marks a refusal that passes.
var errAgain = errors.New("to be tried again")

// commitOnce waits until no other commit of the partition is on its way, and
// for the answer. A caller that gives up does not let the next one out before
// the answer has come.
func (c *Claim) commitOnce(ctx context.Context, offset int64, metadata string) error {
	select {
	case c.sending <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if c.over() {
		<-c.sending
		return ErrFenced
	}
	o := &offer{claim: c, offset: offset, metadata: metadata, answer: make(chan error, 1)}
	c.cluster.offers.put(o)
	select {
	case err := <-o.answer:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// offer is an offset to commit, once.
type offer struct {
	claim    *Claim
	offset   int64
	metadata string
	answer   chan error // takes the one answer without waiting
}

func (o *offer) done(err error) {
	o.answer <- err
	<-o.claim.sending
}

// committer sends offers: one request at a time, and while it is on its way the
// offers of other partitions gather for the next.
type committer struct {
	cluster *Cluster
	wake    chan struct{} // holds at most one token: there are offers
	sender  sync.WaitGroup

	mu     sync.Mutex
	offers []*offer // guarded by mu
	closed bool     // guarded by mu
}

func newCommitter(c *Cluster) *committer {
	s := &committer{cluster: c, wake: make(chan struct{}, 1)}
	s.sender.Go(s.send)
	return s
}

func (s *committer) put(o *offer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		o.done(ErrClosed)
		return
	}
	s.offers = append(s.offers, o)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// close refuses what waits and ends the sender. The network may hold it up until
// the connections are cut: wait for it after that.
func (s *committer) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	close(s.wake)
}

func (s *committer) take() []*offer {
	s.mu.Lock()
	defer s.mu.Unlock()
	offers := s.offers
	s.offers = nil
	return offers
}

func (s *committer) send() {
	for range s.wake {
		// By member: a session that drains and the one after it may both be here.
		by := make(map[*membership][]*offer)
		for _, o := range s.take() {
			m := o.claim.member()
			if m == nil && !o.claim.alone {
				o.done(fmt.Errorf("%w: not a member of the group at the moment", errAgain))
				continue
			}
			by[m] = append(by[m], o)
		}
		for m, offers := range by {
			s.commit(m, offers)
		}
		s.cluster.step()
	}
	for _, o := range s.take() {
		o.done(ErrClosed)
	}
}

// commit sends one request and gives each offer its answer.
func (s *committer) commit(m *membership, offers []*offer) {
	group := s.cluster.cfg.Group
	request := &sarama.OffsetCommitRequest{
		Version:                 7, // the first with instance ids
		ConsumerGroup:           group,
		ConsumerGroupGeneration: sarama.GroupGenerationUndefined,
	}
	if m != nil {
		request.ConsumerID, request.ConsumerGroupGeneration = m.identity()
		request.GroupInstanceId = m.instance
	}
	for _, o := range offers {
		request.AddBlockWithLeaderEpoch(o.claim.Topic, o.claim.Partition, o.offset, -1, 0, o.metadata)
	}
	sent := time.Now()
	answer, err := s.ask(request)
	for _, o := range offers {
		if err != nil {
			o.done(fmt.Errorf("%w: %w", errAgain, err))
			continue
		}
		code, answered := answer.Errors[o.claim.Topic][o.claim.Partition]
		if !answered {
			o.done(fmt.Errorf("%w: %w", errAgain, sarama.ErrIncompleteResponse))
			continue
		}
		if m != nil {
			m.answered(request.ConsumerID, sent, code)
		}
		if moved(code) {
			_ = s.cluster.commit.RefreshCoordinator(group)
		}
		o.done(meaning(code, m, o))
	}
}

func (s *committer) ask(request *sarama.OffsetCommitRequest) (*sarama.OffsetCommitResponse, error) {
	client, group := s.cluster.commit, s.cluster.cfg.Group
	coordinator, err := client.Coordinator(group)
	if err != nil {
		return nil, err
	}
	answer, err := coordinator.CommitOffset(request)
	if err != nil {
		_ = coordinator.Close() // dialled anew with the next request
		_ = client.RefreshCoordinator(group)
	}
	return answer, err
}

// meaning is what the coordinator's answer says about one offer.
func meaning(code sarama.KError, m *membership, o *offer) error {
	switch code {
	case sarama.ErrNoError:
		return nil
	case sarama.ErrOffsetMetadataTooLarge:
		return fmt.Errorf("%w: %d bytes", ErrMetadataTooLarge, len(o.metadata))
	case sarama.ErrUnknownTopicOrPartition:
		return ErrUnknownTopic
	case sarama.ErrIllegalGeneration, sarama.ErrRebalanceInProgress:
		// Never final by itself: during a cooperative rebalance members that
		// keep a partition get it, too, even with the generation that is valid.
		if o.claim.Fixed && m != nil || m != nil && m.alive() {
			return fmt.Errorf("%w: %w", errAgain, code)
		}
		return fmt.Errorf("%w: %w", ErrFenced, code)
	case sarama.ErrUnknownMemberId, sarama.ErrFencedInstancedId:
		if o.claim.Fixed && m != nil { // commits with the next membership
			return fmt.Errorf("%w: %w", errAgain, code)
		}
		return fmt.Errorf("%w: %w", ErrFenced, code)
	}
	if passes(code) {
		return fmt.Errorf("%w: %w", errAgain, code)
	}
	return code
}

// Committed asks the group for its committed offset; -1 where there is none.
func (c *Claim) Committed(ctx context.Context) (offset int64, metadata string, err error) {
	return c.cluster.Committed(ctx, c.Topic, c.Partition)
}

// Committed asks the group for the committed offset of a partition, whoever
// owns it; -1 where there is none.
func (c *Cluster) Committed(ctx context.Context, topic string, partition int32) (offset int64, metadata string, err error) {
	for {
		block, err := c.committed(ctx, topic, partition)
		if err == nil {
			return block.Offset, block.Metadata, nil
		}
		if !passes(err) || !wait(ctx, retryAfter) {
			return -1, "", fmt.Errorf("committed offset of %s/%d: %w", topic, partition, err)
		}
	}
}

func (c *Cluster) committed(ctx context.Context, topic string, partition int32) (*sarama.OffsetFetchResponseBlock, error) {
	return call(ctx, c, func() (*sarama.OffsetFetchResponseBlock, error) {
		var block *sarama.OffsetFetchResponseBlock
		err := c.coordinate(func(coordinator *sarama.Broker) (sarama.KError, error) {
			// Offsets of a transaction that is under way are waited for: read
			// from before them, records would be handled twice.
			request := &sarama.OffsetFetchRequest{Version: 7, ConsumerGroup: c.cfg.Group, RequireStable: true}
			request.AddPartition(topic, partition)
			answer, err := coordinator.FetchOffset(request)
			if errors.As(err, new(sarama.PacketEncodingError)) { // a broker before 2.5 cannot be asked that
				request.RequireStable = false
				answer, err = coordinator.FetchOffset(request)
			}
			if err != nil {
				return 0, err
			}
			if answer.Err != sarama.ErrNoError {
				return answer.Err, nil
			}
			if block = answer.GetBlock(topic, partition); block == nil {
				return 0, sarama.ErrIncompleteResponse
			}
			return block.Err, nil
		})
		return block, err
	})
}
