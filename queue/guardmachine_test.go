package queue

import (
	"fmt"
	"time"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// modelGuard is the guard of one topic on its way to the file; nil: nothing to write.
type modelGuard struct{ gathering, flying, file *Guard }

func (g *modelGuard) gather() { g.flying, g.gathering = g.gathering, nil }

func (g *modelGuard) write() {
	if g.flying != nil {
		g.file = g.flying
	}
}

// setGuard is a burial's token, or one that was earned.
func (m *machine) setGuard(t *rapid.T) {
	g := Guard{Tokens: rapid.IntRange(0, 100).Draw(t, "tokens"), At: m.clock.Now()}
	must(t, m.store.SetGuard("orders", g))
	m.guard.gathering = &g
}

// checkGuard reads the guard by FORMAT.md, and as the store does.
func (m *machine) checkGuard(tx *bbolt.Tx) error {
	var value []byte
	if b := tx.Bucket([]byte("guards")); b != nil {
		value = b.Get([]byte("orders"))
	}
	if m.guard.file == nil || value == nil {
		if m.guard.file != nil || value != nil {
			return fmt.Errorf("the file has the guard %x, want %v", value, m.guard.file)
		}
		return nil
	}
	v, err := framedMap(value)
	if err != nil {
		return err
	}
	if got := (Guard{Tokens: int(number(v["tokens"])), At: time.Unix(0, number(v["at"]))}); got != *m.guard.file {
		return fmt.Errorf("the file has the guard %v, want %v", got, *m.guard.file)
	}
	return nil
}
