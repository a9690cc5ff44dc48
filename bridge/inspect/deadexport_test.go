package inspect_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// buried is a store with the first n of 4 jobs buried.
func buried(t *testing.T, n int) *queue.Store {
	t.Helper()
	s := newStore(t, 1, 4, 4)
	i := inspect.New(s, inspect.Options{})
	offsets := []int64{0, 1, 2, 3}[:n]
	p := plan(t, i, inspect.Bury, inspect.Query{Topic: "orders", Partitions: []int32{0}, Offsets: offsets})
	p.Command.Reason = "no use"
	_, err := i.Execute(t.Context(), p)
	must(t, err)
	return s
}

func deadLetters(t *testing.T, i inspect.Inspector) (list []inspect.DeadLetter) {
	t.Helper()
	for l, err := range i.Dead(t.Context(), inspect.DeadQuery{}) {
		must(t, err)
		list = append(list, l)
	}
	return list
}

func export(t *testing.T, i inspect.Inspector, discard bool) string {
	t.Helper()
	var out bytes.Buffer
	done, err := inspect.Export{To: &out, Discard: discard}.Write(t.Context(), i, inspect.DeadQuery{})
	must(t, err)
	if lines := strings.Count(out.String(), "\n"); lines != done.Letters || discard && done.Discarded != lines {
		t.Errorf("%+v with %d lines", done, lines)
	}
	return out.String()
}

func importAll(t *testing.T, i inspect.Inspector, text string) inspect.Imported {
	t.Helper()
	ctx := inspect.As(t.Context(), "uid 1000 (eva)")
	dry, err := inspect.ImportDead(ctx, i, strings.NewReader(text), "mended", false)
	must(t, err)
	done, err := inspect.ImportDead(ctx, i, strings.NewReader(text), "mended", true)
	must(t, err)
	if fmt.Sprint(dry) != fmt.Sprint(done) {
		t.Errorf("planned %+v, done %+v", dry, done)
	}
	return done
}

func TestAnExportComesBackAsItWas(t *testing.T) {
	t.Parallel()
	i := inspect.New(buried(t, 3), inspect.Options{})
	before := deadLetters(t, i)
	text := export(t, i, true)
	if left := deadLetters(t, i); len(left) > 0 {
		t.Fatalf("%d letters are left", len(left))
	}
	if done := importAll(t, i, text); done.Done != 3 || done.Letters != 3 || len(done.Refused) > 0 {
		t.Errorf("%+v", done)
	}
	for n, l := range deadLetters(t, i) {
		was := before[n]
		if l.ID != was.ID || !l.Buried.Equal(was.Buried) || l.Reason != was.Reason || l.Checksum != was.Checksum || l.LaneID != was.LaneID || l.Lane != was.Lane {
			t.Errorf("%+v became\n%+v", was, l)
		}
		if l.Change != "imported by uid 1000 (eva): mended" || l.Changed.IsZero() {
			t.Errorf("the letter says %q", l.Change)
		}
	}
	if again := importAll(t, i, text); again.Done != 0 || again.AlreadyDone != 3 {
		t.Errorf("again: %+v", again)
	}
}

func TestAnEditedExportReplacesTheRecordAndSaysSo(t *testing.T) {
	t.Parallel()
	s := buried(t, 2)
	i := inspect.New(s, inspect.Options{})
	text := strings.Replace(export(t, i, false), `"value":null`, `"value":"mended"`, 1)
	if done := importAll(t, i, text); done.Done != 1 || done.AlreadyDone != 1 {
		t.Errorf("%+v", done)
	}
	letters := deadLetters(t, i)
	if len(letters) != 2 || string(letters[0].Value) != "mended" || letters[0].Change != "imported with an edited record by uid 1000 (eva): mended" || letters[1].Change != "" {
		t.Fatalf("%+v", letters)
	}
	// It runs with the new record, under its old name, and in its old lane.
	p, err := i.Plan(t.Context(), inspect.Command{Verb: inspect.Requeue, Dead: inspect.DeadQuery{Topic: "orders", Partitions: []int32{0}, Offsets: []int64{0}}})
	must(t, err)
	_, err = i.Execute(t.Context(), p)
	must(t, err)
	s.Attached()[0].Lease(queue.Forever)
	jobs := make([]queue.Job, 4)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n, err := s.Take(ctx, jobs)
	must(t, err)
	for _, j := range jobs[:n] {
		if j.Offset == 0 && (string(j.Value) != "mended" || string(j.Lane.Name) != "k0") {
			t.Errorf("the job is %+v", j.Record)
		}
	}
	if done := importAll(t, i, text); done.Done != 0 || len(done.Refused) != 1 || done.Refused[0].Reason != queue.ErrJobWaiting.Error() {
		t.Errorf("while the job is there: %+v", done)
	}
}

func TestLettersCanGoToAnotherStore(t *testing.T) {
	t.Parallel()
	text := export(t, inspect.New(buried(t, 3), inspect.Options{}), false)
	path := filepath.Join(t.TempDir(), queue.FileName)
	must(t, queue.Create(path, queue.Identity{StoreID: "other"}))
	s, err := queue.Open(path, queue.Options{})
	must(t, err)
	t.Cleanup(func() { s.Close() })
	i := inspect.New(s, inspect.Options{})
	if done := importAll(t, i, text); done.Done != 3 {
		t.Errorf("%+v", done)
	}
	if n := len(deadLetters(t, i)); n != 3 {
		t.Errorf("%d letters", n)
	}
	// The partition is as good as never held.
	p, err := s.Attach(queue.TopicPartition{Topic: "orders"})
	must(t, err)
	if state := p.State(); state.Known || state.Next != -1 {
		t.Errorf("%+v", state)
	}
}

func TestWhatKafkaHasStillToDeliverIsNotImported(t *testing.T) {
	t.Parallel()
	text := export(t, inspect.New(buried(t, 3), inspect.Options{}), false)
	i := inspect.New(newStore(t, 1, 1, 1), inspect.Options{})
	done := importAll(t, i, text)
	if done.Done != 0 || len(done.Refused) != 2 {
		t.Errorf("%+v", done)
	}
}

func TestALineThatCannotBeImportedIsNamed(t *testing.T) {
	t.Parallel()
	i := inspect.New(buried(t, 2), inspect.Options{})
	text := export(t, i, true)
	for what, line := range map[string]string{
		"no json": "{", "no name": `{"buried_at":"2026-01-01T00:00:00Z"}`, "no time": `{"topic":"orders","partition":0,"offset":1}`,
		"damaged": `{"topic":"orders","partition":0,"offset":1,"buried_at":"2026-01-01T00:00:00Z","damaged":"checksum"}`,
	} {
		done, err := inspect.ImportDead(t.Context(), i, strings.NewReader(text+line), "", true)
		if err == nil || !strings.Contains(err.Error(), "dead letter 3") || done.Letters != 2 {
			t.Errorf("%s: %+v, %v", what, done, err)
		}
	}
	if n := len(deadLetters(t, i)); n != 2 {
		t.Errorf("%d letters were imported", n)
	}
}

func TestNothingIsDiscardedThatIsNotOnDisk(t *testing.T) {
	t.Parallel()
	i := inspect.New(buried(t, 2), inspect.Options{})
	full := errors.New("the disk is full")
	_, err := inspect.Export{To: &bytes.Buffer{}, Discard: true, Sync: func() error { return full }}.Write(t.Context(), i, inspect.DeadQuery{})
	if !errors.Is(err, full) {
		t.Error(err)
	}
	if n := len(deadLetters(t, i)); n != 2 {
		t.Errorf("%d letters are left", n)
	}
}
