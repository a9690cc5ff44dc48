package queue

import (
	"slices"
	"testing"
)

func TestLanesThatAnotherStoreHasParkedGoAsideHereToo(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b", "a", "b")
	running := r.wantTaken(0, 1)
	elsewhere := func(writer string, lanes ...ParkedIn) {
		t.Helper()
		r.must(p.ParkElsewhere(writer, lanes))
		r.sync()
	}
	_, before := p.ParkedIDs()
	elsewhere("other", ParkedIn{'a', false, []string{"other", "s", "third"}}, ParkedIn{'c', false, []string{"other"}}, ParkedIn{'d', false, []string{"s"}})
	r.append(p, "c", "a", "d")
	r.done(running...)
	if ran := r.drain(); !slices.Equal(ran, []int64{6, 3}) {
		t.Errorf("ran %v", ran)
	}
	r.wantAside(orders, 2, 4, 5)
	check := func(want ...ParkedIn) {
		t.Helper()
		got, _ := p.ParkedIDs()
		if !slices.EqualFunc(got, want, func(a, b ParkedIn) bool {
			return a.Lane == b.Lane && a.Here == b.Here && slices.Equal(a.Stores, b.Stores)
		}) {
			t.Errorf("parked are %+v, want %+v", got, want)
		}
	}
	check(ParkedIn{'a', true, []string{"other", "third"}}, ParkedIn{'c', true, []string{"other"}})
	if p.ParkedVersion() == before {
		t.Error("the version is the same")
	}
	r.reopen()
	p = r.attach(orders)
	check(ParkedIn{'a', true, []string{"other", "third"}}, ParkedIn{'c', true, []string{"other"}})
	lanes := r.parkedLanes(orders)
	if len(lanes) != 2 || string(lanes[1].Lane.Name) != "c" || lanes[1].Offset != -1 || lanes[1].Jobs != 1 || !slices.Equal(lanes[0].Elsewhere, []string{"other", "third"}) {
		t.Errorf("%+v", lanes)
	}
	// Another lane without a job here goes on when who has told of it does not any more.
	elsewhere("third", ParkedIn{'a', true, []string{"third"}}, ParkedIn{'e', false, []string{"third"}})
	check(ParkedIn{'a', true, []string{"other", "third"}}, ParkedIn{'c', true, []string{"other"}}, ParkedIn{'e', false, []string{"third"}})
	elsewhere("third")
	check(ParkedIn{'a', true, []string{"other"}}, ParkedIn{'c', true, []string{"other"}})
	elsewhere("other")
	check(ParkedIn{'a', true, nil}, ParkedIn{'c', true, nil})
	if changed, err := p.Release(lanes[0], false); !changed || err != nil {
		t.Errorf("%v, %v", changed, err)
	}
	r.sync()
	if ran := r.drain(); !slices.Equal(ran, []int64{2, 5}) {
		t.Errorf("ran %v", ran)
	}
	check(ParkedIn{'c', true, nil})
}

// TestALaneParkedElsewhereLeavesAnOlderSchemeFirst, over a restart too.
func TestALaneParkedElsewhereLeavesAnOlderSchemeFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	r.sync()
	r.must(p.Configure("topic-id", "another scheme"))
	r.must(p.ParkElsewhere("w", []ParkedIn{{Lane: 'z', Stores: []string{"w"}}}))
	r.append(p, "a", "b", "z")
	r.reopen()
	p = r.attach(orders)
	if ran := r.drain(); !slices.Equal(ran, []int64{0, 1, 2, 3}) {
		t.Errorf("ran %v", ran)
	}
	if s := p.State(); s.Frontier != 5 || s.Parked != 1 {
		t.Errorf("%+v", s)
	}
}
