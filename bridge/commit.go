package bridge

import (
	"context"
	"errors"
	"log/slog"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/queue"
)

// committer sends the durable frontier of one claim to Kafka. It is used by one
// goroutine at a time.
type committer struct {
	claim    *kafka.Claim
	stored   *queue.Partition
	metadata string
	hooks    *hooks
	log      *slog.Logger

	sent int64  // last offset that Kafka acknowledged in this claim; -1: none
	last string // the error logged last, so that it is said once
}

// loop commits whenever it is woken, until ctx ends.
func (c *committer) loop(ctx context.Context, wake <-chan struct{}) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		}
		err := c.commit(ctx)
		if ctx.Err() != nil {
			return
		}
		c.report(err)
	}
}

// commit sends the durable frontier if it is above what was sent. The first
// commit of a claim is always sent: it puts this store's stamp on the offset.
func (c *committer) commit(ctx context.Context) error {
	frontier := c.stored.Frontier()
	if frontier < 0 || frontier <= c.sent {
		return nil
	}
	err := c.claim.Commit(ctx, frontier, c.metadata)
	if errors.Is(err, kafka.ErrMetadataTooLarge) {
		c.log.Warn("the broker refuses commit metadata; committing without it, which makes hand-over less exact",
			"bytes", len(c.metadata), "remedy", "raise offset.metadata.max.bytes")
		c.metadata = ""
		err = c.claim.Commit(ctx, frontier, c.metadata)
	}
	if err != nil {
		return err
	}
	c.sent = frontier
	c.stored.Acknowledge(frontier)
	c.hooks.committed(Committed{Topic: c.claim.Topic, Partition: c.claim.Partition, Offset: frontier})
	return nil
}

// report logs an error when it is another one than before. Nothing is lost by
// a failed commit: the next one carries the same offset or a higher one.
func (c *committer) report(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != c.last && err != nil {
		c.log.Warn("offset not committed, will try again", "offset", c.stored.Frontier(), "error", err)
	}
	c.last = text
}
