package partitioner

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// Partitioner gives records their lanes. It has no state: the lane of a record
// depends on that record alone. It is safe for concurrent use.
type Partitioner struct {
	sources  []compiledSource
	missing  Missing
	lanes    uint64
	ordering Ordering
}

type compiledSource struct {
	Source
	path []step
}

// New returns the partitioner of a valid scheme.
func New(s Scheme) (*Partitioner, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = s.normal()
	p := &Partitioner{missing: s.Missing, lanes: uint64(s.Lanes), ordering: s.Ordering}
	for _, src := range s.Sources {
		compiled := compiledSource{Source: src}
		if src.kind == fromJSON {
			compiled.path, _ = parsePath(src.text) // Validate has read it without an error
		}
		p.sources = append(p.sources, compiled)
	}
	return p, nil
}

// Lane returns the lane of a record. With an error the lane is valid
// nevertheless: the record's own, so that its failure holds up no other.
func (p *Partitioner) Lane(rec Record) (Lane, error) {
	if p.ordering == OrderPartition {
		return Lane{ID: wholeSeed.hash(nil), Name: []byte("(all)")}, nil
	}
	value, err := p.value(&reading{Record: rec})
	switch {
	case err != nil:
		return Lane{Own: true}, err
	case p.ordering == OrderNone:
		return Lane{Own: true, Name: value}, nil
	case value == nil:
		return p.missing.lane(rec.Offset), nil
	case p.lanes > 0:
		slot := slotSeed.hash(value) % p.lanes
		return Lane{ID: slot, Name: strconv.AppendUint(nil, slot, 10)}, nil
	default:
		return Lane{ID: laneSeed.hash(value), Name: value}, nil
	}
}

// value is what decides the lane: nil where a source is missing.
func (p *Partitioner) value(r *reading) ([]byte, error) {
	if len(p.sources) == 1 {
		return p.sources[0].read(r)
	}
	joined := make([]byte, 0, 64)
	for i := range p.sources {
		part, err := p.sources[i].read(r)
		if part == nil || err != nil {
			return nil, err
		}
		if i > 0 {
			joined = append(joined, separator)
		}
		joined = appendPart(joined, part)
	}
	return joined, nil
}

// reading is a record whose value is checked for JSON once, and only if asked.
type reading struct {
	Record
	checked, valid bool
}

func (r *reading) json() ([]byte, bool) {
	if !r.checked {
		r.checked, r.valid = true, json.Valid(r.Value)
	}
	return r.Value, r.valid
}

// read returns the source's value for a record; nil means missing.
func (s *compiledSource) read(r *reading) ([]byte, error) {
	switch s.kind {
	case fromHeader:
		return lastHeader(r.Headers, s.text), nil
	case fromJSON:
		doc, ok := r.json()
		if !ok {
			return nil, nil
		}
		return scalar(lookup(doc, s.path)), nil
	case fromTurn:
		return strconv.AppendUint(nil, turn(r.Offset, s.count), 10), nil
	case fromFunc:
		value, err := callContained(s.call, r.Record)
		if err != nil {
			return nil, fmt.Errorf("partitioner: source %v: %w", s.Source, err)
		}
		return value, nil
	default:
		return r.Key, nil
	}
}

func lastHeader(headers []Header, name string) []byte {
	for i := len(headers) - 1; i >= 0; i-- {
		if headers[i].Key == name {
			return headers[i].Value
		}
	}
	return nil
}
