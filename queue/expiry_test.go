package queue

import (
	"slices"
	"testing"
	"time"
)

// expires is a store whose topic orders has the policy.
func expires(t *testing.T, policy DeadPolicy) (*rig, *[]Durable) {
	t.Helper()
	var told []Durable
	r := newRig(t, Options{
		Durable: func(d []Durable) { told = append(told, d...) },
		DeadLetters: func(topic string) DeadPolicy {
			if topic == "orders" {
				return policy
			}
			return DeadPolicy{}
		},
	})
	return r, &told
}

// buryAt buries a job of each partition in turn, an hour apart.
func (r *rig) buryAt(parts ...*Partition) {
	r.t.Helper()
	for _, p := range parts {
		r.append(p, "a")
		r.finish(bury, r.take(1)...)
		r.sync()
		r.clock.advance(time.Hour)
	}
}

func expiredOf(told []Durable) (list []string) {
	for _, d := range told {
		if d.Kind == Expired {
			list = append(list, DeadRef{TopicPartition: d.TopicPartition, Offset: d.Offset}.String())
		}
	}
	return list
}

func TestLettersExpireByAge(t *testing.T) {
	t.Parallel()
	r, told := expires(t, DeadPolicy{Keep: 10 * time.Hour})
	p, bills := r.attach(orders), r.attach(TopicPartition{"bills", 0})
	r.buryAt(p, p, bills, p) // at 0, 1, 2 and 3 h
	p.Detach()
	r.sync()
	r.reopen() // a partition that nobody has expires, too
	r.clock.advance(7*time.Hour + 30*time.Minute)
	r.sync()
	r.wantDead(orders, 2)
	r.wantDead(bills.tp, 0)
	if got := expiredOf(*told); !slices.Equal(got, []string{"orders/3@0", "orders/3@1"}) {
		t.Errorf("told of %v", got)
	}
	r.clock.advance(100 * time.Hour)
	r.sync()
	r.wantDead(orders)
	r.wantDead(bills.tp, 0)
	if found := r.verify(true); found != nil {
		t.Errorf("verify found %q", found)
	}
}

// TestLettersExpireByBytes: the bound is the topic's, and the oldest of any
// partition goes first.
func TestLettersExpireByBytes(t *testing.T) {
	t.Parallel()
	r, _ := expires(t, DeadPolicy{KeepBytes: 1})
	r.buryAt(r.attach(orders))
	r.wantDead(orders)

	r, told := expires(t, DeadPolicy{})
	p, q := r.attach(orders), r.attach(TopicPartition{"orders", 4})
	r.buryAt(q, p, p)
	size := r.letters(orders)[0].Bytes
	r.opt.DeadLetters = func(string) DeadPolicy { return DeadPolicy{KeepBytes: 3*size + size/2} }
	r.reopen()
	q = r.attach(TopicPartition{"orders", 4})
	r.buryAt(q, q)
	r.wantDead(orders, 1)
	r.wantDead(q.tp, 1, 2)
	if got := expiredOf(*told); !slices.Equal(got, []string{"orders/4@0", "orders/3@0"}) {
		t.Errorf("told of %v", got)
	}
}

// TestUnsentLettersDoNotExpire: not before their copies are sent.
func TestUnsentLettersDoNotExpire(t *testing.T) {
	t.Parallel()
	r, _ := expires(t, DeadPolicy{Keep: time.Hour, KeepBytes: 1, Outbox: true})
	p := r.attach(orders)
	r.buryAt(p, p, p)
	list := r.wantDead(orders, 0, 1, 2)
	r.must(r.Sent(t.Context(), list[0].DeadRef))
	r.clock.advance(time.Minute)
	r.sync()
	r.wantDead(orders, 1, 2)
}

// TestMoreExpiresThanOneFlushRemoves: the next ones go on.
func TestMoreExpiresThanOneFlushRemoves(t *testing.T) {
	t.Parallel()
	r, told := expires(t, DeadPolicy{Keep: time.Hour})
	p := r.attach(orders)
	const n = 2*expireBatch + 10
	r.append(p, make([]string, n)...)
	r.finish(bury, r.take(n)...)
	r.sync()
	r.clock.advance(2 * time.Hour)
	eventually(t, "all expire", func() bool { // each flush asks for the next
		r.sync()
		return len(r.DeadCounts()) == 0
	})
	if got := expiredOf(*told); len(got) != n {
		t.Errorf("told of %d", len(got))
	}
}
