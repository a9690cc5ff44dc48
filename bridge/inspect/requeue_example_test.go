package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"sync/atomic"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// An order becomes a dead letter while the billing service refuses it, and is
// requeued once that is mended. Its customer's later orders did not wait.
func Example_requeue() {
	broker, err := bridgetest.NewBroker(
		bridgetest.Topic("orders", 1),
		bridgetest.Records("orders", order("bob", "5.00"), order("bob", "12.00")),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer broker.Close()
	dir, err := os.MkdirTemp("", "holdfast-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	var mended atomic.Bool
	charged := make(chan string, 2)
	charge := func(_ context.Context, job *bridge.Job) error {
		if string(job.Value) == "5.00" && !mended.Load() {
			return bridge.Bury(errors.New("http 409: account locked"))
		}
		charged <- fmt.Sprintf("%s: charged %s", job, job.Value)
		return nil
	}
	buried := make(chan struct{}, 1)
	b, err := bridge.New(bridge.Config{
		Brokers: broker.Addrs(),
		Group:   "billing",
		DataDir: dir,
		Topics:  []bridge.Topic{{Name: "orders", Handler: bridge.HandlerFunc(charge), OnFailure: bridge.BuryJob}},
		Hooks: &bridge.Hooks{Durable: func(list []bridge.Completion) {
			for _, c := range list {
				if c.Outcome == "bury" {
					buried <- struct{}{}
				}
			}
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()

	<-buried
	fmt.Println(<-charged)
	mended.Store(true)
	plan, err := b.Inspector().Plan(ctx, inspect.Command{
		Verb: inspect.Requeue,
		Dead: inspect.DeadQuery{Topic: "orders", ErrorMatches: "http 409"},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, letter := range plan.DeadSample {
		fmt.Printf("%s died: %s\n", letter.Name, letter.Reason)
	}
	if _, err := b.Inspector().Execute(ctx, plan); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-charged)
	stop()
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
	// Output:
	// orders/0@1: charged 12.00
	// orders/0@0 died: http 409: account locked
	// orders/0@0: charged 5.00
}
