package bridge_test

import (
	"context"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

type invoice struct{ Amount int }

func TestJSON(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		value   []byte
		outcome string
		err     string
	}{
		"decodes":      {[]byte(`{"Amount": 7}`), "done", ""},
		"not JSON":     {[]byte(`{"Amount"`), "halt", "no JSON of bridge_test.invoice: unexpected end"},
		"another type": {[]byte(`{"Amount": "seven"}`), "halt", "cannot unmarshal string"},
		"two values":   {[]byte(`{} {}`), "halt", "after top-level value"},
		"empty":        {[]byte{}, "halt", "unexpected end"},
		"null":         {nil, "halt", "it is null"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			result := bridgetest.Handle(t, bridge.JSON(func(_ context.Context, _ *bridge.Job, v invoice) error {
				if calls++; v.Amount != 7 {
					t.Errorf("got %+v", v)
				}
				return nil
			}), bridge.Job{Record: bridge.Record{Value: c.value}})
			if result.Outcome != c.outcome || (calls == 1) != (c.outcome == "done") {
				t.Errorf("outcome %+v after %d calls", result, calls)
			}
			if c.err != "" && (result.Err == nil || !strings.Contains(result.Err.Error(), c.err)) {
				t.Errorf("error %v, want %q", result.Err, c.err)
			}
		})
	}
}

// TestJSONOfNull: a tombstone is a value for a handler that can tell.
func TestJSONOfNull(t *testing.T) {
	t.Parallel()
	result := bridgetest.Handle(t, bridge.JSON(func(_ context.Context, _ *bridge.Job, v *invoice) error {
		if v != nil {
			t.Errorf("got %+v", v)
		}
		return nil
	}), bridge.Job{})
	if result.Outcome != "done" {
		t.Errorf("outcome %+v", result)
	}
}
