package queue

import (
	"fmt"
	"testing"
)

// recount counts the jobs of a partition one by one.
func recount(p *Partition) (c Counts) {
	c.Parked = p.parkedJobs()
	add := func(l *lane) {
		c.Lanes++
		c.Running += len(l.batch)
		if l.state == laneSuspect {
			c.Suspects++
		}
		for i, e := range l.jobs {
			state := Blocked
			if i == 0 {
				state = p.stateOf(place{l, 0}, e.offset)
			}
			switch {
			case state == Running && l.deferred:
				c.Deferred++
			default:
				*map[JobState]*int{
					Ready: &c.Ready, Blocked: &c.Blocked, Running: &c.Running, Retrying: &c.Retrying,
					Halted: &c.Halted, Delayed: &c.Delayed, Paused: &c.Paused,
				}[state]++
			}
		}
	}
	for _, l := range p.lanes {
		add(l)
	}
	for _, l := range p.own {
		add(l)
	}
	c.Blocked += len(p.later)
	return c
}

// checkWaits looks for lanes that are listed under another state than theirs.
func checkWaits(t fataler, p *Partition) {
	for state := range p.waits {
		n := 0
		for l := p.waits[state].first; l != nil; l = l.next {
			n++
			if int(l.state) != state || l.part != p || l.next != nil && l.next.prev != l {
				t.Fatalf("%s: a lane of state %d is listed under %d", p.tp, l.state, state)
			}
		}
		if n != p.waits[state].count {
			t.Fatalf("%s: %d lanes are listed under %d, and counted %d", p.tp, n, state, p.waits[state].count)
		}
	}
	goesOn, going, stuck := lookOut(p)
	if g, s := p.outlook(); p.goesOn() != goesOn || g != going || s != stuck {
		t.Fatalf("%s: %d go on and %d do not (%v), want %d and %d (%v)", p.tp, g, s, p.goesOn(), going, stuck, goesOn)
	}
	if got, want := p.counts(), recount(p); got != want {
		t.Fatalf("%s counts %+v, want %+v", p.tp, got, want)
	}
}

// lookOut is outlook, told from every lane.
func lookOut(p *Partition) (goesOn bool, going, stuck int) {
	stopped := p.paused || p.topic.paused
	goesOn = p.running > 0
	for _, k := range p.parked {
		goesOn = goesOn || k.Released && !k.loaded && !stopped
	}
	count := func(l *lane) {
		n := len(l.jobs) + len(l.batch)
		if stays := l.state == laneHalted || l.state == lanePaused; l.state == laneRunning || !stays && !stopped {
			going, goesOn = going+n, true
		} else {
			stuck += n
		}
	}
	for _, l := range p.lanes {
		count(l)
	}
	for _, l := range p.own {
		count(l)
	}
	if going > 0 {
		return goesOn, going + len(p.later), stuck
	}
	return goesOn, 0, stuck + len(p.later)
}

type fataler interface{ Fatalf(string, ...any) }

func TestOfVeryManyLanesThoseAreSeenThatSayMost(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(TopicPartition{"orders", 0})
	const n = 20_000
	for from := int64(0); from < n; from += 1000 {
		recs := make([]Record, 1000)
		for i := range recs {
			offset := from + int64(i)
			recs[i] = Record{Offset: offset, Timestamp: -1, Value: fmt.Appendf(nil, "value %d", offset), Lane: Lane{ID: uint64(offset) % (n / 2)}}
		}
		_, err := p.Append(recs)
		r.must(err)
	}
	if c := p.Survey().Counts; c.Ready != n/2 || c.Blocked != n/2 || c.Lanes != n/2 {
		t.Fatalf("counts are %+v", c)
	}
	lanes, all := p.Lanes(1000)
	if all || len(lanes) != 0 { // none runs, has failed, or is long
		t.Errorf("%d lanes are seen, all of them: %v", len(lanes), all)
	}
	job := r.take(1)[0]
	r.finish(Outcome{Kind: Halt, Error: "no"}, job)
	r.take(2)
	lanes, all = p.Lanes(1000)
	if all || len(lanes) != 3 {
		t.Errorf("%d lanes are seen, all of them: %v", len(lanes), all)
	}
	if failing, total := p.Failing(10); total != 1 || len(failing) != 1 || failing[0].Head != job.Offset || failing[0].Error != "no" {
		t.Errorf("failing are %+v, %d", failing, total)
	}
	if lanes, all := p.Lanes(n); !all || len(lanes) != n/2 {
		t.Errorf("%d lanes are seen, all of them: %v", len(lanes), all)
	}
}
