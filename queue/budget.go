package queue

import (
	"math"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"
	"golang.org/x/sys/unix"
)

// Usage is what a store uses and has done since it was opened.
type Usage struct {
	File    int64 // bytes of the file
	InUse   int64 // of these, in pages that hold something
	Free    int64 // bytes free on the disk
	Memory  int64 // bytes of record bodies in memory
	Pending int   // outcomes that are not durable yet

	Flushes     int64
	FlushTime   time.Duration // total of writing and fsync
	Written     int64         // bytes of bodies written
	WrittenJobs int64
	Skipped     int64 // jobs that finished before they had to be written

	Appended     int64 // bytes of records taken in
	SkippedBytes int64 // of these, of records that no block had to hold
	recorded     int64 // and of those that blocks were given
}

// Usage returns the figures of the last flush.
func (s *Store) Usage() Usage {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.stats
	u.Memory = s.memory
	u.Pending = s.gathering.count + s.flying.count
	u.SkippedBytes = max(0, u.Appended-u.recorded-s.fresh)
	return u
}

// measureAgain is when a disk that was too full is looked at again: with
// nothing to fetch there may be nothing to flush either.
const measureAgain = time.Second

// measure reads what the file and the disk have left.
func (s *Store) measure() {
	page := int64(s.db.Info().PageSize)
	stats := s.db.Stats()
	file := s.fileSize()
	var reached int64 // the file grows in steps; pages above this mark hold nothing yet
	_ = s.db.View(func(tx *bbolt.Tx) error {
		reached = tx.Size()
		return nil
	})
	free := int64(math.MaxInt64)
	var fs unix.Statfs_t
	if err := unix.Statfs(filepath.Dir(s.path), &fs); err == nil {
		free = int64(fs.Bavail) * int64(fs.Bsize)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lowDisk, s.measured = free < s.opt.MinFree, s.clock.Now()
	s.stats.File = file
	s.stats.InUse = reached - int64(stats.FreePageN+stats.PendingPageN)*page
	s.stats.Free = free
}

// The look-ahead window: fetching further than the workers need costs disk and
// makes a hand-over larger, but a fetch that was paused takes up to half a
// second to start again.
const (
	windowJobs    = 8192
	windowSeconds = 2
	windowBytes   = 4 << 20 // at least, of each partition
	jobOverhead   = 64      // bytes of memory of a job without its body
)

// Room reports whether more records of the partition may be fetched now: while
// it has less than a window of jobs within reach, and beyond the window only while
// it is paused, or workers have nothing to do because what is stored cannot
// start. The budgets come first; each partition has a share of them that others cannot take.
func (p *Partition) Room() bool {
	s := p.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.usable() != nil || p.detached || !p.withinBudgets() {
		return false
	}
	return p.inWindow()
}

// inWindow reports whether more may be fetched within the budgets.
func (p *Partition) inWindow() bool {
	s := p.store
	if p.paused || p.topic.paused {
		return true
	}
	jobs := max(windowJobs, int(windowSeconds*p.rate.perSecond))
	bytes := max(windowBytes, s.opt.Memory/8/int64(max(len(s.parts), 1)))
	reachable := p.reachable()
	share := float64(reachable) / float64(max(p.open.count, 1))
	if reachable < jobs && int64(share*float64(p.waitingBytes())) < bytes {
		return true
	}
	return p.starving()
}

// plenty is a number of jobs that keeps workers busy for as long as it takes to
// bring more. With fewer jobs in memory more of what a job touches is still in
// the processor's caches.
const plenty = 512

// Plenty reports whether the partition has jobs enough for the moment. Whoever
// appends may let the workers catch up: a job that finishes before its flush is
// never written.
func (p *Partition) Plenty() bool {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.reachable()-p.running > plenty && !p.starving()
}

// starving: workers have nothing to do because what is stored cannot start.
func (p *Partition) starving() bool { return len(p.store.idle.waiting) > 0 && p.ready.len() == 0 }

// waitingBytes is the size of the partition's open jobs. A body that is in the
// file and in memory counts once.
func (p *Partition) waitingBytes() int64 { return p.unwritten + p.liveBytes }

// WithinBudgets reports whether more may be fetched as far as the budgets go,
// whatever the window says.
func (p *Partition) WithinBudgets() bool {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return p.withinBudgets()
}

func (p *Partition) withinBudgets() bool { return p.budget() == NotThrottled }

// Throttle is why no more records of a partition may be fetched.
type Throttle uint8

// The reasons.
const (
	NotThrottled Throttle = iota
	ThrottledByWindow
	ThrottledByMemory
	ThrottledByDisk
	ThrottledByMinFree
)

// throttle needs mu.
func (p *Partition) throttle() Throttle {
	if by := p.budget(); by != NotThrottled {
		return by
	}
	if !p.inWindow() {
		return ThrottledByWindow
	}
	return NotThrottled
}

// budget returns the one that is used up.
func (p *Partition) budget() Throttle {
	s := p.store
	parts := int64(max(len(s.parts), 1))
	if s.lowDisk {
		if s.clock.Now().Sub(s.measured) >= measureAgain {
			signal(s.dirtied)
		}
		return ThrottledByMinFree
	}
	if s.opt.Disk > 0 {
		// A quarter is shared out evenly, the rest goes to who comes first;
		// a sixteenth stays free for completions and what is on its way.
		own := p.waitingBytes() < s.opt.Disk/4/parts
		limit := s.opt.Disk - s.opt.Disk/16
		if !own {
			limit -= s.opt.Disk / 4
		}
		if s.stats.InUse+s.fresh >= limit {
			return ThrottledByDisk
		}
	}
	if int64(p.open.count)*jobOverhead >= s.opt.Memory/2 {
		return ThrottledByMemory
	}
	if s.fresh < s.opt.Memory/4 || p.held < s.opt.Memory/4/parts && s.fresh < s.opt.Memory/2 {
		return NotThrottled
	}
	return ThrottledByMemory
}

// rate is a smoothed number of completions per second.
type rate struct {
	perSecond float64
	count     int64 // of all completions
	sampled   int64 // of these, in perSecond
	since     time.Time
}

// sample takes the count into the average, at most ten times a second.
func (r *rate) sample(now time.Time) {
	elapsed := now.Sub(r.since).Seconds()
	if elapsed < 0.1 {
		return
	}
	current := float64(r.count-r.sampled) / elapsed
	weight := math.Min(1, elapsed)
	r.perSecond += weight * (current - r.perSecond)
	r.sampled, r.since = r.count, now
}
