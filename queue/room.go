package queue

// Room is how far the store is from what makes fetching wait.
type Room struct {
	Path    string // of the file
	Disk    int64  // Options.Disk; 0: no bound
	MinFree int64  // Options.MinFree
	// Left are bytes that the pages in use may grow by before the first partition
	// is throttled; negative: it is. Without a budget it is what the disk has
	// above MinFree, and free pages.
	Left int64
}

// Room tells how much more there is room for.
func (s *Store) Room() Room {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := Room{Path: s.path, Disk: s.opt.Disk, MinFree: s.opt.MinFree}
	r.Left = s.stats.Free - s.opt.MinFree + s.stats.File - s.stats.InUse
	if s.opt.Disk > 0 {
		r.Left = min(r.Left, s.budgetLeft())
	}
	return r
}

// budgetLeft is what the pages in use may grow by until the partition that holds
// most has to wait. See Partition.budget.
func (s *Store) budgetLeft() int64 {
	limit := s.opt.Disk - s.opt.Disk/16
	share := s.opt.Disk / 4 / int64(max(len(s.parts), 1))
	for _, p := range s.parts {
		if p.waitingBytes() >= share {
			limit -= s.opt.Disk / 4
			break
		}
	}
	return limit - s.stats.InUse - s.fresh
}
