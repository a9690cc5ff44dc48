package inspect

import (
	"github.com/seed-2837c37b/holdfast/queue"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
)

const (
	// failingLanes is how many failing lanes of a partition, of a kind, are looked at.
	failingLanes = 500
	// outageKeys is how many keys have to fail alike at least to look like an
	// outage of what they need.
	outageKeys = 5
)

// outage looks for what the failing jobs of a topic have in common.
func (i *inspector) outage(topic string) *Outage {
	o := &Outage{}
	kinds := map[string]int{}
	example := map[string]string{}
	for _, p := range i.store.Attached() {
		if p.TopicPartition().Topic != topic {
			continue
		}
		lanes, total := p.Failing(failingLanes)
		o.add(lanes, total, kinds, example)
	}
	for kind, n := range kinds {
		if n > o.Same || n == o.Same && example[kind] < o.Error {
			o.Same, o.Error = n, example[kind]
		}
	}
	looked := 0
	for _, n := range kinds {
		looked += n
	}
	o.Likely = o.Same >= outageKeys && o.Same*2 > looked
	return o
}

func (o *Outage) add(lanes []queue.LaneSeen, total int, kinds map[string]int, example map[string]string) {
	o.Keys += max(len(lanes), total)
	o.Sampled = o.Sampled || total > len(lanes)
	for _, l := range lanes {
		kind := words.ErrorKind(l.Error)
		kinds[kind]++
		if first, ok := example[kind]; !ok || l.Error < first { // the same one whenever it is asked
			example[kind] = words.Short(l.Error, 200)
		}
	}
}
