package bulk

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Damage is told with the name of what is damaged. However many letters are, the
// operation has to fit into the ledger: else the engine fails, and the bridge.
func TestAnOperationStaysSmallHoweverManyItRefuses(t *testing.T) {
	t.Parallel()
	const letters = 5000
	r := &run{Entry: Entry{Operation: Operation{Command: json.RawMessage(`{}`)}}}
	for i := range int64(letters) {
		r.refuse(fmt.Sprintf("dead letter orders/0@%d: the checksum does not match what is stored under it", i), Name{Topic: "orders", Offset: i})
	}
	var op queue.Operation
	if err := r.Entry.Write(&op); err != nil {
		t.Fatal(err)
	}
	if len(op.Data) > queue.MaxLedgerData/4 {
		t.Errorf("%d bytes", len(op.Data))
	}
	if n := r.Operation.refused(); n != letters {
		t.Errorf("%d are counted", n)
	}
}
