package queue

import (
	"cmp"
	"errors"
	"fmt"
)

// salvagedAside is the jobs that are apart from Kafka's order.
type salvagedAside struct {
	parts  map[string]SalvageSource
	lost   bool // a page with some of the parts is damaged
	jobs   map[int64]row
	parked map[string]*parkedValue // by lane key
}

func (a *salvagedAside) part(name []byte) SalvageSource {
	if sub := a.parts[string(name)]; sub != nil {
		return sub
	}
	return lostPart{a.lost}
}

// asideJobs reads and writes them, and reads which lanes are parked.
func (p *partSalvage) asideJobs() error {
	a := &p.aside
	a.parts, a.jobs, a.parked = map[string]SalvageSource{}, map[int64]row{}, map[string]*parkedValue{}
	from := p.parts[string(bucketAside)]
	if from == nil {
		return nil
	}
	err := from.Each(func(key, _ []byte, sub SalvageSource) error {
		a.parts[string(key)] = sub
		return nil
	}, func(g SalvageGap) {
		a.lost = true
		p.lose(p.tp.String()+" aside"+g.between(), g.Err, "see the jobs")
	})
	if err != nil {
		return err
	}
	for _, step := range []func() error{p.readParked, p.asideBodies, p.asideRest} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// readParked keeps lanes parked of which nothing else is known any more.
func (p *partSalvage) readParked() error {
	return p.aside.part(asideParked).Each(func(key, value []byte, _ SalvageSource) error {
		if len(key) != laneKeySize {
			p.lose(fmt.Sprintf("%s parked lane %x", p.tp, key), errKeySize, "it is left out")
			return nil
		}
		line := new(parkedValue)
		if err := decodeValue(value, line); err != nil {
			p.lose(fmt.Sprintf("%s parked lane %x", p.tp, key), err, "it stays parked")
			*line = parkedValue{Offset: -1, Since: p.now.UnixNano(), Scheme: p.state.Scheme, Reason: "what was known of this parked lane was damaged"}
		}
		line.Jobs, line.Bytes = 0, 0
		p.aside.parked[string(key)] = line
		return nil
	}, p.gaps(p.tp.String()+" parked lanes", "they are released"))
}

// asideBodies takes the jobs whose bodies are there.
func (p *partSalvage) asideBodies() error {
	index := map[int64]row{}
	err := p.aside.part(asideIndex).Each(func(key, value []byte, _ SalvageSource) error {
		if r, err := openAsideRow(value); err == nil && r.offset == mustOffset(key) {
			index[r.offset] = r
		}
		return nil
	}, func(SalvageGap) {}) // bodies say the same
	if err != nil {
		return err
	}
	err = p.aside.part(asideJobs).Each(func(key, body []byte, _ SalvageSource) error {
		r, _, damage := bodyRow(body)
		if damage == nil && r.offset == mustOffset(key) {
			return p.putAside(r, body)
		}
		if r, ok := index[mustOffset(key)]; ok {
			return p.putDamaged(r, cmp.Or(damage, errNotInPlace))
		}
		return nil
	}, p.gaps(p.tp.String()+" aside", "see the jobs"))
	if err != nil {
		return err
	}
	for offset, r := range index {
		if _, there := p.aside.jobs[offset]; !there {
			if err := p.putDamaged(r, errFrameShort); err != nil {
				return err
			}
		}
	}
	return nil
}

var errNotInPlace = errors.New("its record is not in its place")

// asideRest takes the jobs of which only the line of their lane tells.
func (p *partSalvage) asideRest() error {
	err := p.aside.part(asideLanes).Each(func(key, _ []byte, _ SalvageSource) error {
		j, err := openAsideKey(key)
		if err != nil {
			p.lose(fmt.Sprintf("%s aside %x", p.tp, key), err, isLost)
			return nil
		}
		if _, there := p.aside.jobs[j.offset]; there {
			return nil
		}
		r := row{offset: j.offset, lane: j.lane.ID, scheme: p.state.Scheme}
		if j.lane.Own {
			r.flags = flagOwn
		}
		return p.putDamaged(r, errPageLost)
	}, p.gaps(p.tp.String()+" lanes of what is aside", "see the jobs"))
	return err
}

// putDamaged keeps a job whose body is not to be had.
func (p *partSalvage) putDamaged(r row, damage error) error {
	p.lose(fmt.Sprintf("%s@%d", p.tp, r.offset), damage, staysJob)
	return p.putAside(r, make([]byte, frameHeader))
}

func (p *partSalvage) putAside(r row, body []byte) error {
	r.pos, r.length = 0, uint32(len(body))
	p.aside.jobs[r.offset] = r
	p.report.Aside++
	if line := p.aside.parked[string(laneKey(r.aside().lane, r.offset))]; line != nil {
		line.Jobs++
		line.Bytes += int64(len(body))
	}
	key := offsetKey(r.offset)
	return errors.Join(
		p.put(r.aside().key(), nil, p.under(bucketAside, asideLanes)...),
		p.put(key, appendFrame(nil, appendRow(nil, r)), p.under(bucketAside, asideIndex)...),
		p.put(key, body, p.under(bucketAside, asideJobs)...),
	)
}

// writeAside writes which lanes are parked, with what they hold now.
func (p *partSalvage) writeAside() error {
	if len(p.aside.jobs)+len(p.aside.parked) == 0 {
		return nil
	}
	for _, name := range asideParts() {
		if err := p.bucket(p.under(bucketAside, name)...); err != nil {
			return err
		}
	}
	for lane, line := range p.aside.parked {
		value, err := encodeValue(line)
		if err != nil {
			return err
		}
		if err := p.put([]byte(lane), value, p.under(bucketAside, asideParked)...); err != nil {
			return err
		}
	}
	return nil
}
