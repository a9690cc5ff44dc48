package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/recovery"
)

// autoPartitions is how many partitions a topic has that a producer creates by
// writing to it.
const autoPartitions = 4

func (w *world) broker() *cli.Command {
	return &cli.Command{
		Name:  "broker",
		Usage: "run an embedded Kafka for development, not for production",
		Description: "It is one process without replication, authentication or guarantees. Topics that\n" +
			"are produced to are created with " + strconv.Itoa(autoPartitions) + " partitions. The address is the first line on stdout.\n\n" +
			"holdfast broker --topics orders:12 --dir ./kafka",
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Usage: "`HOST:PORT` to listen on; port 0 takes a free one", Value: "127.0.0.1:9092"},
			&cli.StringFlag{Name: "dir", Usage: "keep everything in `DIR`; without it nothing outlives the process"},
			&cli.StringSliceFlag{Name: "topics", Usage: "topics to create as `NAME:PARTITIONS`, separated by commas; may be repeated"},
		},
		Action: w.runBroker,
	}
}

func (w *world) runBroker(c *cli.Context) error {
	topics, err := parseTopics(c.StringSlice("topics"))
	if err != nil {
		return err
	}
	listen := c.String("listen")
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return usagef("--listen is %q; write HOST:PORT, as 127.0.0.1:9092", listen)
	}
	ctx, stop := w.untilSignal(c.Context)
	defer stop()
	release, err := lockBroker(c.String("dir"))
	if err != nil {
		return err
	}
	defer release()
	cluster, err := startBroker(listen, c.String("dir"), topics)
	if err != nil {
		return err
	}
	defer cluster.Close()
	fmt.Fprintln(w.stdout, cluster.ListenAddrs()[0])
	fmt.Fprintf(w.stderr, "holdfast: embedded broker for development, not for production; %s\n", kept(c.String("dir")))
	<-ctx.Done()
	return nil
}

// lockBroker keeps a second broker out of a directory.
func lockBroker(dir string) (release func(), err error) {
	if dir == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the broker's directory: %w", err)
	}
	lock, err := recovery.LockDir(dir)
	if err != nil {
		return nil, err
	}
	return func() { _ = lock.Release() }, nil
}

func kept(dir string) string {
	if dir == "" {
		return "what it holds is gone when it stops, --dir keeps it"
	}
	return "what it holds is kept in " + dir
}

// startBroker starts an embedded broker with the topics that it does not have yet.
func startBroker(listen, dir string, topics []topicSpec) (*kfake.Cluster, error) {
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		// A broker that has forgotten everything is another cluster. One with a
		// directory keeps the id it began with.
		kfake.ClusterID("development-" + strings.ToLower(rand.Text()[:8])),
		kfake.AllowAutoTopicCreation(),
		kfake.DefaultNumPartitions(autoPartitions),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) { return net.Listen(network, listen) }),
	}
	if dir != "" {
		options = append(options, kfake.DataDir(dir))
	}
	cluster, err := kfake.NewCluster(options...)
	var address *net.OpError
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another process; choose another address with --listen", listen)
	case errors.As(err, &address):
		return nil, fmt.Errorf("cannot listen on %s: %w; choose another address with --listen", listen, address)
	case err != nil:
		return nil, fmt.Errorf("start the embedded broker: %w", err)
	}
	for _, t := range topics {
		if cluster.TopicInfo(t.name) != nil {
			continue
		}
		if err := cluster.CreateTopic(t.name, t.partitions, nil); err != nil {
			cluster.Close()
			return nil, fmt.Errorf("create topic %s: %w", t.name, err)
		}
	}
	return cluster, nil
}

type topicSpec struct {
	name       string
	partitions int32
}

// topicName is Kafka's own rule.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// parseTopics reads NAME:PARTITIONS, also several separated by commas.
func parseTopics(texts []string) ([]topicSpec, error) {
	var topics []topicSpec
	for _, text := range strings.Split(strings.Join(texts, ","), ",") {
		if text == "" {
			continue
		}
		name, number, ok := strings.Cut(text, ":")
		if !ok {
			number = strconv.Itoa(autoPartitions)
		}
		n, err := strconv.ParseInt(number, 10, 16)
		if !topicName.MatchString(name) || err != nil || n < 1 {
			return nil, usagef("--topics is %q; write NAME:PARTITIONS, as orders:12", text)
		}
		topics = append(topics, topicSpec{name, int32(n)})
	}
	return topics, nil
}
