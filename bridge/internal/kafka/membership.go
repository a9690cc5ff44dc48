package kafka

import "time"

// Membership is our part in the group, as it stands.
type Membership struct {
	ID         string // empty: there is none now
	Instance   string // empty: a dynamic member
	Generation int32
	Joined     time.Time // of the session
	// Confirmed is when the request was sent whose answer last showed that the
	// coordinator counts on this member; the zero time: none has.
	Confirmed time.Time
	Sessions  int64 // since Consume was called, this one included
	// Rebalances counts the generations that were seen in them.
	Rebalances int64
	// Missing are the names of topics that Kafka does not have.
	Missing []string
}

// CopySeen is what was seen of another member that works with a copy of our
// store, and what is done about it; empty: nothing.
func (c *Cluster) CopySeen() string {
	if seen := c.copySeen.Load(); seen != nil {
		return *seen
	}
	return ""
}

// Membership tells what the group has of us. Where all partitions are fixed
// there is none.
func (c *Cluster) Membership() Membership {
	now := Membership{Instance: c.cfg.InstanceID, Sessions: c.sessions.Load(), Rebalances: c.generations.Load()}
	if missing := c.missing.Load(); missing != nil {
		now.Missing = *missing
	}
	m := c.current.Load()
	if m == nil {
		return now
	}
	s := m.current.Load()
	if s == nil {
		return now
	}
	now.ID, now.Generation = s.identity()
	s.mu.Lock()
	defer s.mu.Unlock()
	now.Joined, now.Confirmed = s.joined, s.confirmed
	return now
}

// count notes a generation that was seen.
func (c *Cluster) count(generation int32) {
	if c.generation.Swap(generation) != generation {
		c.generations.Add(1)
	}
}
