package inspect_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// One order cannot be charged: it is halted and holds the later ones of its
// customer, and the offset. Skipping it lets them go on.
func Example() {
	broker, err := bridgetest.NewBroker(
		bridgetest.Topic("orders", 1),
		bridgetest.Records("orders", order("anna", "7.50"), order("bob", "a lot"), order("bob", "12.00")),
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

	charged := make(chan string, 1)
	charge := func(_ context.Context, job *bridge.Job) error {
		if string(job.Value) == "a lot" {
			return bridge.Bury(errors.New("amount is not a number"))
		}
		if string(job.Key) == "bob" {
			charged <- fmt.Sprintf("%s: charge %s %s", job, job.Key, job.Value)
		}
		return nil
	}
	halted := make(chan struct{})
	b, err := bridge.New(bridge.Config{
		Brokers: broker.Addrs(),
		Group:   "billing",
		DataDir: dir,
		Topics:  []bridge.Topic{{Name: "orders", Handler: bridge.HandlerFunc(charge)}},
		Hooks: &bridge.Hooks{Durable: func(list []bridge.Completion) {
			for _, c := range list {
				if c.Outcome == "halt" {
					close(halted)
				}
			}
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- b.Run(ctx) }()

	<-halted
	if err := skipHalted(ctx, b.Inspector()); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-charged)
	stop()
	if err := <-ended; err != nil {
		log.Fatal(err)
	}
	// Output:
	// orders/0@1 is halted: amount is not a number
	// skipped 1, refused 0
	// orders/0@2: charge bob 12.00
}

// skipHalted completes what was given up without running it again.
func skipHalted(ctx context.Context, inspector inspect.Inspector) error {
	plan, err := inspector.Plan(ctx, inspect.Command{
		Verb:   inspect.Skip,
		Select: inspect.Query{Topic: "orders", States: []inspect.State{inspect.Halted}},
		Reason: "agreed with the customers",
	})
	if err != nil {
		return err
	}
	for _, job := range plan.Sample {
		fmt.Printf("%s is %s: %s\n", job.Name, job.State, job.Error)
	}
	operation, err := inspector.Execute(ctx, plan) // changes something; the plan did not
	if err != nil {
		return err
	}
	fmt.Printf("skipped %d, refused %d\n", len(operation.Done), len(operation.Refused))
	return nil
}

func order(customer, amount string) bridgetest.Record {
	return bridgetest.Record{Key: []byte(customer), Value: []byte(amount)}
}
