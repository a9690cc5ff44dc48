package bridgetest_test

import (
	"context"
	"errors"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// charge gives up what is not an amount, and fails at first.
func charge(_ context.Context, job *bridge.Job) error {
	switch {
	case len(job.Value) == 0:
		return bridge.Bury(errors.New("no amount"))
	case job.Attempt == 1:
		return errors.New("account locked")
	}
	return nil
}

func TestHandle(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		job  bridge.Job
		want string
	}{
		{bridge.Job{}, "halt"},
		{bridge.Job{Record: bridge.Record{Value: []byte("7.50")}}, "retry"},
		{bridge.Job{Record: bridge.Record{Topic: "orders", Value: []byte("7.50")}, Attempt: 2}, "done"},
	} {
		if got := bridgetest.Handle(t, bridge.HandlerFunc(charge), tt.job); got.Outcome != tt.want {
			t.Errorf("attempt %d with %q: %+v, want %s", tt.job.Attempt, tt.job.Value, got, tt.want)
		}
	}
}
