package bridge

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// guarded is a guard with what it told.
type guarded struct {
	*guard
	kept []queue.Guard
	told []Guarding
}

func testGuard(limit Guard, now time.Time) *guarded {
	g := new(guarded)
	limit = limit.withDefaults()
	log := slog.New(slog.DiscardHandler)
	g.guard = &guard{
		topic: "orders", limit: limit, calm: 2 * time.Minute, tokens: limit.Bucket, at: now, log: log,
		keep:  func(_ string, left queue.Guard) error { g.kept = append(g.kept, left); return nil },
		hooks: &hooks{to: &Hooks{Guarding: func(e Guarding) { g.told = append(g.told, e) }}, log: log},
	}
	g.full.Store(true)
	return g
}

// spendAll takes tokens until there are none and tells how many there were.
func (g *guarded) spendAll(now time.Time) (n int) {
	for g.spend(now) {
		n++
	}
	return n
}

func TestABucketOfTokensIsForBurials(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	g := testGuard(Guard{}, now)
	if n := g.spendAll(now); n != 100 {
		t.Errorf("%d burials at once, want 100", n)
	}
	for range 49 {
		g.succeeded()
	}
	if g.spend(now) {
		t.Error("49 successes have earned a token")
	}
	for range 51 {
		g.succeeded()
	}
	if n := g.spendAll(now); n != 2 {
		t.Errorf("100 successes earned %d tokens, want 2", n)
	}
	now = now.Add(5*time.Minute - 1)
	if g.spend(now) {
		t.Error("less than 5 minutes have earned a token")
	}
	if n := g.spendAll(now.Add(1)); n != 1 {
		t.Errorf("5 minutes earned %d tokens, want 1", n)
	}
	if n := g.spendAll(now.Add(24 * time.Hour)); n != 100 {
		t.Errorf("a day earned %d tokens, want a full bucket", n)
	}
}

func TestAFullBucketEarnsNothing(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	g := testGuard(Guard{Bucket: 3, Successes: 1}, now)
	for range 10 {
		g.succeeded()
	}
	if len(g.kept) != 0 {
		t.Errorf("a full bucket was written %d times", len(g.kept))
	}
	now = now.Add(time.Hour)
	if n := g.spendAll(now); n != 3 {
		t.Errorf("%d burials, want 3", n)
	}
	if g.spend(now.Add(5*time.Minute - 1)) {
		t.Error("time from before the bucket was used has earned a token")
	}
}

func TestAGuardAndAClockThatIsSetBack(t *testing.T) {
	t.Parallel()
	now := time.Unix(100_000, 0)
	g := testGuard(Guard{}, now)
	g.spendAll(now)
	now = now.Add(-10 * time.Hour)
	if g.spend(now) {
		t.Error("a clock that was set back has earned a token")
	}
	if n := g.spendAll(now.Add(5 * time.Minute)); n != 1 {
		t.Errorf("5 minutes later there are %d tokens, want 1", n)
	}
}

func TestWhatAGuardSpendsIsKept(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	g := testGuard(Guard{Bucket: 2, Successes: 1}, now)
	g.spendAll(now)
	g.succeeded()
	want := []queue.Guard{{Tokens: 1, At: now}, {Tokens: 0, At: now}, {Tokens: 1, At: now}}
	if !slices.Equal(g.kept, want) {
		t.Errorf("kept %v, want %v", g.kept, want)
	}
}

func TestAGuardTellsOnceThatItBeginsAndEnds(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	g := testGuard(Guard{Bucket: 1, Every: time.Minute}, now)
	for range 10 { // a token now and then, and still jobs are held back
		g.spendAll(now)
		g.spend(now)
		g.look(now)
		now = now.Add(time.Minute)
	}
	if want := []Guarding{{Topic: "orders", Active: true}}; !slices.Equal(g.told, want) {
		t.Fatalf("told %v, want %v", g.told, want)
	}
	g.look(now.Add(time.Minute)) // two minutes since the last one was held back
	g.look(now.Add(time.Minute + 1))
	g.look(now.Add(time.Hour))
	want := []Guarding{{Topic: "orders", Active: true}, {Topic: "orders", Refused: 20}}
	if !slices.Equal(g.told, want) {
		t.Errorf("told %v, want %v", g.told, want)
	}
}

func TestNoGuardLetsEverythingBeBuried(t *testing.T) {
	t.Parallel()
	var g *guard
	if !g.spend(time.Unix(1, 0)) {
		t.Error("a guard that is none refused")
	}
	r := &run{}
	for _, to := range []*route{
		{settings: settings{onFailure: Block}},
		{settings: settings{onFailure: ParkLane}, guard: Guard{}.withDefaults()},
		{settings: settings{onFailure: BuryJob}, guard: Guard{Bucket: -1}.withDefaults()},
	} {
		if r.guardOf("orders", to) != nil {
			t.Errorf("%v with %+v has a guard", to.onFailure, to.guard)
		}
	}
}

// Jobs that are held back wait as long as the policy in force says, and as long
// nothing is known about the outage.
func TestAGuardGoesByTheLongestDelayInForce(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, Topic{Handler: doNothing, OnFailure: BuryJob, Retry: Backoff{Max: time.Minute}}, nil)
	to, err := d.routes.find("orders")
	if err != nil {
		t.Fatal(err)
	}
	g := d.guardOf("orders", to)
	changed := to.settings
	changed.retry = Backoff{Max: time.Hour}
	if again := d.guardOf("orders", to.with(changed)); again != g || g.calm != 2*time.Hour {
		t.Errorf("the guard looks for %v, want %v", g.calm, 2*time.Hour)
	}
}
