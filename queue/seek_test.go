package queue

import "testing"

// The file has a wish until Kafka has acknowledged an offset that follows it.
func TestASeekIsKeptUntilItIsAcknowledged(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	wish := Seek{Offset: 1, TopicID: "T", Asked: r.clock.Now()}
	r.must(p.AskSeek(wish))
	p.Acknowledge(1) // of before
	again := func(want *Seek) {
		t.Helper()
		r.sync()
		r.reopen()
		p = r.attach(orders)
		switch got := p.State().Seek; {
		case (got == nil) != (want == nil):
			t.Fatalf("the wish is %+v, want %+v", got, want)
		case got != nil && (got.Offset != want.Offset || got.TopicID != want.TopicID || !got.Asked.Equal(want.Asked) || got.Applied != want.Applied || got.Back != want.Back):
			t.Fatalf("the wish is %+v, want %+v", got, want)
		}
	}
	again(&wish)
	r.must(p.Reset(1))
	r.must(p.SeekApplied(wish, true))
	wish.Applied, wish.Back = true, true
	again(&wish)
	p.Acknowledge(1)
	again(nil)
	if err := p.AskSeek(Seek{Offset: -1}); err == nil {
		t.Error("an offset below zero was taken")
	}
}

// A wish that comes while an earlier one is carried out is not taken for it.
func TestAWishIsFulfilledByItselfAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	first, later := Seek{Offset: 1, Asked: r.clock.Now()}, Seek{Offset: 2, Asked: r.clock.Now()}
	r.must(p.AskSeek(first))
	r.must(p.AskSeek(later))
	r.must(p.SeekApplied(first, false))
	p.Acknowledge(1)
	r.must(p.DropSeek(first))
	if s := p.State().Seek; s == nil || s.Offset != 2 || s.Applied {
		t.Fatalf("the later wish is %+v", s)
	}
	r.must(p.DropSeek(later))
	if s := p.State().Seek; s != nil {
		t.Errorf("it is still %+v", s)
	}
}
