package bridge

import (
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Stats are what a bridge uses, and has done since Run opened its store.
type Stats struct {
	Store   queue.Usage
	Topics  []queue.TopicCount // by name
	Dead    []queue.DeadCount  // dead letters by topic and partition, whoever has these now
	Budget  Budget             // the bounds of what is used
	Workers int                // that are wanted
	Running int                // jobs that handlers have
	// Stuck counts, by topic, the runs that have been silent for longer than
	// [Topic.Heartbeat].
	Stuck map[string]int
}

// Stats returns the figures of now, at little cost. Before [Bridge.Ready] and
// once Run has returned it answers [inspect.ErrNotRunning].
func (b *Bridge) Stats() (Stats, error) {
	r := b.active.Load()
	if r == nil {
		return Stats{}, fmt.Errorf("read statistics: %w", inspect.ErrNotRunning)
	}
	return Stats{
		Store:   r.store.Usage(),
		Topics:  r.store.TopicCounts(),
		Dead:    r.store.DeadCounts(),
		Budget:  b.cfg.Budget,
		Workers: b.pool.wants(),
		Running: len(b.pool.running()),
		Stuck:   b.pool.stuck(),
	}, nil
}

// stuck counts the runs that give no sign of life, by topic.
func (p *pool) stuck() map[string]int {
	found := make(map[string]int)
	for _, w := range p.workers() {
		if a := w.running.Load(); a != nil && a.pulse() != nil && a.pulse().isStuck() {
			found[a.Topic]++
		}
	}
	return found
}
