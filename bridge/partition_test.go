package bridge

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestRunsOfALostPartition(t *testing.T) {
	t.Parallel()
	const within = time.Minute
	now := time.Unix(1000, 0)
	for name, c := range map[string]struct {
		act       func(*partition)
		cancelled bool
	}{
		"go on while there is no membership": {func(p *partition) {
			p.resign(now.Add(24*time.Hour), within)
		}, false},
		"go on while the group may still assign it": {func(p *partition) {
			p.rejoined(now)
			p.rejoined(now.Add(within)) // the first time counts
			p.resign(now.Add(within), within)
		}, false},
		"are cancelled when another member has it": {func(p *partition) {
			p.rejoined(now)
			p.resign(now.Add(within+1), within)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := &partition{}
			p.scope, p.cancel = context.WithCancelCause(t.Context())
			p.withdraw(true)
			c.act(p)
			if got := errors.Is(context.Cause(p.scope), ErrRevoked); got != c.cancelled {
				t.Errorf("cancelled: %v, want %v", got, c.cancelled)
			}
		})
	}
}
