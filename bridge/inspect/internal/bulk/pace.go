package bulk

import (
	"fmt"
	"math"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
)

const (
	// batch is how many are taken at a time.
	batch = 256
	// firstWindow is how many jobs that it has let run may be unfinished before the first of
	// them have shown how it goes; each that finishes lets one more be, and each
	// patience without any as many again.
	firstWindow, maxWindow = 256, 20_000
	windowPatience         = 10 * time.Second
)

// stops tells why the stop condition is met, if it is.
func (r *run) stops() string {
	op := &r.Operation
	limit := r.terms.StopAt
	again := op.again()
	finished := op.Done + again
	if limit >= 1 || finished < r.terms.Least || again == 0 || float64(again) < limit*float64(finished) {
		return ""
	}
	return fmt.Sprintf("%d of the %d %s that ran %s, and it stops at %g%%; %s were left", again, finished, r.kind.Vain.What, r.kind.Vain.Said, 100*limit, words.Number(r.Left(), r.kind.What))
}

// limited is how many may still be taken by the limit. Jobs that were refused may
// be others than the plan's.
func (r *run) limited() int {
	switch {
	case r.terms.Limit == 0:
		return math.MaxInt
	case r.Jobs != nil:
		return max(0, r.Operation.Matched-r.Operation.Taken)
	}
	return r.Left()
}

// room is how many may be taken now.
func (r *run) room() int {
	n := batch
	if r.kind.Runs() {
		if now := r.x.Now(); now.Sub(r.finished) >= windowPatience {
			r.finished, r.grown = now, r.grown+firstWindow
		}
		n = min(n, max(0, r.window()-r.Operation.Waiting))
	}
	n = min(n, r.limited())
	if r.limiter != nil {
		n = min(n, int(r.limiter.TokensAt(r.x.Now())))
	}
	return n
}

// window is how many jobs that it has let run may be unfinished.
func (r *run) window() int {
	return min(maxWindow, firstWindow+r.grown+r.Operation.Done+r.Operation.again())
}
