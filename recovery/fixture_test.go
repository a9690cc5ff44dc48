package recovery

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/seed-2837c37b/holdfast/queue"
)

var updateFixture = flag.Bool("update", false, "write the fixture of today's format anew; those of released ones never change")

func fixture(format int) string {
	return filepath.Join("testdata", fmt.Sprintf("format-%d.db.gz", format))
}

// TestReleasedFormatsAreRead opens a file of every format that this version says
// to read, as the version that wrote it left it.
func TestReleasedFormatsAreRead(t *testing.T) {
	t.Parallel()
	if *updateFixture {
		writeFixture(t)
	}
	for format := queue.OldestFormat; format <= queue.FormatVersion; format++ {
		t.Run(fmt.Sprint(format), func(t *testing.T) {
			t.Parallel()
			dir := unpackFixture(t, format)
			report, err := Verify(t.Context(), filepath.Join(dir, queue.FileName), true)
			if err != nil || len(report.Damaged) > 0 || report.Identity.Format != format {
				t.Fatalf("%+v, %v", report, err)
			}
			wantFixture(t, dir)
			salvaged := filepath.Join(t.TempDir(), "salvaged")
			if r := mustRepair(t, dir, RepairOptions{To: salvaged}); len(r.Lost) > 0 {
				t.Errorf("%v", r.Lost)
			}
			wantFixture(t, salvaged)
		})
	}
}

// TestWhatALaterVersionAddsIsLeftAlone is what a rollback meets: a file of the
// same format, with buckets, keys and fields that this version does not know.
func TestWhatALaterVersionAddsIsLeftAlone(t *testing.T) {
	t.Parallel()
	dir := unpackFixture(t, queue.FormatVersion)
	path := filepath.Join(dir, queue.FileName)
	change := func(f func(*bbolt.Tx) error) {
		db, err := queue.OpenFile(path, false)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Update(f); err != nil {
			t.Fatal(err)
		}
	}
	change(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("later"))
		if err != nil {
			return err
		}
		part := tx.Bucket([]byte("partitions")).Bucket([]byte("orders")).Bucket([]byte{0, 0, 0, 3})
		if _, err := part.CreateBucket([]byte("later")); err != nil {
			return err
		}
		return b.Put([]byte("k"), []byte("v"))
	})
	wantFixture(t, dir)
	change(func(tx *bbolt.Tx) error {
		if b := tx.Bucket([]byte("later")); b == nil || string(b.Get([]byte("k"))) != "v" {
			t.Error("what is not known was not kept")
		}
		return nil
	})
}

func unpackFixture(t *testing.T, format int) (dir string) {
	t.Helper()
	packed, err := os.Open(fixture(format))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpack, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpack)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	writeFile(t, filepath.Join(dir, queue.FileName), content)
	return dir
}

// wantFixture checks what is in the store: see fillFixture.
func wantFixture(t *testing.T, dir string) {
	t.Helper()
	o := mustOpen(t, options(dir))
	defer mustClose(t, o)
	p := attach(t, o)
	state := p.State()
	if state.Frontier != 0 || state.Next != 12 || state.Acknowledged != 0 || state.TopicID != "topic-id" || state.Halted != 1 || state.Parked != 1 {
		t.Errorf("%+v", state)
	}
	if dead := o.Store.DeadCount(orders); dead.Letters != 1 || dead.Unsent != 1 {
		t.Errorf("%+v", dead)
	}
	l, found, err := o.Store.DeadLetter(queue.DeadRef{TopicPartition: orders, Offset: 2, Number: 1})
	if err != nil || !found || l.Damaged != nil || l.Reason != "no use" || string(l.Record.Value) != "value 2" || string(l.Record.Headers[0].Value) != "h" {
		t.Errorf("%+v, %v", l, err)
	}
	if pauses := o.Store.Pauses(); len(pauses) != 1 || pauses[0].Reason != "night" {
		t.Errorf("%+v", pauses)
	}
	open := map[int64]string{}
	for j, err := range p.Pending(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		open[j.Offset] = fmt.Sprintf("%d %s", j.Attempts, j.Error)
	}
	if open[0] != "1 stuck" || open[4] != "2 again" {
		t.Errorf("%v", open)
	}
	if rec, open, err := p.Record(0); err != nil || !open || string(rec.Value) != "value 0" || string(rec.Lane.Name) != "key 0" {
		t.Errorf("%+v, %v, %v", rec, open, err)
	}
}

// fillFixture puts something of everything into orders/3: 0 halted, 1 done, 2 a
// dead letter, 3 parked with its lane, 4 failed twice, others as they came.
func fillFixture(t *testing.T, o *Opened) {
	t.Helper()
	p := attach(t, o)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(p.Configure("topic-id", "scheme"))
	must(p.SetStart(0))
	records := make([]queue.Record, 12)
	for i := range records {
		key := fmt.Appendf(nil, "key %d", i)
		records[i] = queue.Record{
			Offset: int64(i), Timestamp: 1_700_000_000_000, Key: key, Value: fmt.Appendf(nil, "value %d", i),
			Headers: []queue.Header{{Key: "n", Value: []byte("h")}, {Key: "null"}}, Lane: queue.Lane{ID: uint64(i), Name: key},
		}
	}
	must(errOf(p.Append(records)))
	p.Lease(queue.Forever)
	take := func() *queue.Job {
		jobs := make([]queue.Job, 1)
		if _, err := o.Store.Take(t.Context(), jobs); err != nil {
			t.Fatal(err)
		}
		return &jobs[0]
	}
	finish := func(j *queue.Job, outcome queue.Outcome) {
		must(o.Store.Finish(queue.Finished{Job: j, Outcome: outcome}))
	}
	now := time.Now()
	for _, outcome := range []queue.Outcome{
		{Kind: queue.Halt, Error: "stuck"}, {Kind: queue.Done}, {Kind: queue.Bury, Error: "no use"}, {Kind: queue.Park, Error: "aside"},
		{Kind: queue.Retry, Error: "again"},
	} {
		finish(take(), outcome)
		must(o.Store.Sync(context.Background()))
	}
	for j := take(); ; j = take() {
		if j.Offset == 4 {
			must(j.Run().Checkpoint(t.Context(), 4, []byte("half")))
			finish(j, queue.Outcome{Kind: queue.Retry, Error: "again", Due: now.Add(time.Hour)})
			break
		}
		defer finish(j, queue.Outcome{Kind: queue.Release})
	}
	p.Acknowledge(0)
	_, err := o.Store.Pause(queue.Pause{Scope: queue.Scope{Topic: "orders", Partition: 3}, Reason: "night"})
	must(err)
	must(o.Store.PutSetting("workers", []byte("7")))
}

func writeFixture(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	o := mustOpen(t, options(dir))
	fillFixture(t, o)
	mustClose(t, o)
	var packed bytes.Buffer
	pack, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pack.Write(readFile(t, filepath.Join(dir, queue.FileName))); err != nil {
		t.Fatal(err)
	}
	if err := pack.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, fixture(queue.FormatVersion), packed.Bytes())
}
