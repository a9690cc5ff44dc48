package queue

import (
	"errors"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

func TestAGuardIsDurableWithTheOutcomeThatFollowsIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	if _, known, err := r.Guard("orders"); known || err != nil {
		t.Fatalf("a new store has a guard: %v, %v", known, err)
	}
	r.append(p, "a", "b")
	j := r.take(1)
	want := Guard{Tokens: 99, At: r.clock.Now()}
	r.must(r.SetGuard("orders", Guard{Tokens: 100, At: r.clock.Now()}))
	r.must(r.SetGuard("orders", want))
	r.must(r.SetGuard("bills", Guard{Tokens: 3, At: time.Unix(0, 1)}))
	r.finish(Outcome{Kind: Bury, Error: "no"}, j...)
	r.sync()
	r.reopen()
	if got, known, err := r.Guard("orders"); got != want || !known || err != nil {
		t.Errorf("guard %+v, %v, %v; want %+v", got, known, err, want)
	}
	if got, _, _ := r.Guard("bills"); got.Tokens != 3 {
		t.Errorf("guard of bills %+v", got)
	}
	r.must(r.SetGuard("orders", Guard{At: want.At})) // alone it makes a flush too
	r.sync()
	if got, _, _ := r.Guard("orders"); got.Tokens != 0 {
		t.Errorf("guard %+v, want no tokens", got)
	}
}

func TestADamagedGuardIsFound(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.must(r.SetGuard("orders", Guard{Tokens: 1, At: r.clock.Now()}))
	r.sync()
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketGuards)
		value := append([]byte(nil), b.Get([]byte("orders"))...)
		value[len(value)-1] ^= 1
		return b.Put([]byte("orders"), value)
	}))
	var damage *DamageError
	if _, _, err := r.Guard("orders"); !errors.As(err, &damage) {
		t.Errorf("read a damaged guard with %v", err)
	}
	found := 0
	r.must(Verify(r.db, true, func(*DamageError) { found++ }))
	if found != 1 {
		t.Errorf("verify found %d values damaged, want 1", found)
	}
}
