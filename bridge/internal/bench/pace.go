package bench

import (
	"fmt"
	"time"
)

// pace measures the latencies of one system at one rate, from an empty topic.
func (b *bench) pace(c Paced, system System) (result Latency, err error) {
	topic := fmt.Sprintf("bench-paced-%d", b.started)
	p, err := newProducer(b.broker, topic, c.Topic)
	if err != nil {
		return Latency{}, err
	}
	defer func() {
		if failed := p.close(); err == nil {
			err = failed
		}
	}()
	s, err := b.launch(orders{System: system, Broker: b.broker, Topic: topic, Workers: c.Workers}, 0)
	if err != nil {
		return Latency{}, err
	}
	defer s.board.close()
	defer s.kill()

	p.send(time.Time{})
	if err := s.await(1, readiness); err != nil {
		return Latency{}, err
	}
	p.pace(c.Rate, b.plan.warm(system), false)
	p.pace(c.Rate, b.plan.Pacing, true)
	if err := s.await(p.next, readiness); err != nil { // all of them, also the slowest
		return Latency{}, err
	}
	result.System = system
	result.P50, result.Records = s.board.latency(0.5)
	result.P99, _ = s.board.latency(0.99)
	result.P999, _ = s.board.latency(0.999)
	return result, s.end()
}
