package endtoend

import (
	"testing"
	"time"
)

// A coordinator that starts anew gives all members their session timeout once
// more: a predecessor that was killed is there for longer than that, and is no
// copy for it.
func TestAKilledPredecessorThroughARestartOfTheBroker(t *testing.T) {
	t.Parallel()
	k := startKafka(t)
	const topic = "orders"
	k.create(t, topic, 2)
	b := &siblings{kafka: k, addr: k.Addr(), topic: topic}
	s := b.site(t, dynamic, balanced)
	first := s.run(t)
	b.produce(t, 10)
	b.waitRuns(t, 20)
	k.waitCommitted(t, topic, topic)
	s.kill(t, first)
	killed := time.Now()
	second := s.run(t)
	s.waitLog(t, "works with this store, too")
	k.Kill(t)
	k.Restart(t)
	b.produce(t, 10)
	b.waitRuns(t, 40)
	t.Logf("it goes on %v after the kill", time.Since(killed).Round(time.Millisecond))
	b.goesOn(t, second)
	b.checkOnce(t, 1000)
	s.stop(t, second)
}
