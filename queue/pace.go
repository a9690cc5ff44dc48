package queue

import (
	"math"
	"time"

	ratelimit "golang.org/x/time/rate"
)

// pace lets runs begin at a rate. The zero value lets all. Guarded by Store.mu.
type pace struct {
	limiter *ratelimit.Limiter // nil: no limit
	dry     bool               // nothing may start before the timer fires
	timer   Timer
	told    time.Time // when Options.Throttled last heard of it
}

const (
	// burst is the share of a second's runs that may begin at once after a
	// time in which fewer did.
	burst = 0.05
	// leastWait bounds how often a fast limiter wakes the schedule; a burst is
	// many times as long.
	leastWait = time.Millisecond
	// tellEvery is how often Options.Throttled hears of one limiter.
	tellEvery = time.Second
)

// LimitRate sets how many runs may begin per second; 0 is no limit. A run that
// was released or postponed does not count.
func (s *Store) LimitRate(perSecond float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pace.set(perSecond, s.clock.Now())
	s.idle.wakeAll()
}

// LimitTopicRate sets how many runs of one topic may begin per second; 0 is no
// limit.
func (s *Store) LimitTopicRate(name string, perSecond float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topic(name)
	t.pace.set(perSecond, s.clock.Now())
	s.schedule(t)
	s.wakeSuspects()
}

func (p *pace) set(perSecond float64, now time.Time) {
	p.stop()
	if perSecond <= 0 {
		p.limiter = nil
		return
	}
	most := int(max(1, min(perSecond*burst, math.MaxInt32)))
	if p.limiter == nil {
		p.limiter = ratelimit.NewLimiter(ratelimit.Limit(perSecond), most)
		return
	}
	p.limiter.SetLimitAt(now, ratelimit.Limit(perSecond))
	p.limiter.SetBurstAt(now, most)
}

// stop ends the wait, if there is one.
func (p *pace) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.dry, p.timer = false, nil
}

// take counts a run that begins.
func (p *pace) take(now time.Time) {
	if p.limiter != nil {
		p.limiter.AllowN(now, 1)
	}
}

// refund takes back that a run has begun.
func (s *Store) refund(t *topic, now time.Time) {
	for _, p := range []*pace{&t.pace, &s.pace} {
		if p.limiter != nil {
			p.limiter.AllowN(now, -1)
		}
	}
}

// runsDry reports whether no run may begin now by the rate of topic t, or by
// that of all where t is nil. A timer then ends that.
func (s *Store) runsDry(p *pace, t *topic, now time.Time) bool {
	return p.limiter != nil && s.runsOut(p, t, now)
}

func (s *Store) runsOut(p *pace, t *topic, now time.Time) bool {
	if p.dry {
		return true
	}
	missing := 1 - p.limiter.TokensAt(now)
	if missing <= 0 {
		return false
	}
	wait := time.Duration(math.Ceil(missing / float64(p.limiter.Limit()) * float64(time.Second)))
	p.dry = true
	p.timer = s.clock.AfterFunc(max(wait, leastWait), func() { s.flow(p, t) })
	return true
}

// flow lets runs begin again.
func (s *Store) flow(p *pace, t *topic) {
	if name, tell := s.endDry(p, t); tell {
		s.opt.Throttled(name)
	}
}

func (s *Store) endDry(p *pace, t *topic) (name string, tell bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.dry || s.closed { // set anew meanwhile
		return "", false
	}
	p.dry, p.timer = false, nil
	if t != nil {
		name = t.name
		s.schedule(t)
	} else if s.turns.len() > 0 {
		s.wake()
	}
	s.wakeSuspects()
	now := s.clock.Now()
	if s.opt.Throttled == nil || now.Sub(p.told) < tellEvery {
		return "", false
	}
	p.told = now
	return name, true
}
