package exec

import (
	"sync"
	"syscall"
)

// group is the process group of one child. Its id is only safe to signal until the
// child has been reaped; after that it may belong to somebody else.
type group struct {
	id int

	mu   sync.Mutex
	over bool // guarded by mu: no signal is sent any more
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
	_ = syscall.Kill(-g.id, syscall.SIGKILL)
}
