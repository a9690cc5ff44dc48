package admin

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// TestAPlanNamesWhatItChanges: what a plan of ours says is understood, and without
// any one of the names it is refused.
func TestAPlanNamesWhatItChanges(t *testing.T) {
	t.Parallel()
	body, err := planForm.Marshal(inspect.Plan{
		Command: inspect.Command{Verb: inspect.Skip, Select: inspect.Query{Topic: "orders"}},
		Jobs:    make([]inspect.Target, 1), Dead: make([]inspect.DeadTarget, 1), Again: make([]inspect.AgainTarget, 1),
		Lanes: make([]inspect.ParkedLane, 1), Pauses: make([]inspect.PauseEntry, 1), Seeks: make([]inspect.SeekTarget, 1),
		Forgets: make([]inspect.ForgetTarget, 1), Cutoffs: make([]inspect.Cutoff, 1),
		Settings: make([]inspect.SettingChange, 1),
	})
	must(t, err)
	must(t, new(planned).askedIn(body))
	for list, members := range targetNames {
		for _, member := range members {
			var plan map[string]any
			must(t, json.Unmarshal(body, &plan))
			entry := plan[list].([]any)[0].(map[string]any)
			if _, there := entry[member]; !there {
				t.Errorf("our own %s have no %s", list, member)
			}
			delete(entry, member)
			without, err := json.Marshal(plan)
			must(t, err)
			if err := new(planned).askedIn(without); err == nil || !strings.Contains(err.Error(), list+"[0] has no "+member) {
				t.Errorf("%s without %s: %v", list, member, err)
			}
		}
	}
}
