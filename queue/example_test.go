package queue_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/seed-2837c37b/holdfast/queue"
)

// A partition's records are appended as they come; workers take the heads of
// lanes and say what became of them. What Frontier returns may be committed.
func Example() {
	dir, err := os.MkdirTemp("", "queue")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, queue.FileName)
	if err := queue.Create(path, queue.Identity{Group: "billing", StoreID: "9f3c"}); err != nil {
		log.Fatal(err)
	}
	store, err := queue.Open(path, queue.Options{})
	if err != nil {
		log.Fatal(err)
	}
	if err := run(context.Background(), store); err != nil {
		log.Fatal(err)
	}
	if err := store.Close(); err != nil {
		log.Fatal(err)
	}
	// Output:
	// orders/3@100 alice: first
	// orders/3@101 bob: second
	// orders/3@103 alice: third
	// frontier 104
}

func run(ctx context.Context, store *queue.Store) error {
	orders, err := store.Attach(queue.TopicPartition{Topic: "orders", Partition: 3})
	if err != nil {
		return err
	}
	if err := orders.SetStart(100); err != nil {
		return err
	}
	alice, bob := []byte("alice"), []byte("bob")
	if _, err := orders.Append([]queue.Record{
		{Offset: 100, Key: alice, Value: []byte("first"), Lane: queue.Lane{ID: 1, Name: alice}},
		{Offset: 101, Key: bob, Value: []byte("second"), Lane: queue.Lane{ID: 2, Name: bob}},
		{Offset: 103, Key: alice, Value: []byte("third"), Lane: queue.Lane{ID: 1, Name: alice}},
	}); err != nil {
		return err
	}
	orders.Lease(queue.Forever) // nothing starts without
	job := make([]queue.Job, 1)
	for orders.State().Open > 0 {
		if _, err := store.Take(ctx, job); err != nil {
			return err
		}
		fmt.Printf("%s@%d %s: %s\n", job[0].TopicPartition(), job[0].Offset, job[0].Lane.Name, job[0].Value)
		if err := store.Finish(queue.Finished{Job: &job[0], Outcome: queue.Outcome{Kind: queue.Done}}); err != nil {
			return err
		}
	}
	if err := store.Sync(ctx); err != nil {
		return err
	}
	fmt.Println("frontier", orders.Frontier())
	return nil
}
