package partitioner

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A lane by its name is the one that its records get.
func TestNamedLanesAreThoseOfRecords(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Scheme{
		"per key":      {},
		"missing one":  {Missing: One},
		"spread":       {Missing: 3},
		"numbered":     {Lanes: 8},
		"header":       {Sources: []Source{HeaderValue("h")}},
		"joined":       {Sources: []Source{Key(), HeaderValue("h")}},
		"round robin":  {Sources: []Source{RoundRobin(4)}},
		"partition":    {Ordering: OrderPartition},
		"no order":     {Ordering: OrderNone},
		"numbered one": {Lanes: 1, Missing: One},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := New(s)
			if err != nil {
				t.Fatal(err)
			}
			byKey := s.Ordering == OrderPartition || s.Ordering == OrderKey && len(s.Sources) == 0
			for i := range int64(50) {
				rec := Record{Offset: i, Headers: []Header{{Key: "h", Value: fmt.Append(nil, i)}}}
				if i%2 == 0 {
					rec.Key = fmt.Append(nil, "k", i)
				}
				lane, err := p.Lane(rec)
				if err != nil {
					t.Fatal(err)
				}
				named, ok := p.Named(lane.Name)
				if ok != !lane.Own || ok && cmp.Diff(lane, named) != "" {
					t.Errorf("record %d in %+v, by name %+v, %v", i, lane, named, ok)
				}
				if rec.Key == nil {
					continue
				}
				keyed, ok := p.OfKey(rec.Key)
				if ok != byKey || ok && cmp.Diff(lane, keyed) != "" {
					t.Errorf("record %d in %+v, by key %+v, %v", i, lane, keyed, ok)
				}
			}
			if _, ok := p.Named([]byte("8")); ok && (s.Lanes > 0 || s.Ordering != OrderKey) {
				t.Error("there is no such lane")
			}
		})
	}
}
