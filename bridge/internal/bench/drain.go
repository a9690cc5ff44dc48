package bench

import (
	"fmt"
	"time"
)

// drain measures one system in one case.
//
// A handler that does nothing: the Go systems are measured from their first
// record to their last, so that their start counts; Parallel Consumer, which
// would take minutes, for a window after its machine code is warm. A handler
// that waits: all for such a window, which ends before the backlog does.
//
// Holdfast's clock runs on until its file is quiet: what it finished is then
// durable.
func (b *bench) drain(c Case, system System) (result Drain, err error) {
	o := orders{System: system, Broker: b.broker, Topic: c.Topic.name(), Workers: c.Workers, Work: c.Work}
	if c.Embedded {
		o.Broker = b.embedded
	}
	if err := b.fill(o.Broker, c.Topic); err != nil {
		return Drain{}, err
	}
	s, err := b.launch(o, 0)
	if err != nil {
		return Drain{}, err
	}
	defer s.board.close()
	defer s.kill()
	if err := s.await(1, readiness); err != nil {
		return Drain{}, err
	}
	all := int64(c.Topic.Records)
	whole := c.Work.Sleep == 0 && system != Parallel
	if !whole {
		all = all * 9 / 10 // towards the end the keys that are left do not fill the workers
		if err := s.watch(all/2, b.plan.warm(system)); err != nil {
			return Drain{}, err
		}
	}
	from := s.read()
	within := b.plan.window(system)
	if whole {
		within = readiness
	}
	if err := s.watch(all, within); err != nil {
		return Drain{}, err
	}
	to := s.read()
	if whole && to.finished < all {
		return Drain{}, fmt.Errorf("%s finished %d of %d records within %v\n%s", system, to.finished, all, within, s.tail())
	}
	if whole && system == Holdfast {
		to = s.settled(to)
	}
	result = s.between(from, to, c.Workers)
	if c.Work.Sleep == 0 {
		result.Busy = 0
	}
	return result, s.end()
}

// watch waits until so many records are finished or the time is over.
func (s *subject) watch(records int64, during time.Duration) error {
	for end := time.Now().Add(during); s.board.finished() < records && time.Now().Before(end); time.Sleep(tick) {
		if err := s.look(); err != nil {
			return err
		}
	}
	return nil
}

// quiet is several flush intervals.
const quiet = 100 * time.Millisecond

// settled returns the moment of the last transaction of a store that has
// nothing left to do.
func (s *subject) settled(last reading) reading {
	for time.Since(last.at) < quiet {
		time.Sleep(tick)
		if now := s.read(); now.transactions != last.transactions {
			last = now
		}
	}
	return last
}

// fill loads a topic that is not yet loaded.
func (b *bench) fill(broker string, t Topic) error {
	name := broker + "/" + t.name()
	if b.loaded[name] {
		return nil
	}
	if err := load(broker, t); err != nil {
		return err
	}
	b.loaded[name] = true
	return nil
}
