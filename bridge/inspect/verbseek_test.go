package inspect_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// committedLog is a Kafka whose group has committed an offset.
type committedLog struct {
	*kafkaLog
	committed int64
}

func (k *committedLog) Log(ctx context.Context, topic string, partition int32) (inspect.Log, error) {
	log, err := k.kafkaLog.Log(ctx, topic, partition)
	log.Committed = k.committed
	return log, err
}

// TestAnOvertakenSeekIsGivenAgain: the same command, knowing what others have
// committed since, is another one. It is what a partition that is held for that asks
// for.
func TestAnOvertakenSeekIsGivenAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 4, 2)
	kafka := &committedLog{newKafkaLog(1000), 2}
	i := inspect.New(s, inspect.Options{Kafka: kafka})
	to := int64(1)
	seek := inspect.Command{Verb: inspect.Seek, Select: inspect.Query{Topic: "orders", Partitions: []int32{0}}, To: &inspect.Position{Offset: &to}}
	for _, step := range []struct {
		committed int64
		moves     int
	}{{2, 1}, {2, 0}, {900, 1}, {900, 0}} {
		kafka.committed = step.committed
		if op := do(t, i, seek); len(op.Seeks) != step.moves {
			t.Errorf("%d committed: %d are to move, already %+v", step.committed, len(op.Seeks), op.AlreadyDone)
		}
		if wish := s.Attached()[0].State().Seek; wish == nil || wish.Committed != step.committed {
			t.Errorf("%d committed: the wish is %+v", step.committed, wish)
		}
	}
}

// TestASeekIsPlannedWhileTheLastOneIsUnderWay: the partition is looked at again.
func TestASeekIsPlannedWhileTheLastOneIsUnderWay(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 600, 300)
	i := inspect.New(s, inspect.Options{Kafka: newKafkaLog(1000)})
	to := int64(550)
	seek := inspect.Command{Verb: inspect.Seek, Select: inspect.Query{Topic: "orders", Partitions: []int32{0}}, To: &inspect.Position{Offset: &to}}
	p := s.Attached()[0]
	ctx, cancel := context.WithCancel(t.Context())
	var moves sync.WaitGroup
	moves.Go(func() {
		for ctx.Err() == nil {
			recs := make([]queue.Record, 600)
			for at := range recs {
				recs[at] = queue.Record{Offset: int64(at), Timestamp: -1, Lane: queue.Lane{ID: uint64(at % 300)}}
			}
			err := p.Reset(0)
			if err == nil {
				err = errors.Join(errOf(p.Append(recs)), s.Sync(context.WithoutCancel(ctx)))
			}
			if err != nil {
				t.Error(err)
				return
			}
		}
	})
	defer moves.Wait()
	defer cancel()
	for range 30 {
		if _, err := i.Plan(ctx, seek); err != nil {
			t.Fatal(err)
		}
	}
}
