package exec

import (
	"sync"
	"syscall"
	"time"
)

// group is the process group of one child. Its id is only safe to signal until the
// child has been reaped; after that it may belong to somebody else.
type group struct {
	id int

	mu      sync.Mutex
	over    bool        // guarded by mu: no signal is sent any more
	killing *time.Timer // guarded by mu: set by terminate
}

// terminate asks the group to end, and kills it after grace.
func (g *group) terminate(grace time.Duration) {
	g.signal(syscall.SIGTERM)
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over {
		g.killing = time.AfterFunc(grace, func() { g.signal(syscall.SIGKILL) })
	}
}

// signal does nothing to a group that has ended.
func (g *group) signal(s syscall.Signal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.over {
		_ = syscall.Kill(-g.id, s) // ESRCH: it is ending by itself
	}
}

// end kills what the child has left behind in its group. The caller holds the child
// unreaped, so that the id is still its own.
func (g *group) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.over = true
	if g.killing != nil {
		g.killing.Stop()
	}
	_ = syscall.Kill(-g.id, syscall.SIGKILL)
}
