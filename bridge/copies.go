package bridge

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// openingOf is what the group and the holders of fixed partitions are told.
func openingOf(opened *recovery.Opened) kafka.Opening {
	id := opened.Store.Identity()
	return kafka.Opening{Store: id.StoreID, Epoch: id.Epoch, Nonce: opened.Nonce}
}

// copies is what is known of other processes that work with a copy of the data
// directory, as far as the group does not tell.
type copies struct {
	mu     sync.Mutex
	yield  error     // why this process gives way; guarded by mu
	notice string    // of one that is to give way; guarded by mu
	noted  time.Time // guarded by mu
}

// seen is the notice as long as it is news.
func (c *copies) seen() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.noted) > 10*copyEvery {
		return ""
	}
	return c.notice
}

func (c *copies) yields() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.yield
}

func (c *copies) give(way error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.yield == nil {
		c.yield = way
	}
}

// note keeps what is known of a copy that is to give way, and says it once.
func (c *copies) note(log *slog.Logger, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.notice == "" {
		log.Error(text, "remedy", "stop the other one for good, or give it an empty data directory")
	}
	c.notice, c.noted = text, time.Now()
}

// awaitCopy stops the bridge where a member of the group has a copy of the data
// directory and goes before us. Until its jobs have ended the partitions are
// ours, and are committed.
func (r *run) awaitCopy(ctx context.Context) error {
	if err := r.cluster.AwaitCopy(ctx); err != nil {
		r.copies.give(err)
		r.fail(err)
	}
	return nil
}

// copyEvery is how often the committer of a fixed partition looks who has
// committed since, while there is something to do or to commit.
const copyEvery = 5 * time.Second

// lookForCopy is an error where nothing may be committed any more: nothing fences
// the commits of a fixed partition, so that those of two copies of a data
// directory would replace each other. Both find the other's; the one that was
// opened less often stops.
func (c *committer) lookForCopy(ctx context.Context) error {
	if !c.claim.Fixed {
		return nil
	}
	if err := c.copies.yields(); err != nil {
		return err
	}
	if c.sent < 0 || time.Since(c.looked) < copyEvery { // what was there before is no news
		return nil
	}
	if state := c.stored.State(); state.Open == 0 && state.Frontier <= c.sent {
		return nil
	}
	c.looked = time.Now()
	offset, metadata, err := c.claim.Committed(ctx)
	if err != nil {
		return nil // the commit says more
	}
	stamp, err := recovery.DecodeStamp(metadata)
	if err != nil || stamp.StoreID != c.self.Store || stamp.Epoch == c.self.Epoch && stamp.Nonce == c.self.Nonce {
		return nil
	}
	other := kafka.Opening{Store: stamp.StoreID, Epoch: stamp.Epoch, Nonce: stamp.Nonce}
	if !other.After(c.self) {
		c.copies.note(c.log, fmt.Sprintf("a copy of this data directory is in use: its opening %d has committed offset %d of %s, where this one, opening %d, had committed %d; it is to give way",
			other.Epoch, offset, c.claim, c.self.Epoch, c.sent))
		return nil
	}
	err = &kafka.CopyError{Opening: c.self, Other: other, By: fmt.Sprintf("the process that has committed offset %d of %s after this one", offset, c.claim)}
	c.copies.give(err)
	c.fail(err)
	return err
}
