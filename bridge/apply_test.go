package bridge

import (
	"reflect"
	"testing"
)

// A field that is in one list and not in the other would be said to be in force
// and not be, or the other way round.
func TestWhatAppliesToATopicIsItsSettings(t *testing.T) {
	t.Parallel()
	if n := reflect.TypeFor[settings]().NumField(); n != len(liveTopicFields) {
		t.Errorf("%d settings, and %d fields that apply while jobs run: %q", n, len(liveTopicFields), liveTopicFields)
	}
	for _, live := range []struct {
		of    reflect.Type
		names []string
	}{{reflect.TypeFor[Config](), liveFields}, {reflect.TypeFor[Topic](), liveTopicFields}} {
		for _, name := range live.names {
			if _, ok := live.of.FieldByName(name); !ok {
				t.Errorf("%v has no field %s", live.of, name)
			}
		}
	}
}
