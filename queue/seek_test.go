package queue

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// The file has a wish until it is said to be fulfilled.
func TestASeekIsKeptUntilItIsFulfilled(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	wish := Seek{Offset: 1, TopicID: "T", Committed: 7, Asked: r.clock.Now()}
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
		case got != nil && (!got.Asked.Equal(want.Asked) || !cmp.Equal(got, want, cmpopts.IgnoreFields(Seek{}, "Asked"))):
			t.Fatalf("the wish is %+v, want %+v", got, want)
		}
	}
	again(&wish)
	wish.Back, wish.Committed = true, 9
	r.must(p.SeekBegins(wish))
	again(&wish)
	r.must(p.Reset(1))
	for range 2 { // decided anew, it is the same wish still
		r.must(p.SeekApplied(wish, "here"))
	}
	wish.Applied = true
	again(&wish)
	if s := p.State(); s.Seeks != 1 || s.SoughtIn != "here" || s.Resets != 1 {
		t.Errorf("%d seeks were carried out, the last in %q, with %d resets", s.Seeks, s.SoughtIn, s.Resets)
	}
	p.Acknowledge(1) // of whatever: who commits knows whether it is of after
	again(&wish)
	r.must(p.DropSeek(wish))
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
	first.Back = true
	r.must(p.SeekBegins(first))
	r.must(p.SeekApplied(first, ""))
	r.must(p.DropSeek(first))
	if s := p.State().Seek; s == nil || s.Offset != 2 || s.Applied || s.Back {
		t.Fatalf("the later wish is %+v", s)
	}
	r.must(p.DropSeek(later))
	if s := p.State().Seek; s != nil {
		t.Errorf("it is still %+v", s)
	}
}

// Kafka may still have an offset of before a wish that went back: what it tells of
// completed jobs is not to count after a later wish either.
func TestALaterWishKnowsOfOneThatWentBack(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a", "b")
	first := Seek{Offset: 1, Asked: r.clock.Now(), Back: true}
	r.must(p.AskSeek(first))
	if p.State().Seek.Back {
		t.Error("a wish has gone back before it was carried out")
	}
	r.must(p.SeekBegins(first))
	r.must(p.SeekApplied(first, ""))
	r.must(p.AskSeek(Seek{Offset: 2, Asked: r.clock.Now()}))
	if s := p.State().Seek; !s.Back || s.Applied {
		t.Errorf("the later wish is %+v", s)
	}
	r.must(p.DropSeek(*p.State().Seek))
	r.must(p.AskSeek(Seek{Offset: 1, Asked: r.clock.Now()}))
	if p.State().Seek.Back {
		t.Error("a wish knows of one that was fulfilled")
	}
}
