package bridge

import (
	"context"
	"sync"
	"time"
)

// runContext is the context of one run. A real one registers with its parent,
// which all runs of the partition share, and costs more than a quick handler
// needs for everything else; so it is made when the handler first asks.
type runContext struct {
	scope context.Context

	mu     sync.Mutex
	asked  context.Context    // guarded by mu; nil until somebody asks
	cancel context.CancelFunc // guarded by mu; of asked
	ended  bool               // guarded by mu
}

func (c *runContext) real() context.Context {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked == nil {
		c.asked, c.cancel = context.WithCancel(c.scope)
		if c.ended {
			c.cancel()
		}
	}
	return c.asked
}

// end cancels the context: what a handler left running must not believe that
// its job still runs.
func (c *runContext) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	if c.cancel != nil {
		c.cancel()
	}
}

func (c *runContext) Deadline() (time.Time, bool) { return c.scope.Deadline() }
func (c *runContext) Done() <-chan struct{}       { return c.real().Done() }
func (c *runContext) Err() error                  { return c.real().Err() }
func (c *runContext) Value(key any) any           { return c.real().Value(key) }
