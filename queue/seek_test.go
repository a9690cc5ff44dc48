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
	r.must(p.SeekApplied(true))
	wish.Applied, wish.Back = true, true
	again(&wish)
	p.Acknowledge(1)
	again(nil)
	if err := p.AskSeek(Seek{Offset: -1}); err == nil {
		t.Error("an offset below zero was taken")
	}
}
