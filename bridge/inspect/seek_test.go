package inspect_test

import (
	"context"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
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
