package bench

import (
	"math"
	"time"
)

// survive lets a system work on a backlog with stuck keys, kills it, starts it
// again and counts.
func (b *bench) survive(c Stuck, system System) (Survival, error) {
	if err := b.fill(b.broker, c.Topic); err != nil {
		return Survival{}, err
	}
	o := orders{System: system, Broker: b.broker, Topic: c.Topic.name(), Workers: c.Workers, Work: c.Work}
	first, err := b.launch(o, c.Topic.Records)
	if err != nil {
		return Survival{}, err
	}
	defer first.board.close()
	if err = first.await(1, readiness); err == nil {
		err = first.live(c.Lives[0])
	}
	first.kill()
	if err != nil {
		return Survival{}, err
	}
	before, _ := first.board.tally()
	second, err := b.relaunch(first.orders, first.board)
	if err != nil {
		return Survival{}, err
	}
	err = second.live(c.Lives[1])
	second.kill()
	if err != nil {
		return Survival{}, err
	}
	finished, again := second.board.tally()
	return Survival{System: system, Finishable: c.Topic.above(c.Work.Stuck), BeforeKill: before, Again: again, Finished: finished}, nil
}

// live lets the process work for a time.
func (s *subject) live(during time.Duration) error {
	return s.watch(math.MaxInt64, during)
}
