package bridgetest

import (
	"slices"
	"sync"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// seen is what the hooks of all lives have told.
type seen struct {
	mu          sync.Mutex
	completions []bridge.Completion
	partitions  map[place]*ownings
}

type place struct {
	topic     string
	partition int32
}

// ownings counts how often a partition came and went.
type ownings struct{ assigned, revoked int }

func newSeen() *seen { return &seen{partitions: map[place]*ownings{}} }

// hooks are the user's with those of s around them. A crashed life tells s
// nothing.
func (s *seen) hooks(l *life, user *bridge.Hooks) *bridge.Hooks {
	var h bridge.Hooks
	if user != nil {
		h = *user
	}
	durable, assigned, revoked := h.Durable, h.Assigned, h.Revoked
	h.Durable = func(list []bridge.Completion) {
		l.tell(func() { s.complete(list) })
		if durable != nil && !l.crashed() {
			durable(list)
		}
	}
	h.Assigned = func(e bridge.Assigned) {
		l.tell(func() { s.own(e.Topic, e.Partition, ownings{assigned: 1}) })
		if assigned != nil {
			assigned(e)
		}
	}
	h.Revoked = func(e bridge.Revoked) {
		l.tell(func() { s.own(e.Topic, e.Partition, ownings{revoked: 1}) })
		if revoked != nil {
			revoked(e)
		}
	}
	return &h
}

// tell calls f unless the life has crashed; it cannot crash meanwhile.
func (l *life) tell(f func()) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.dead {
		f()
	}
}

func (s *seen) complete(list []bridge.Completion) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.completions = append(s.completions, list...)
}

func (s *seen) own(topic string, partition int32, more ownings) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.partitions[place{topic, partition}]
	if p == nil {
		p = &ownings{}
		s.partitions[place{topic, partition}] = p
	}
	p.assigned += more.assigned
	p.revoked += more.revoked
}

// held are the partitions that the bridge has now, with their counts.
func (s *seen) held() map[place]ownings {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := map[place]ownings{}
	for at, p := range s.partitions {
		if p.assigned > p.revoked {
			held[at] = *p
		}
	}
	return held
}

// owned counts one partition.
func (s *seen) owned(at place) ownings {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.partitions[at]; p != nil {
		return *p
	}
	return ownings{}
}

// outcomes are the completions of one kind, or of all.
func (s *seen) outcomes(kind string) []bridge.Completion {
	s.mu.Lock()
	defer s.mu.Unlock()
	if kind == "" {
		return slices.Clone(s.completions)
	}
	return slices.DeleteFunc(slices.Clone(s.completions), func(c bridge.Completion) bool { return c.Outcome != kind })
}

// forgetHeld takes note that a crash has ended all ownings at once.
func (s *seen) forgetHeld() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.partitions {
		p.revoked = p.assigned
	}
}
