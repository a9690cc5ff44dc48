package partitioner

import (
	"bytes"
	"strconv"
)

// Named returns the lane of that name, whether or not a record is in it. It
// reports false where no lane has it, or none that holds more than one record.
func (p *Partitioner) Named(name []byte) (Lane, bool) {
	if name == nil {
		return Lane{}, false
	}
	if p.ordering != OrderKey {
		lane, err := p.Lane(Record{})
		return lane, err == nil && !lane.Own && bytes.Equal(lane.Name, name)
	}
	for n := range int64(p.missing) { // One is a round over one lane
		if lane := p.missing.lane(n); bytes.Equal(lane.Name, name) {
			return lane, true
		}
	}
	if p.lanes == 0 {
		return Lane{ID: laneSeed.hash(name), Name: name}, true
	}
	slot, err := strconv.ParseUint(string(name), 10, 64)
	return Lane{ID: slot, Name: name}, err == nil && slot < p.lanes
}

// OfKey returns the lane of records with that key. It reports false where the
// key does not decide it.
func (p *Partitioner) OfKey(key []byte) (Lane, bool) {
	if p.ordering == OrderKey && (len(p.sources) != 1 || p.sources[0].kind != fromKey) {
		return Lane{}, false
	}
	lane, err := p.Lane(Record{Key: key})
	return lane, err == nil && !lane.Own
}
