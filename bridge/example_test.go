package bridge_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// The smallest useful program: a handler, the topic that it is for, and a
// directory to keep jobs in. Run works until its context ends.
func Example() {
	brokers, end := brokerWithOrders("7.50", "12.00", "3.20")
	defer end()
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

// brokerWithOrders is an embedded broker with a topic of one customer's orders.
func brokerWithOrders(values ...string) (brokers []string, end func()) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "orders"))
	if err != nil {
		log.Fatal(err)
	}
	conf := sarama.NewConfig()
	conf.Producer.Return.Successes = true
	producer, err := sarama.NewSyncProducer(cluster.ListenAddrs(), conf)
	if err != nil {
		log.Fatal(err)
	}
	defer producer.Close()
	for _, value := range values {
		message := &sarama.ProducerMessage{Topic: "orders", Key: sarama.StringEncoder("anna"), Value: sarama.StringEncoder(value)}
		if _, _, err := producer.SendMessage(message); err != nil {
			log.Fatal(err)
		}
	}
	return cluster.ListenAddrs(), cluster.Close
}
