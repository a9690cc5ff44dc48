package bridge_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

// The smallest useful program: a handler, the topic that it is for, and a
// directory to keep jobs in. Run works until its context ends.
func Example() {
	broker, err := bridgetest.NewBroker(
		bridgetest.Topic("orders", 1),
		bridgetest.Records("orders", anna("7.50"), anna("12.00"), anna("3.20")),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer broker.Close()
	brokers := broker.Addrs()
	dir, err := os.MkdirTemp("", "holdfast-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()

	charged := 0
	charge := func(ctx context.Context, job *bridge.Job) error {
		fmt.Printf("%s: charge customer %s %s\n", job, job.Key, job.Value)
		if charged++; charged == 3 {
			stop() // a planned stop: what runs is finished and committed
		}
		return nil // an error would run the job again, before any later one of its key
	}

	b, err := bridge.New(bridge.Config{
		Brokers: brokers,
		Group:   "billing",
		DataDir: dir,
		Topics:  []bridge.Topic{{Name: "orders", Handler: bridge.HandlerFunc(charge)}},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := b.Run(ctx); err != nil {
		log.Fatal(err)
	}
	// Output:
	// orders/0@0: charge customer anna 7.50
	// orders/0@1: charge customer anna 12.00
	// orders/0@2: charge customer anna 3.20
}

// anna is a record of the customer's.
func anna(amount string) bridgetest.Record {
	return bridgetest.Record{Key: []byte("anna"), Value: []byte(amount)}
}

// A handler can be tried on one job, as a bridge would run it, without a
// broker or a store.
func ExampleTry() {
	parse := func(_ context.Context, job *bridge.Job) error {
		if _, err := strconv.Atoi(string(job.Value)); err != nil {
			return bridge.Bury(err) // no further attempt would help
		}
		return nil
	}
	cfg := bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: bridge.HandlerFunc(parse)}}}
	for _, value := range []string{"7", "seven"} {
		record := bridge.Record{Topic: "orders", Key: []byte("anna"), Value: []byte(value)}
		trial, err := bridge.Try(context.Background(), cfg, bridge.Job{Record: record})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("lane %s: %s, error %v\n", trial.Job.Lane, trial.Outcome, trial.Err)
	}
	// Output:
	// lane anna: done, error <nil>
	// lane anna: halt, error strconv.Atoi: parsing "seven": invalid syntax
}

// A receiver's errors are of classes: what is locked is tried later and no
// attempt is lost, and what it does not know is of no use to try again.
func ExampleClass() {
	locked := errors.New("account locked")
	charge := func(_ context.Context, job *bridge.Job) error {
		switch string(job.Key) {
		case "anna":
			return fmt.Errorf("charge: %w", locked)
		case "bob":
			return errors.New("charge: no such customer")
		}
		return bridge.Skip("charged before")
	}
	cfg := bridge.Config{Topics: []bridge.Topic{{
		Name:    "orders",
		Handler: bridge.HandlerFunc(charge),
		Retry:   bridge.Backoff{MaxAttempts: 5},
		RetryClasses: []bridge.Class{ // the first that matches counts
			{Match: bridge.MatchIs(locked), Do: bridge.DoSnooze, Delay: time.Hour},
			{Match: bridge.MatchText("no such customer"), Do: bridge.DoBury},
		},
		OnFailure: bridge.BuryJob,
	}}}
	for _, customer := range []string{"anna", "bob", "carl"} {
		record := bridge.Record{Topic: "orders", Key: []byte(customer)}
		trial, err := bridge.Try(context.Background(), cfg, bridge.Job{Record: record})
		if err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s: %s %v (%v)\n", customer, trial.Outcome, trial.Delay, trial.Err)
	}
	// Output:
	// anna: snooze 1h0m0s (charge: account locked)
	// bob: bury 0s (charge: no such customer)
	// carl: skipped 0s (skipped: charged before)
}

// A job is done when Kafka has what it produced. Here nothing is sent: Try shows
// what would be.
func ExampleJob_Produce() {
	charge := func(_ context.Context, job *bridge.Job) error {
		job.Produce(bridge.Record{Key: job.Key, Value: append([]byte("charged "), job.Value...)})
		return nil
	}
	trial, err := bridge.Try(context.Background(), bridge.Config{Topics: []bridge.Topic{{
		Name:    "orders",
		Handler: bridge.HandlerFunc(charge),
		Produce: bridge.Produce{Topic: "charged"},
	}}}, bridge.Job{Record: bridge.Record{Topic: "orders", Partition: 3, Offset: 1042, Key: []byte("anna"), Value: []byte("7.50")}})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range trial.Produced {
		fmt.Printf("to %s, key %s: %s\n", r.Topic, r.Key, r.Value)
		for _, h := range r.Headers {
			fmt.Printf("%s: %s\n", h.Key, h.Value)
		}
	}
	// Output:
	// to charged, key anna: charged 7.50
	// holdfast-id: orders/3@1042
	// holdfast-index: 0
}
