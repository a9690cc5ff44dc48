package main

import (
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// What there is no room to park stands beside what would be parked.
func TestAPlanToParkSaysWhatHasNoRoom(t *testing.T) {
	t.Parallel()
	var f facts
	planned(&f, inspect.Plan{
		Command: inspect.Command{Verb: inspect.Park}, Matched: 900, Jobs: make([]inspect.Target, 300),
		Says: []string{"44 of the 300 lanes with a key in orders/0 will be refused.", "1 of the 2 in orders/1."},
	})
	var out strings.Builder
	if err := f.write(&out); err != nil {
		t.Fatal(err)
	}
	want := []string{"match 900 jobs", "park 300 lanes with all jobs in them", "no room 44 of the 300 lanes with a key in orders/0 will be refused.", "1 of the 2 in orders/1."}
	for i, line := range strings.Split(out.String(), "\n") {
		if i < len(want) && strings.Join(strings.Fields(line), " ") != want[i] {
			t.Errorf("line %d is %q, want %q", i+1, line, want[i])
		}
	}
}
