package partitioner

import (
	"errors"
	"fmt"
)

// Ordering says which records must wait for each other.
type Ordering uint8

const (
	OrderKey       Ordering = iota // one running job per lane
	OrderPartition                 // one per Kafka partition: all records share a lane
	OrderNone                      // each record has a lane of its own, named after its value
)

// String returns the textual form, which ParseOrdering reads.
func (o Ordering) String() string {
	switch o {
	case OrderKey:
		return "key"
	case OrderPartition:
		return "partition"
	case OrderNone:
		return "none"
	default:
		return fmt.Sprintf("ordering(%d)", uint8(o))
	}
}

// ParseOrdering reads key, partition and none.
func ParseOrdering(text string) (Ordering, error) {
	for _, o := range []Ordering{OrderKey, OrderPartition, OrderNone} {
		if o.String() == text {
			return o, nil
		}
	}
	return OrderKey, fmt.Errorf("partitioner: ordering %q: unknown: use key, partition or none", text)
}

func (o Ordering) problem() error {
	if o > OrderNone {
		return errors.New("unknown: use OrderKey, OrderPartition or OrderNone")
	}
	return nil
}
