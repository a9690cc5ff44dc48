package inspect

import (
	"fmt"
	"testing"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Damage is told with the name of what is damaged. However many letters are, the
// operation has to fit into the ledger: else its executor fails, and the bridge.
func TestAnOperationStaysSmallHoweverManyItRefuses(t *testing.T) {
	t.Parallel()
	const letters = 5000
	r := &bulkRun{}
	for i := range int64(letters) {
		name := Name{Topic: "orders", Offset: i}
		r.refuse(fmt.Sprintf("dead letter %s: the checksum does not match what is stored under it", name), name)
	}
	var op queue.Operation
	if err := r.encode(&op); err != nil {
		t.Fatal(err)
	}
	if len(op.Data) > queue.MaxLedgerData/4 {
		t.Errorf("%d bytes", len(op.Data))
	}
	if n := count(r.Operation.Refused); n != letters {
		t.Errorf("%d are counted", n)
	}
}
