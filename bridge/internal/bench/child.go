package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"runtime/pprof"
	"syscall"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// ordersVariable is the environment variable that makes a measured process of
// the test binary.
const ordersVariable = "HOLDFAST_BENCH_CHILD"

// orders tell a measured process what to run.
type orders struct {
	System  System
	Broker  string
	Topic   string
	Group   string
	Workers int
	Work    Work
	Board   string // path
	DataDir string // of holdfast
	Profile string // file for a CPU profile; empty: none
}

// obey is a measured process: it consumes until SIGTERM.
func obey(text string) (err error) {
	var o orders
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return fmt.Errorf("read the orders: %w", err)
	}
	b, err := openBoard(o.Board)
	if err != nil {
		return err
	}
	if o.Profile != "" {
		f, err := os.Create(o.Profile)
		if err != nil {
			return fmt.Errorf("create the profile: %w", err)
		}
		if err := pprof.StartCPUProfile(f); err != nil {
			return fmt.Errorf("start the profile: %w", err)
		}
		defer f.Close()
		defer pprof.StopCPUProfile()
	}
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	switch o.System {
	case Bare:
		return consumeBare(ctx, o, b)
	case Holdfast:
		return consumeHoldfast(ctx, o, b)
	default:
		return fmt.Errorf("no process for %s", o.System)
	}
}

// consumeHoldfast sets the garbage collector as the binary does for the default
// budget of memory.
func consumeHoldfast(ctx context.Context, o orders, b *board) error {
	debug.SetMemoryLimit(256 << 20)
	debug.SetGCPercent(400)
	holdfast, err := bridge.New(bridge.Config{
		Brokers: []string{o.Broker},
		Group:   o.Group,
		DataDir: o.DataDir,
		Workers: o.Workers,
		Topics: []bridge.Topic{{
			Name: o.Topic,
			Handler: bridge.HandlerFunc(func(_ context.Context, job *bridge.Job) error {
				o.Work.perform(b, job.Value)
				return nil
			}),
		}},
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		return err
	}
	return holdfast.Run(ctx)
}

// consumeBare is the plain consumer group that one would write with sarama:
// it handles and marks record by record. Fetch sizes are those of holdfast.
func consumeBare(ctx context.Context, o orders, b *board) error {
	conf := sarama.NewConfig()
	conf.Version = sarama.V2_8_0_0
	conf.Consumer.Offsets.Initial = sarama.OffsetOldest
	conf.Consumer.Fetch.Default = 1 << 20
	conf.Consumer.Fetch.MaxBytes = 16 << 20
	conf.ChannelBufferSize = 512
	group, err := sarama.NewConsumerGroup([]string{o.Broker}, o.Group, conf)
	if err != nil {
		return fmt.Errorf("join group %s: %w", o.Group, err)
	}
	handler := bareHandler{work: o.Work, board: b}
	for ctx.Err() == nil {
		if err := group.Consume(ctx, []string{o.Topic}, handler); err != nil {
			return errors.Join(fmt.Errorf("consume %s: %w", o.Topic, err), group.Close())
		}
	}
	return group.Close()
}

type bareHandler struct {
	work  Work
	board *board
}

func (bareHandler) Setup(sarama.ConsumerGroupSession) error   { return nil }
func (bareHandler) Cleanup(sarama.ConsumerGroupSession) error { return nil }

func (h bareHandler) ConsumeClaim(session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim) error {
	for message := range claim.Messages() {
		h.work.perform(h.board, message.Value)
		session.MarkMessage(message, "")
	}
	return nil
}
