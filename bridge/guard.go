package bridge

import (
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// guard is the outage guard of one topic. A nil one lets everything be buried.
type guard struct {
	topic string
	limit Guard // with defaults
	keep  func(topic string, left queue.Guard) error
	hooks *hooks
	log   *slog.Logger

	full      atomic.Bool  // tokens is limit.Bucket: there is nothing to earn
	successes atomic.Int64 // while it was not full

	mu      sync.Mutex
	calm    time.Duration // guarded by mu; without a refusal for so long, every job that was held back has run again
	tokens  int           // guarded by mu
	at      time.Time     // guarded by mu; when time earned the last token, or there was no need
	holding bool          // guarded by mu; that it holds back was said
	refused time.Time     // guarded by mu; the last time
	held    int           // guarded by mu; refusals since it holds back
}

// spend takes a token for a burial, and reports false where there is none.
func (g *guard) spend(now time.Time) bool {
	if g == nil {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass(now)
	if g.tokens == 0 {
		g.refuse(now)
		return false
	}
	g.set(g.tokens - 1)
	return true
}

// succeeded counts a job that is done.
func (g *guard) succeeded() {
	if g.full.Load() || g.successes.Add(1)%int64(g.limit.Successes) != 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.set(g.tokens + 1)
}

// pass needs mu. It adds what time has earned. A clock that was set back begins
// anew; one that was set forward fills the bucket at most.
func (g *guard) pass(now time.Time) {
	earned := now.Sub(g.at) / g.limit.Every
	switch {
	case earned < 0:
		g.at = now
	case earned > 0 && g.tokens == g.limit.Bucket:
		g.at = now
	case earned > 0:
		g.at = g.at.Add(earned * g.limit.Every)
		g.set(g.tokens + int(min(earned, time.Duration(g.limit.Bucket))))
	}
}

// set needs mu. The store has it before the outcome that it is about, so that a
// crash gives no token back. A store that fails says so itself.
func (g *guard) set(tokens int) {
	g.tokens = min(tokens, g.limit.Bucket)
	g.full.Store(g.tokens == g.limit.Bucket)
	_ = g.keep(g.topic, queue.Guard{Tokens: g.tokens, At: g.at})
}

// refuse needs mu.
func (g *guard) refuse(now time.Time) {
	g.refused = now
	g.held++
	if g.holding {
		return
	}
	g.holding = true
	g.log.Error("too many jobs fail: no more are given up for now, they are retried at the longest delay",
		"topic", g.topic, "bucket", g.limit.Bucket, "remedy", "look for what they have in common, such as a dependency that is down")
	g.hooks.guarding(Guarding{Topic: g.topic, Active: true})
}

// follow goes by the policy in force.
func (g *guard) follow(policy RetryPolicy) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calm = 2 * longest(policy)
}

// look ends the guarding when nothing is held back any more.
func (g *guard) look(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if now.Before(g.refused) { // the clock was set back
		g.refused = now
	}
	if !g.holding || now.Sub(g.refused) <= g.calm {
		return
	}
	g.log.Info("no job is held back from being given up any more", "topic", g.topic, "held_back", g.held)
	g.hooks.guarding(Guarding{Topic: g.topic, Refused: g.held})
	g.holding, g.held = false, 0
}

// guards are those of the topics that have one.
type guards struct {
	mu      sync.Mutex
	byTopic map[string]*guard // guarded by mu
}

// guardOf returns the guard of a topic; nil: it needs none.
func (r *run) guardOf(topic string, to *route) *guard {
	if to.onFailure != BuryJob || to.guard.Bucket < 0 {
		return nil
	}
	r.guards.mu.Lock()
	defer r.guards.mu.Unlock()
	if g := r.guards.byTopic[topic]; g != nil {
		g.follow(to.retry)
		return g
	}
	g := r.newGuard(topic, to)
	if r.guards.byTopic == nil {
		r.guards.byTopic = make(map[string]*guard)
	}
	r.guards.byTopic[topic] = g
	return g
}

// newGuard continues with what the store has of the topic.
func (r *run) newGuard(topic string, to *route) *guard {
	g := &guard{
		topic: topic, limit: to.guard,
		keep: r.store.SetGuard, hooks: r.hooks, log: r.log,
	}
	g.follow(to.retry)
	left, known, err := r.store.Guard(topic)
	if err != nil {
		r.log.Error("what was left of the topic's burials is unreadable; the guard begins with none", "topic", topic, "error", err)
		known = true
		left.At = r.cfg.Clock.Now()
	}
	if !known {
		left = queue.Guard{Tokens: to.guard.Bucket, At: r.cfg.Clock.Now()}
	}
	g.tokens, g.at = min(left.Tokens, to.guard.Bucket), left.At
	g.full.Store(g.tokens == to.guard.Bucket)
	return g
}

// look lets all guards see whether they are needed.
func (g *guards) look(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, one := range g.byTopic {
		one.look(now)
	}
}
