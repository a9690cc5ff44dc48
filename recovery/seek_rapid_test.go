package recovery

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-2837c37b/holdfast/queue"
)

// voyage is a partition that operators move about in its log while the process
// is killed at every step, commits get lost on their way there or back, and
// another store has the partition in between; beside it, what is still to run.
// Work is durable when it is done: only what a seek is made of gets lost.
type voyage struct {
	t      *rapid.T
	dir    string
	opened *Opened
	part   *queue.Partition
	end    int64 // of the log, which begins at 0

	committed int64
	metadata  string
	late      Facts // the commit of before the last seek: it may come again
	todo      map[int64]bool
	asked     *queue.Seek // the last wish; nil: Kafka was told, or others have gone on
}

func TestSeeksSurviveEverything(t *testing.T) {
	t.Parallel()
	root := memoryDir(t)
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		v := &voyage{t: t, dir: filepath.Join(root, fmt.Sprint(runs)), committed: -1, todo: map[int64]bool{}}
		defer os.RemoveAll(v.dir)
		v.open()
		defer func() { v.must(v.opened.Close()) }()
		v.produce(20)
		if rapid.Bool().Draw(t, "held elsewhere before") {
			v.elsewhere(t)
		}
		if rapid.Bool().Draw(t, "sought before it is held") {
			v.seek(t)
		}
		v.assign(t)
		t.Repeat(map[string]func(*rapid.T){
			"produce": func(t *rapid.T) { v.produce(rapid.Int64Range(1, 9).Draw(t, "records")) },
			"work":    func(t *rapid.T) { v.work(t); v.commit(t) },
			"seek": func(t *rapid.T) {
				v.work(t)
				v.commit(t)
				v.late = Facts{Committed: v.committed, Metadata: v.metadata}
				v.seek(t)
				v.assign(t)
				if rapid.Bool().Draw(t, "Kafka is told") {
					v.commit(t)
				}
			},
			"an older commit comes late": v.arrive,
			"seek later":                 v.seek,
			"kill":                       func(t *rapid.T) { v.kill(); v.assign(t) },
			"elsewhere":                  func(t *rapid.T) { v.kill(); v.elsewhere(t); v.assign(t) },
			"seek, and others have it next": func(t *rapid.T) {
				v.seek(t)
				v.assign(t)
				if rapid.Bool().Draw(t, "Kafka is told") {
					v.commit(t)
				}
				v.kill()
				v.elsewhere(t)
				v.assign(t)
			},
		})
		v.assign(t)
		v.finish()
	})
}

func (v *voyage) must(err error) {
	v.t.Helper()
	if err != nil {
		v.t.Fatal(err)
	}
}

// open opens the store; nothing is flushed but by sync.
func (v *voyage) open() {
	opt := options(v.dir)
	opt.Queue.Flush = time.Hour
	var err error
	v.opened, err = Open(context.Background(), opt)
	v.must(err)
	v.part, err = v.opened.Store.Attach(orders)
	v.must(err)
	v.part.Lease(queue.Forever)
}

func (v *voyage) sync() { v.must(v.opened.Store.Sync(context.Background())) }

// kill goes back to what the file holds.
func (v *voyage) kill() {
	path := filepath.Join(v.dir, queue.FileName)
	b, size := v.read(path)
	v.must(v.opened.Close())
	v.must(os.WriteFile(path, b, 0o600))
	v.must(os.Truncate(path, size))
	v.open()
}

// read reads a file without its empty end, which is most of it.
func (v *voyage) read(path string) (b []byte, size int64) {
	file, err := os.Open(path)
	v.must(err)
	defer file.Close()
	info, err := file.Stat()
	v.must(err)
	const piece = 128 << 10 // no record of the test is as long
	zeros := make([]byte, piece)
	for len(b) == 0 || !bytes.Equal(b[len(b)-piece:], zeros) {
		b = append(b, zeros...)
		if n, err := io.ReadFull(file, b[len(b)-piece:]); err != nil {
			return b[:len(b)-piece+n], info.Size()
		}
	}
	return b, info.Size()
}

func (v *voyage) produce(n int64) {
	for range n {
		v.todo[v.end] = true
		v.end++
	}
}

// work runs some jobs of what the log has, each of which is to run.
func (v *voyage) work(t *rapid.T) {
	v.run(rapid.IntRange(1, 12).Draw(t, "jobs"), func() bool { return rapid.Bool().Draw(t, "finished") })
}

func (v *voyage) run(most int, finished func() bool) {
	var records []queue.Record
	for o := v.part.State().Next; o < v.end; o++ {
		records = append(records, queue.Record{Offset: o, Lane: queue.Lane{ID: uint64(o % 7)}})
	}
	v.must(errOf(v.part.Append(records)))
	for ; most > 0 && v.part.State().Open > 0; most-- {
		jobs := make([]queue.Job, 1)
		if _, err := v.opened.Store.Take(context.Background(), jobs); err != nil {
			v.t.Fatal(err)
		}
		if o := jobs[0].Offset; !v.todo[o] {
			v.t.Fatalf("%d runs, which is done or was skipped", o)
		}
		kind := queue.Release
		if finished() {
			kind = queue.Done
			delete(v.todo, jobs[0].Offset)
		}
		v.must(v.opened.Store.Finish(queue.Finished{Job: &jobs[0], Outcome: queue.Outcome{Kind: kind}}))
	}
	v.sync()
}

// commit sends the frontier. The answer may get lost, and what it makes known too.
func (v *voyage) commit(t *rapid.T) {
	progress, err := v.part.Progress(context.Background())
	v.must(err)
	id := v.opened.Store.Identity()
	v.committed = progress.Frontier
	v.metadata = Stamp{
		TopicID: "T", StoreID: id.StoreID, Epoch: id.Epoch, Nonce: v.opened.Nonce,
		Seeks: v.part.State().Seeks, Ahead: progress.Ahead,
	}.Encode()
	if !rapid.Bool().Draw(t, "answered") {
		return
	}
	v.part.Acknowledge(v.committed)
	if s := v.part.State().Seek; s != nil && s.Applied {
		v.must(v.part.DropSeek(*s))
	}
	if rapid.Bool().Draw(t, "durable") {
		v.sync()
	}
}

// arrive lets Kafka come to the commit of before the seek after those of after it.
// Only the process that carries out a seek may have one on its way then. What is
// assigned commits its own offset again; a store that got the partition before that
// would begin at the older one, and ours would be held, as set from outside.
func (v *voyage) arrive(t *rapid.T) {
	stamp, err := DecodeStamp(v.late.Metadata)
	if s := v.part.State(); err != nil || v.theirs() || s.SoughtIn != stamp.Nonce || s.Seeks == stamp.Seeks {
		return
	}
	v.committed, v.metadata = v.late.Committed, v.late.Metadata
	if rapid.Bool().Draw(t, "killed") {
		v.kill()
	}
	v.assign(t)
	v.commit(t)
}

// seek asks for an offset, sometimes without Kafka at hand.
func (v *voyage) seek(t *rapid.T) {
	s := queue.Seek{
		Offset: rapid.Int64Range(0, v.end).Draw(t, "to"), Keep: rapid.Bool().Draw(t, "keep stored"),
		TopicID: "T", Asked: time.Now(), Committed: v.committed,
	}
	if rapid.IntRange(0, 3).Draw(t, "offline") == 0 {
		s.Committed = v.part.State().Acknowledged
	}
	v.must(v.part.AskSeek(s))
	v.sync()
	v.asked = &s
}

// elsewhere lets another store have the partition for a while.
func (v *voyage) elsewhere(t *rapid.T) {
	v.committed = rapid.Int64Range(max(0, v.committed), v.end).Draw(t, "they commit")
	s := Stamp{TopicID: "T", StoreID: "other", Epoch: 1}
	if from := v.committed + 2; from < v.end && rapid.Bool().Draw(t, "they are ahead") {
		s.Ahead = []queue.Range{{From: from, To: rapid.Int64Range(from+1, v.end).Draw(t, "to")}}
	}
	v.metadata = s.Encode()
}

// assign gives the partition to us, and may kill us at any step.
func (v *voyage) assign(t *rapid.T) {
	for !v.taken(t) {
		v.kill()
	}
}

func (v *voyage) taken(t *rapid.T) bool {
	facts := Facts{Committed: v.committed, Metadata: v.metadata, TopicID: "T", LogEnd: v.end, Nonce: v.opened.Nonce}
	before := v.part.State()
	d, err := Reconcile(before, v.opened.Store.Identity(), facts, Policy{})
	if v.overtaken(before.Seek) {
		conflict := new(Conflict)
		if !errors.As(err, &conflict) || conflict.Kind != SeekOvertaken || len(conflict.Choices) != 2 {
			t.Fatalf("%+v was overtaken by %d: %+v, %v", before.Seek, v.committed, d, err)
		}
		v.seek(t)
		return false
	}
	v.must(err)
	v.expect(before)
	for _, step := range d.steps() {
		v.must(step(v.part))
		if rapid.Bool().Draw(t, "flushed") {
			v.sync()
		}
		if rapid.IntRange(0, 3).Draw(t, "killed") == 0 {
			return false
		}
	}
	v.must(v.part.Configure("T", "key"))
	v.sync()
	return true
}

// overtaken: who asked could not know how far others have come since.
func (v *voyage) overtaken(s *queue.Seek) bool {
	return s != nil && v.theirs() && !v.yields(s) && v.committed > max(s.Offset, s.Committed)
}

func (v *voyage) theirs() bool {
	stamp, err := DecodeStamp(v.metadata)
	return err == nil && stamp.StoreID == "other"
}

// yields: the wish was carried out, and others have gone on from where Kafka stood.
func (v *voyage) yields(s *queue.Seek) bool {
	return s.Applied && v.theirs() && (!s.Back || v.committed < s.Committed)
}

// expect changes what is to run by what a partition is to do that was assigned.
func (v *voyage) expect(before queue.State) {
	s := before.Seek
	if s != nil && (v.asked == nil || s.Offset != v.asked.Offset || !s.Asked.Equal(v.asked.Asked)) {
		v.t.Fatalf("the wish %+v was not asked for, but %+v", s, v.asked)
	}
	done := v.theirs()
	switch {
	case s == nil || v.yields(s):
		if done {
			v.settle(0, v.committed)
		}
	case s.Applied:
		done = done && !s.Back
	case before.Next < 0 && s.Offset < v.committed, s.Offset < before.Frontier:
		v.settle(0, s.Offset)
		for o := s.Offset; o < v.end; o++ {
			v.todo[o] = true
		}
		done = false
	case s.Keep && before.Next >= 0:
		v.settle(before.Next, s.Offset)
	default:
		v.settle(0, s.Offset)
	}
	if s != nil && s.Back && !v.yields(s) {
		done = false
	}
	if stamp, _ := DecodeStamp(v.metadata); done {
		for _, r := range stamp.Ahead {
			v.settle(r.From, r.To)
		}
	}
}

func (v *voyage) settle(from, to int64) {
	maps.DeleteFunc(v.todo, func(o int64, _ bool) bool { return from <= o && o < to })
}

// finish runs everything: all that was to run has, and nothing else.
func (v *voyage) finish() {
	v.run(len(v.todo)+1, func() bool { return true })
	if s := v.part.State(); len(v.todo) > 0 || s.Frontier != v.end {
		v.t.Fatalf("%v never ran, frontier %d of %d", slices.Sorted(maps.Keys(v.todo)), s.Frontier, v.end)
	}
}
