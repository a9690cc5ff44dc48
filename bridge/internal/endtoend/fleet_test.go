package endtoend

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/internal/child"
	"github.com/seed-2837c37b/holdfast/bridge/internal/history"
)

// How long a group waits for a silent member: a fleet of which none stays away
// takes the longer time, so that a busy machine throws nobody out.
const (
	session     = 8 * time.Second
	longSession = 45 * time.Second
	rebalance   = 10 * time.Second // how long it waits for a member to join
)

// fleet is a group of members, each a process with a data directory of its own,
// and what they and the broker have told.
type fleet struct {
	*kafka
	dir        string
	topic      string // and the group
	partitions int32
	assignor   string
	static     bool
	session    time.Duration
	members    map[string]*fleetMember // that are alive
	log        *history.Log
	close      func() // ends the watch of commits; may be called again
}

type fleetMember struct {
	*child.Process
	notes int // lines of earlier lives
}

func (k *kafka) fleet(t *testing.T, partitions int32, assignor string, static bool) *fleet {
	t.Helper()
	f := &fleet{
		kafka: k, dir: t.TempDir(), topic: topicOf(t), partitions: partitions,
		assignor: assignor, static: static, session: session,
		members: make(map[string]*fleetMember),
	}
	k.create(t, f.topic, partitions)
	var err error
	if f.log, err = history.OpenLog(f.path("history")); err != nil {
		t.Fatal(err)
	}
	quit, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		f.watchCommits(t, quit)
	}()
	f.close = sync.OnceFunc(func() {
		close(quit)
		<-watched
		_ = f.log.Close()
	})
	t.Cleanup(func() {
		for _, m := range f.members {
			_ = m.Cmd.Process.Kill()
			<-m.Done
		}
		f.close()
		if t.Failed() {
			f.showLogs(t)
		}
	})
	return f
}

func (f *fleet) path(name ...string) string { return filepath.Join(f.dir, filepath.Join(name...)) }

// tell writes to the history.
func (f *fleet) tell(t *testing.T, events ...history.Event) {
	if err := f.log.Append(events...); err != nil {
		t.Error(err)
	}
}

// watchCommits writes down every offset that the broker holds, soon after it
// got it.
func (f *fleet) watchCommits(t *testing.T, quit <-chan struct{}) {
	last := make(map[int32]int64)
	for {
		offsets, err := f.committed(f.topic, f.topic)
		if err == nil { // else asked again
			for p, offset := range offsets {
				if before, known := last[p]; !known || before != offset {
					f.tell(t, history.Event{Kind: history.Committed, Topic: f.topic, Partition: p, Offset: offset})
				}
			}
			last = offsets
		}
		select {
		case <-quit:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// boot starts a life of each member.
func (f *fleet) boot(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		o := orders{
			Name: name, Brokers: []string{f.Addr()}, Group: f.topic, Instance: "none", Assignor: f.assignor, Session: f.session,
			Topic: f.topic, DataDir: f.path(name), History: f.path("history"),
			Flow: f.path(name + ".flow"), Release: f.path(name + ".release"),
		}
		if f.static {
			o.Instance = name
		}
		text, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		self, err := os.Executable()
		if err != nil {
			t.Fatal(err)
		}
		m := &fleetMember{notes: len(f.notes(t, name))}
		f.tell(t, history.Event{Kind: history.Boot, Process: name})
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), ordersVariable+"="+string(text))
		if m.Process, err = child.Start(cmd, f.path(name+".log")); err != nil {
			t.Fatal(err)
		}
		f.members[name] = m
	}
}

// kill ends a life with SIGKILL.
func (f *fleet) kill(t *testing.T, name string) {
	t.Helper()
	f.checkAlive(t)
	m := f.members[name]
	_ = m.Cmd.Process.Kill()
	<-m.Done
	delete(f.members, name)
	f.tell(t, history.Event{Kind: history.Crash, Process: name})
}

// stop ends lives as planned.
func (f *fleet) stop(t *testing.T, names ...string) {
	t.Helper()
	f.checkAlive(t)
	for _, name := range names {
		_ = f.members[name].Cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, name := range names {
		m := f.members[name]
		select {
		case <-m.Done:
		case <-time.After(patience):
			_ = m.Cmd.Process.Signal(syscall.SIGQUIT) // its goroutines go to the log
			t.Fatalf("%s has not stopped within %v", name, patience)
		}
		if m.Err != nil {
			t.Fatalf("%s stopped with an error: %v", name, m.Err)
		}
		delete(f.members, name)
		f.tell(t, history.Event{Kind: history.Stop, Process: name})
	}
}

func (f *fleet) checkAlive(t *testing.T) {
	t.Helper()
	for name, m := range f.members {
		select {
		case <-m.Done:
			t.Fatalf("%s ended by itself: %v", name, m.Err)
		default:
		}
	}
}

// notes reads what a member has noted in all its lives. A line that a kill cut
// short is left out.
func (f *fleet) notes(t *testing.T, name string) []note {
	t.Helper()
	text, err := os.ReadFile(f.path(name + ".flow"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var notes []note
	for line := range bytes.Lines(text) {
		var n note
		if json.Unmarshal(line, &n) == nil {
			notes = append(notes, n)
		}
	}
	return notes
}

// owned are the partitions that each living member has.
func (f *fleet) owned(t *testing.T) map[string]map[int32]bool {
	t.Helper()
	owned := make(map[string]map[int32]bool)
	for name, m := range f.members {
		owned[name] = make(map[int32]bool)
		for _, n := range f.notes(t, name)[m.notes:] {
			switch n.Kind {
			case "taken":
				owned[name][n.Partition] = true
			case "given up":
				delete(owned[name], n.Partition)
			}
		}
	}
	return owned
}

// waitShared waits until the living members have all partitions among them, and
// each has its share.
func (f *fleet) waitShared(t *testing.T, after string) map[string]map[int32]bool {
	t.Helper()
	begin := time.Now()
	var owned map[string]map[int32]bool
	until(t, func() (bool, any) {
		f.checkAlive(t)
		owned = f.owned(t)
		total, least := 0, int(f.partitions)
		for _, of := range owned {
			total += len(of)
			least = min(least, len(of))
		}
		return total == int(f.partitions) && least >= total/len(owned), owned
	}, "%s and the partitions are shared", after)
	t.Logf("%s: shared after %v", after, milliseconds(time.Since(begin)))
	return owned
}

// waitDone waits until n more jobs are durably done.
func (f *fleet) waitDone(t *testing.T, n int) {
	t.Helper()
	durable := func() int {
		text, err := os.ReadFile(f.path("history"))
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(text, []byte(`"event":"durable"`))
	}
	from := durable()
	until(t, func() (bool, any) {
		f.checkAlive(t)
		now := durable()
		return now >= from+n, now
	}, "%d jobs are done beyond %d", n, from)
}

// feed writes a record to every partition at a pace until stop is called, and
// notes its own pauses: those of the broker and of the machine.
func (f *fleet) feed(t *testing.T) (stop func()) {
	t.Helper()
	producer, err := sarama.NewSyncProducerFromClient(f.client)
	if err != nil {
		t.Fatal(err)
	}
	flow, err := openFlow(f.path(feeder + ".flow"))
	if err != nil {
		t.Fatal(err)
	}
	quit, fed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(fed)
		defer producer.Close()
		defer flow.close()
		pace := time.NewTicker(30 * time.Millisecond)
		defer pace.Stop()
		for i := 0; ; i++ {
			select {
			case <-quit:
				return
			case <-pace.C:
			}
			f.send(t, producer, i)
			flow.started(0) // it stands for all
		}
	}()
	stop = sync.OnceFunc(func() {
		close(quit)
		<-fed
	})
	t.Cleanup(stop)
	return stop
}

// feeder is who notes what the producer did.
const feeder = "producer"

// send writes a record to each partition and tells the history.
func (f *fleet) send(t *testing.T, producer sarama.SyncProducer, i int) {
	messages := make([]*sarama.ProducerMessage, f.partitions)
	events := make([]history.Event, f.partitions)
	key := fmt.Sprintf("key-%d", i%20)
	for p := range f.partitions {
		messages[p] = &sarama.ProducerMessage{Topic: f.topic, Partition: p, Key: sarama.StringEncoder(key), Value: sarama.StringEncoder(slow)}
	}
	if err := producer.SendMessages(messages); err != nil {
		t.Errorf("produce: %v", err)
		return
	}
	for p, m := range messages {
		events[p] = history.Event{Kind: history.Produced, Topic: f.topic, Partition: m.Partition, Offset: m.Offset, Lane: key}
	}
	f.tell(t, events...)
}

// finish waits until everything is committed, stops all members and judges.
func (f *fleet) finish(t *testing.T) history.Report {
	t.Helper()
	f.waitCommitted(t, f.topic, f.topic)
	var alive []string
	for name := range f.members {
		alive = append(alive, name)
	}
	f.stop(t, alive...)
	f.tell(t, history.Event{Kind: history.Drained})
	f.close()
	file, err := os.Open(f.path("history"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	events, err := history.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	report := history.Judge(events)
	t.Log(report)
	for _, v := range report.Violations[:min(len(report.Violations), 20)] {
		t.Error(v)
	}
	return report
}

func (f *fleet) showLogs(t *testing.T) {
	logs, _ := filepath.Glob(f.path("*.log"))
	for _, path := range logs {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Log(err)
			continue
		}
		t.Logf("end of %s:\n%s", filepath.Base(path), text[max(0, len(text)-8<<10):])
	}
}
