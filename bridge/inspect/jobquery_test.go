package inspect_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

func TestCommandTellsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	err := inspect.Command{
		Verb:   "destroy",
		Select: inspect.Query{Partitions: []int32{1}, Offsets: []int64{7}, States: []inspect.State{"lost"}, Limit: -1},
	}.Validate()
	if err == nil {
		t.Fatal("accepted")
	}
	for _, problem := range []string{
		`verb "destroy"`, "no topic", "partitions without a topic",
		"offsets without a topic and one partition", `state "lost"`, "limit -1",
	} {
		if !strings.Contains(err.Error(), problem) {
			t.Errorf("does not say %s: %v", problem, err)
		}
	}
}

func TestOnlyWhatRunsAgainResetsAttempts(t *testing.T) {
	t.Parallel()
	err := inspect.Command{Verb: inspect.Skip, ResetAttempts: true, Select: inspect.Query{Topic: "orders"}}.Validate()
	if err == nil || !strings.Contains(err.Error(), "attempts are reset by retry, requeue and release only, not by skip") {
		t.Errorf("error %v", err)
	}
}

func TestCommandsThatAreFine(t *testing.T) {
	t.Parallel()
	for _, c := range []inspect.Command{
		{Verb: inspect.Skip, Select: inspect.Query{Topic: "orders"}},
		{Verb: inspect.Retry, ResetAttempts: true, Select: inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{1, 2}}},
		{Verb: inspect.Retry, Select: inspect.Query{Topic: "orders", Partitions: []int32{0, 1}, States: []inspect.State{inspect.Halted}}},
	} {
		if err := c.Validate(); err != nil {
			t.Error(err)
		}
	}
}

// Of what was stored before the opening only the record's time is known.
func TestStoredBefore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), queue.FileName)
	must(t, queue.Create(path, queue.Identity{StoreID: "s"}))
	old, now := time.Now().Add(-48*time.Hour), time.Now()
	timestamps := []int64{old.UnixMilli(), now.UnixMilli(), -1}
	lists := func(when string, want map[time.Duration]string) {
		t.Helper()
		s, err := queue.Open(path, queue.Options{})
		must(t, err)
		defer s.Close()
		p, err := s.Attach(queue.TopicPartition{Topic: "orders"})
		must(t, err)
		if p.State().Next <= 0 {
			must(t, p.Configure("topic-id", "scheme"))
			must(t, p.SetStart(0))
			for i, at := range timestamps {
				lane := queue.Lane{ID: uint64(i), Name: []byte{byte(i)}}
				must(t, errOf(p.Append([]queue.Record{{Offset: int64(i), Timestamp: at, Lane: lane}})))
			}
		}
		i := inspect.New(s, inspect.Options{})
		for ago, jobs := range want {
			if got := fmt.Sprint(list(t, i, inspect.Query{StoredBefore: now.Add(-ago)})); got != jobs {
				t.Errorf("%s: %v ago there were %s, want %s", when, ago, got, jobs)
			}
		}
		must(t, s.Sync(t.Context()))
	}
	lists("as they come", map[time.Duration]string{-time.Hour: "[orders/0@0 orders/0@1 orders/0@2]", time.Hour: "[]"})
	lists("opened again", map[time.Duration]string{-time.Hour: "[orders/0@0 orders/0@1]", time.Hour: "[orders/0@0]", 72 * time.Hour: "[]"})
}
