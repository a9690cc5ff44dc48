package endtoend

import (
	"bytes"
	"encoding/json"
	"os"
	"syscall"
	"testing"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

// testZombie stops a member's process for longer than its session. Another
// takes over. The zombie wakes, finishes its job before it can know, keeps that
// for itself, and commits nothing.
func testZombie(t *testing.T, k *kafka) {
	f := k.fleet(t, 1, "cooperative-sticky", true)
	k.produce(t, &sarama.ProducerMessage{Topic: f.topic, Value: sarama.StringEncoder(hold)})
	job := func(kind history.Kind, process string) history.Event {
		return history.Event{Kind: kind, Process: process, Topic: f.topic}
	}
	f.tell(t, job(history.Produced, ""))
	f.boot(t, "zombie")
	f.waitTold(t, job(history.Start, "zombie"))
	f.members["zombie"].signal(t, syscall.SIGSTOP)

	f.boot(t, "heir")
	f.waitTold(t, job(history.Start, "heir"))
	before := f.offset(t, 0)
	f.release(t, "zombie")
	f.members["zombie"].signal(t, syscall.SIGCONT)
	f.waitTold(t, job(history.Durable, "zombie"))
	until(t, func() (bool, any) {
		notes := f.notes(t, "zombie")
		return len(ofKind("given up", notes)) > 0, notes
	}, "the zombie knows that the partition is not its own")
	if after := f.offset(t, 0); after.Offset != 0 || after.Metadata != before.Metadata {
		t.Errorf("the zombie committed %d with %q; before it was %q", after.Offset, after.Metadata, before.Metadata)
	}

	f.release(t, "heir")
	if report := f.finish(t); report.Starts != 2 {
		t.Errorf("want one job, run by both: %v", report)
	}
}

func (m *fleetMember) signal(t *testing.T, signal syscall.Signal) {
	t.Helper()
	if err := m.Cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
}

// release ends the jobs that a member holds.
func (f *fleet) release(t *testing.T, name string) {
	t.Helper()
	if err := os.WriteFile(f.path(name+".release"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

// waitTold waits for an event in the history.
func (f *fleet) waitTold(t *testing.T, event history.Event) {
	t.Helper()
	line, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	until(t, func() (bool, any) {
		f.checkAlive(t)
		text, err := os.ReadFile(f.path("history"))
		return bytes.Contains(text, line), err
	}, "the history tells %v", event)
}

// offset is what the group has committed for a partition.
func (f *fleet) offset(t *testing.T, partition int32) *sarama.OffsetFetchResponseBlock {
	t.Helper()
	answer, err := f.admin.ListConsumerGroupOffsets(f.topic, map[string][]int32{f.topic: {partition}})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetBlock(f.topic, partition)
}
