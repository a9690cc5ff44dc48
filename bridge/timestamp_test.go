package bridge

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// asSarama makes the time of a record of a batch the way sarama does.
func asSarama(first, ms int64) time.Time {
	at := time.Time{}
	if first >= 0 {
		at = time.UnixMilli(first)
	}
	return at.Add(time.Duration(ms-first) * time.Millisecond)
}

func TestTimestampsOfABatchMayBeFarApart(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const wrap, year9999 = 1 << 63 / 1_000_000, 253402300799999
		timestamp := rapid.OneOf(
			rapid.Int64Range(-1, year9999),
			rapid.SampledFrom([]int64{-1, 0, 1, wrap - 1, wrap, wrap + 1, 2*wrap + 1, year9999}),
		)
		first, ms := timestamp.Draw(t, "first"), timestamp.Draw(t, "timestamp")
		if got := unixMilli(asSarama(first, ms)); got != ms {
			t.Errorf("%d beside %d came as %d", ms, first, got)
		}
	})
}
