package inspect_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// TestALimitTakesTheFirstLetters: as the plan shows them, at a pace and however many
// partitions have some.
func TestALimitTakesTheFirstLetters(t *testing.T) {
	t.Parallel()
	m := newMorgue(t, 3, 300)
	c := inspect.Command{Verb: inspect.Discard, Dead: inspect.DeadQuery{Topic: "orders", Limit: 400}, Rate: 400}
	id := m.execute(m.plan(c)).Stored.ID
	m.executes(func(ctx context.Context) context.Context { return ctx })
	if op := m.operation(id, settled); op.Taken != 400 {
		t.Errorf("in the end %+v", op)
	}
	left := map[int32]int{}
	for letter, err := range m.operator.Dead(t.Context(), inspect.DeadQuery{Topic: "orders"}) {
		must(t, err)
		left[letter.Partition]++
	}
	if fmt.Sprint(left) != "map[1:200 2:300]" {
		t.Errorf("%v are left", left)
	}
}
