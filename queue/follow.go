package queue

// maxFollowed bounds the jobs of a partition that are followed at a time.
const maxFollowed = 1 << 16

// Follow notes from now on whether runs of jobs fail, so that [Partition.Failed]
// can tell it of those that are finished by then, too. It is told in memory, until
// Unfollow or as long as the partition is held. Of more than 65,536 at a time
// nothing is noted.
func (p *Partition) Follow(offsets ...int64) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	if p.gone {
		return
	}
	if p.followed == nil {
		p.followed = map[int64]bool{}
	}
	for _, offset := range offsets {
		if _, known := p.followed[offset]; !known && len(p.followed) < maxFollowed {
			p.followed[offset] = false
		}
	}
}

// Failed returns those of the jobs of which a run has failed since Follow.
func (p *Partition) Failed(offsets ...int64) (failed map[int64]bool) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	failed = map[int64]bool{}
	for _, offset := range offsets {
		if p.followed[offset] {
			failed[offset] = true
		}
	}
	return failed
}

// Unfollow forgets what Follow has begun.
func (p *Partition) Unfollow(offsets ...int64) {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	for _, offset := range offsets {
		delete(p.followed, offset)
	}
}

// followFailure takes note of a run that has failed.
func (p *Partition) followFailure(offset int64) {
	if _, known := p.followed[offset]; known {
		p.followed[offset] = true
	}
}
