package partitioner_test

import (
	"fmt"

	"github.com/seed-2837c37b/holdfast/partitioner"
)

func Example() {
	p, err := partitioner.New(partitioner.Scheme{
		Sources: []partitioner.Source{partitioner.HeaderValue("tenant"), partitioner.JSON("customer.id")},
		Missing: partitioner.One,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	tenant := []partitioner.Header{{Key: "tenant", Value: []byte("acme")}}
	for offset, value := range []string{`{"customer":{"id":7}}`, `{"customer":{"id":8}}`, `{"customer":{"id":7.0}}`, `hello`} {
		lane, err := p.Lane(partitioner.Record{Offset: int64(offset), Value: []byte(value), Headers: tenant})
		if err != nil {
			fmt.Println(err)
		}
		fmt.Printf("%016x %s\n", lane.ID, lane.Name)
	}
	// Output:
	// d9729ec9c163df16 acme/7
	// 77c5b17eb876e313 acme/8
	// d9729ec9c163df16 acme/7
	// 78248a1e7ca5fb04 (missing)
}

func ExampleFunc() {
	p, err := partitioner.New(partitioner.Scheme{Sources: []partitioner.Source{
		partitioner.Func("region", func(rec partitioner.Record) ([]byte, error) {
			return rec.Key[:2], nil // panics for a shorter key
		}),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range []string{"eu-1", "eu-2", "x"} {
		lane, err := p.Lane(partitioner.Record{Key: []byte(key)})
		fmt.Printf("%q own=%v %v\n", lane.Name, lane.Own, err)
	}
	// Output:
	// "eu" own=false <nil>
	// "eu" own=false <nil>
	// "" own=true partitioner: source func:region: panic: runtime error: slice bounds out of range [:2] with capacity 1
}

func ExampleHashByName() {
	murmur2, _ := partitioner.HashByName("murmur2")
	key := []byte("order-1")
	fmt.Printf("0x%08x, partition %d of 12\n", murmur2.Sum(key), murmur2.Partition(key, 12))
	// Output:
	// 0x48d1d1f6, partition 10 of 12
}
