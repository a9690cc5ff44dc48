package bridge

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// fullEvery is how often a commit says anew what is complete above its offset,
// apart from the first and the last commit of a claim. The commits between two
// of these repeat it: what was done stays done.
const fullEvery = 30 * time.Second

// leastStamp is the size below which a stamp is not worth trying any more.
const leastStamp = 64

// committer sends the durable frontier of one claim to Kafka, with a stamp. It
// is used by one goroutine at a time.
type committer struct {
	claim  *kafka.Claim
	part   *partition
	stored *queue.Partition
	hooks  *hooks
	clock  queue.Clock
	claims *claims
	copies *copies
	self   kafka.Opening
	fail   func(error) // stops the bridge
	// drained is the offset at which the hook was told last.
	drained int64
	log     *slog.Logger

	// wish was carried out before the first commit, which fulfils it; nil: none.
	// A commit of before that was still on its way does not.
	wish *queue.Seek

	sent int64  // last offset that Kafka acknowledged in this claim; -1: none
	last string // the error logged last, so that it is said once

	stamp    recovery.Stamp // of the last full commit, as far as it fitted
	metadata string         // its text
	limit    int            // bytes of metadata that the broker takes; 0: none
	told     string         // the metadata that Kafka acknowledged last
	full     time.Time      // of the last full commit
	parked   uint64         // version of the parked lanes then
	unnamed  int            // parked lanes that did not fit then
	state    queue.State    // at that time
	looked   time.Time      // for a commit of others
}

func newCommitter(o *ownership) *committer {
	id := o.store.Identity()
	c := &committer{
		claim:  o.claim,
		part:   o.part,
		stored: o.stored,
		hooks:  o.hooks,
		clock:  o.cfg.Clock,
		claims: &o.claims,
		copies: &o.copies,
		self:   openingOf(o.opened),
		fail:   o.run.fail,
		log:    o.log,
		sent:   -1, drained: -1,
		stamp: recovery.Stamp{TopicID: o.claim.TopicID, StoreID: id.StoreID, Epoch: id.Epoch, Nonce: o.opened.Nonce, Scheme: recovery.SchemeSum(o.part.route.scheme)},
		limit: recovery.MaxStamp,
	}
	state := o.stored.State()
	c.stamp.Seeks = state.Seeks
	if state.Seek != nil && state.Seek.Applied {
		c.wish = state.Seek
	}
	return c
}

// loop commits at once and whenever it is woken, until ctx ends. It closes begun
// when Kafka has acknowledged the first offset.
func (c *committer) loop(ctx context.Context, wake <-chan struct{}, begun chan<- struct{}) {
	for {
		err := c.next(ctx)
		if ctx.Err() != nil {
			return
		}
		c.report(err)
		c.tellDrained()
		if begun != nil && c.sent >= 0 {
			close(begun)
			begun = nil
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		}
	}
}

// tellDrained tells the hook where nothing is left to do or to commit.
func (c *committer) tellDrained() {
	if c.hooks.to.Drained == nil || c.sent == c.drained {
		return
	}
	if state := c.stored.State(); state.Open == 0 && state.Next == c.sent {
		c.drained = c.sent
		c.hooks.drained(Drained{Topic: c.claim.Topic, Partition: c.claim.Partition, Offset: c.sent})
	}
}

// next is a full commit where it is the first one, or one is due and has
// something new to say.
func (c *committer) next(ctx context.Context) error {
	if err := c.lookForCopy(ctx); err != nil {
		return err
	}
	if c.full.IsZero() {
		return c.commitFull(ctx)
	}
	if c.clock.Now().Sub(c.full) < fullEvery || c.unchanged() {
		return c.commit(ctx)
	}
	return c.commitFull(ctx)
}

// unchanged: nothing was stored, completed or paused since the last full
// commit. An idle partition must not make the store flush.
func (c *committer) unchanged() bool {
	now := c.stored.State()
	return now.Frontier == c.state.Frontier && now.Next == c.state.Next && now.Open == c.state.Open &&
		slices.Equal(pausesOf(c.stored), c.stamp.Paused)
}

// commit sends the durable frontier if it is above what was sent.
func (c *committer) commit(ctx context.Context) error {
	frontier := c.stored.Frontier()
	if c.stored.ParkedVersion() != c.parked { // the frontier may have passed them: the next owner must know
		return c.commitFull(ctx)
	}
	if frontier < 0 || frontier <= c.sent {
		return nil
	}
	if n := passed(c.stamp.Ahead, frontier); n > 0 {
		c.stamp.Ahead = c.stamp.Ahead[n:]
		c.fit()
	}
	return c.send(ctx, frontier)
}

// passed counts the ranges that end at or below the frontier.
func passed(ahead []queue.Range, frontier int64) (n int) {
	for n < len(ahead) && ahead[n].To <= frontier {
		n++
	}
	return n
}

// commitFull makes everything so far durable and sends the frontier with all
// that is complete above it. It is the first commit of a claim, which replaces
// the stamp of the owner before, and the last.
func (c *committer) commitFull(ctx context.Context) error {
	state := c.stored.State()
	progress, err := c.stored.Progress(ctx)
	if err != nil || progress.Frontier < 0 {
		return err
	}
	c.stamp.Ahead, c.stamp.Left = progress.Ahead, progress.Left
	c.stamp.Parked, c.parked = c.stored.ParkedIDs()
	c.stamp.Paused = pausesOf(c.stored)
	c.fit()
	if progress.Frontier > c.sent || c.metadata != c.told {
		if err := c.send(ctx, progress.Frontier); err != nil {
			return err
		}
	}
	c.full, c.state = c.clock.Now(), state
	return nil
}

// fit makes the metadata of as much of the stamp as the broker takes. A lane that
// is to be parked and would not fit is halted instead.
func (c *committer) fit() {
	parked, before := len(c.stamp.Parked), c.unnamed
	c.stamp, c.metadata = c.stamp.Fit(c.limit)
	if c.unnamed = parked - len(c.stamp.Parked); c.unnamed <= before {
		return
	}
	c.stored.LimitParked(len(c.stamp.Parked))
	c.log.Error("the commit's metadata cannot name all parked lanes: another owner would run later records of the others; from now on jobs halt instead",
		"parked", parked, "named", len(c.stamp.Parked), "remedy", "release or discard some, or raise offset.metadata.max.bytes")
}

// pausesOf lists the pauses of a partition that are not of its topic.
func pausesOf(p *queue.Partition) (list []recovery.Paused) {
	for _, pause := range p.Pauses() {
		list = append(list, recovery.Paused{All: !pause.OfLane, Lane: pause.Lane, Until: pause.Until})
	}
	return list
}

// ahead counts the offsets that are complete above the committed one, as the
// last commit tells.
func (c *committer) ahead() (n int64) {
	for _, r := range c.stamp.Ahead {
		n += r.To - r.From
	}
	return n
}

// send commits the offset, and tells who looks that it is on its way.
func (c *committer) send(ctx context.Context, offset int64) error {
	now := c.clock.Now()
	c.claims.set(c.claim, func(s *claimState) {
		if s.committing < 0 {
			s.committing, s.commitSince = offset, now
		}
	})
	err := c.tell(ctx, offset)
	c.claims.set(c.claim, func(s *claimState) {
		if s.commitErr = err; err == nil {
			s.committing = -1
		}
	})
	return err
}

// tell commits the offset with as much of the stamp as the broker takes.
func (c *committer) tell(ctx context.Context, offset int64) error {
	if err := c.lookForCopy(ctx); err != nil {
		return err
	}
	c.part.committing.Store(true) // before: the answer may get lost
	err := c.claim.Commit(ctx, offset, c.metadata)
	for errors.Is(err, kafka.ErrMetadataTooLarge) && c.metadata != "" {
		c.log.Warn("the broker refuses commit metadata of this size; committing with less, which makes hand-over less exact",
			"bytes", len(c.metadata), "remedy", "raise offset.metadata.max.bytes")
		if c.limit = len(c.metadata) / 2; c.limit < leastStamp {
			c.limit = 0
		}
		c.fit()
		err = c.claim.Commit(ctx, offset, c.metadata)
	}
	if err != nil {
		return err
	}
	c.told = c.metadata
	if offset <= c.sent {
		return nil
	}
	c.sent = offset
	c.stored.Acknowledge(offset)
	if c.wish != nil {
		_ = c.stored.DropSeek(*c.wish) // a failed store has said so already
		c.wish = nil
	}
	c.hooks.committed(Committed{Topic: c.claim.Topic, Partition: c.claim.Partition, Offset: offset})
	return nil
}

// report logs an error when it is another one than before. Nothing is lost by
// a failed commit: the next one carries the same offset or a higher one.
func (c *committer) report(err error) {
	if errors.As(err, new(*kafka.CopyError)) { // the bridge stops for it
		return
	}
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != c.last && err != nil {
		c.log.Warn("offset not committed, will try again", "offset", c.stored.Frontier(), "error", err)
	}
	c.last = text
}
