package main

import (
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// TestProgressAccountsForAll: what was not taken, and why.
func TestProgressAccountsForAll(t *testing.T) {
	t.Parallel()
	op := inspect.BulkOperation{
		ID: "pa-7f3a", Verb: inspect.Park, State: inspect.OperationDone, Matched: 310, Taken: 256, Done: 256, AlreadyDone: 10,
		Refused: []inspect.Group{{Reason: "its partition has too many parked lanes", Count: 44}},
	}
	const want = "operation pa-7f3a  256/310 parked  44 refused  10 already done  done\n  refused    44: its partition has too many parked lanes"
	if got := progressText(op); got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
