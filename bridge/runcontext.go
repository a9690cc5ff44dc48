package bridge

import (
	"context"
	"sync/atomic"
	"time"
)

// runContext is the context of one run. A real one registers with its parent,
// which all runs of the partition share, and costs more than a quick handler
// needs for everything else; so it is made when the handler first asks.
type runContext struct {
	scope context.Context
	asked atomic.Pointer[realContext] // nil until somebody asks or the run ends
}

type realContext struct {
	context.Context // nil in runEnded
	cancel          context.CancelFunc
}

// runEnded stands for the context of a run that ended before anybody asked.
var runEnded = new(realContext)

func (c *runContext) real() context.Context {
	for {
		before := c.asked.Load()
		if before != nil && before != runEnded {
			return before
		}
		ctx, cancel := context.WithCancel(c.scope)
		if before == runEnded {
			cancel()
		}
		if made := (&realContext{ctx, cancel}); c.asked.CompareAndSwap(before, made) {
			return made
		}
		cancel() // another call was first, or the run has ended
	}
}

// end cancels the context: what a handler left running must not believe that
// its job still runs.
func (c *runContext) end() {
	if !c.asked.CompareAndSwap(nil, runEnded) {
		c.asked.Load().cancel()
	}
}

func (c *runContext) Deadline() (time.Time, bool) { return c.scope.Deadline() }
func (c *runContext) Done() <-chan struct{}       { return c.real().Done() }
func (c *runContext) Err() error                  { return c.real().Err() }
func (c *runContext) Value(key any) any           { return c.real().Value(key) }
