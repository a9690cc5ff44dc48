package partitioner_test

import (
	"testing"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

var costs = map[string]struct {
	scheme partitioner.Scheme
	allocs float64 // at most: one where a name must be written out, one for a scanner that encoding/json may not find in its pool
}{
	"key":           {scheme: partitioner.Scheme{}},
	"header":        {scheme: scheme(partitioner.HeaderValue("tenant"))},
	"json string":   {scheme: scheme(partitioner.JSON("customer.id")), allocs: 1},
	"json number":   {scheme: scheme(partitioner.JSON("amount")), allocs: 1},
	"64 lanes":      {scheme: partitioner.Scheme{Lanes: 64}, allocs: 1},
	"round robin":   {scheme: scheme(partitioner.RoundRobin(8)), allocs: 1},
	"joined":        {scheme: scheme(partitioner.HeaderValue("tenant"), partitioner.JSON("customer.id")), allocs: 2},
	"ordering none": {scheme: partitioner.Scheme{Ordering: partitioner.OrderNone}},
}

var typical = partitioner.Record{
	Offset: 118204,
	Key:    []byte("customer-118204"),
	Value:  []byte(`{"order":"o-1","amount":4200,"lines":[{"sku":"a","n":1},{"sku":"b","n":2}],"customer":{"name":"Ada","id":"c-17"}}`),
	Headers: []partitioner.Header{
		{Key: "trace", Value: []byte("0af7651916cd43dd8448eb211c80319c")}, {Key: "tenant", Value: []byte("acme")},
	},
}

func TestAllocations(t *testing.T) {
	for name, cost := range costs {
		p := newPartitioner(t, cost.scheme)
		got := testing.AllocsPerRun(100, func() { _, _ = p.Lane(typical) })
		if got > cost.allocs {
			t.Errorf("%s: %v allocations per record, want at most %v", name, got, cost.allocs)
		}
	}
}

func BenchmarkLane(b *testing.B) {
	for name, cost := range costs {
		b.Run(name, func(b *testing.B) {
			p := newPartitioner(b, cost.scheme)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = p.Lane(typical)
			}
		})
	}
}
