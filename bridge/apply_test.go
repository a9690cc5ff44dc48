package bridge

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

// A configuration that is possible by itself need not be with the lanes that a
// running bridge keeps.
func TestApplyRefusesWhatIsImpossibleWithWhatStays(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1, Topic{Handler: doNothing, Partitioner: partitioner.Scheme{Ordering: partitioner.OrderPartition}}, nil)
	next := smallest()
	next.Topics = []Topic{{Name: "orders", Handler: doNothing, OnFailure: ParkLane}}
	next.Workers = 7
	_, err := d.Apply(next)
	var wrong *ConfigError
	if !errors.As(err, &wrong) || len(wrong.Problems) != 1 || wrong.Problems[0].Field != "Topics[0].OnFailure" ||
		!strings.Contains(wrong.Problems[0].Reason, "until the next start") {
		t.Errorf("applied with %v", err)
	}
	if to, err := d.routes.find("orders"); err != nil || to.onFailure != Block || d.live.Workers == 7 {
		t.Errorf("something was changed: %v, %d workers, %v", to.onFailure, d.live.Workers, err)
	}
}

// A field that is in one list and not in the other would be said to be in force
// and not be, or the other way round.
func TestWhatAppliesToATopicIsItsSettings(t *testing.T) {
	t.Parallel()
	if n := reflect.TypeFor[settings]().NumField(); n-1 != len(liveTopicFields) { // keeping is for operators to set
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
