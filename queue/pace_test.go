package queue

import (
	"sync"
	"testing"
	"time"
)

// countStarts completes what can start, without waiting.
func (r *rig) countStarts() int { return len(r.drain()) }

func lanesOf(n int) []string { return make([]string, n) } // each of its own

func TestATopicRateLetsSoManyRunsBegin(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.LimitTopicRate("orders", 100)
	p, free := r.attach(orders), r.attach(TopicPartition{"payments", 0})
	r.append(p, lanesOf(1000)...)
	r.append(free, lanesOf(50)...)
	if n := r.countStarts(); n != 50+5 {
		t.Fatalf("%d began at once, want all of the other topic and a burst", n)
	}
	total := 0
	for range 100 {
		r.pass(10 * time.Millisecond)
		total += r.countStarts()
	}
	if total < 99 || total > 101 {
		t.Errorf("%d began in a second at 100/s", total)
	}
	r.pass(time.Hour)
	if n := r.countStarts(); n != 5 {
		t.Errorf("%d began at once after an hour, want a burst", n)
	}
	r.LimitTopicRate("orders", 0)
	if n := r.countStarts(); n != 1000-total-10 {
		t.Errorf("%d began without a limit", n)
	}
}

func TestARateOfAllTopics(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.LimitRate(1000)
	r.append(r.attach(orders), lanesOf(2000)...)
	r.append(r.attach(TopicPartition{"payments", 0}), lanesOf(2000)...)
	total := r.countStarts() - 50
	for range 100 {
		r.pass(10 * time.Millisecond)
		total += r.countStarts()
	}
	if total < 999 || total > 1001 {
		t.Errorf("%d began in a second at 1000/s", total)
	}
}

func TestATimerWakesWhoWaitsForARate(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var told []string
	r := newRig(t, Options{Throttled: func(topic string) {
		mu.Lock()
		defer mu.Unlock()
		told = append(told, topic)
	}})
	r.LimitTopicRate("orders", 1)
	p := r.attach(orders)
	r.append(p, "a", "b", "c")
	r.done(r.take(1)...)
	jobs := r.takers(2)
	r.pass(time.Second)
	r.receive(jobs, 1)
	r.pass(time.Second)
	r.receive(jobs, 1)
	mu.Lock()
	defer mu.Unlock()
	if len(told) == 0 || told[0] != "orders" {
		t.Errorf("told %q", told)
	}
}

func TestWhatDidNotRunCostsNothingOfTheRate(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.LimitTopicRate("orders", 1)
	p := r.attach(orders)
	r.append(p, "a", "b", "c")
	r.finish(Outcome{Kind: Release}, r.wantTaken(0)...)
	r.finish(Outcome{Kind: Postpone, Due: r.clock.Now().Add(time.Hour)}, r.wantTaken(1)...)
	r.wantTaken(2)
	r.nothingStarts()
}

func TestARateIsHeededByTheClockThatWasSetBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.LimitTopicRate("orders", 10)
	r.append(r.attach(orders), lanesOf(30)...)
	r.countStarts()
	r.pass(-time.Hour)
	total := 0
	for range 10 {
		r.pass(100 * time.Millisecond)
		total += r.countStarts()
	}
	if total > 11 {
		t.Errorf("%d began in a second at 10/s", total)
	}
	r.pass(time.Hour) // the timer goes by the fake clock, too
	if r.countStarts() == 0 {
		t.Error("nothing begins any more")
	}
}
