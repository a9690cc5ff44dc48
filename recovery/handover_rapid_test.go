package recovery

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-2837c37b/holdfast/queue"
)

// relay is a partition that two stores pass to and fro, over commits as a
// bridge makes them, beside a plain model of what each record went through.
type relay struct {
	t      *rapid.T
	limit  int // bytes of metadata
	stores [2]*Opened
	owner  int // -1: nobody
	part   *queue.Partition
	next   int64 // the log's end

	committed int64
	metadata  string

	done     map[int64]bool    // finished by anybody, at any time
	durable  [2]map[int64]bool // of these, in the file of a store
	told     map[int64]bool    // of these, covered by what is committed
	unfit    int64             // what the last full commit could not carry
	again    map[int64]bool    // may run again: finished, and told to nobody
	reruns   int64             // since the last assignment
	expected int64
}

func TestTwoStoresPassAPartitionToAndFro(t *testing.T) {
	t.Parallel()
	root := memoryDir(t)
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		r := newRelay(t, filepath.Join(root, fmt.Sprint(runs)))
		defer r.close()
		actions := map[string]func(*rapid.T){
			"produce":     func(t *rapid.T) { r.next += rapid.Int64Range(1, 40).Draw(t, "records") },
			"work":        r.work,
			"work more":   r.work,
			"full commit": func(*rapid.T) { r.commitFull() },
			"commit":      func(*rapid.T) { r.commit() },
			"hand over":   func(*rapid.T) { r.revoke(); r.assign(1 - r.owner) },
			"come back":   func(*rapid.T) { r.revoke(); r.assign(r.owner) },
			"lost":        func(*rapid.T) { r.lose(); r.assign(1 - r.owner) },
			"restart":     func(*rapid.T) { r.revoke(); r.restart(); r.assign(r.owner) },
			"":            func(*rapid.T) { r.check() },
		}
		for range 6 { // the package's default of steps is for dearer ones
			t.Repeat(actions)
		}
		r.finish()
	})
}

func newRelay(t *rapid.T, root string) *relay {
	r := &relay{
		t: t, limit: rapid.SampledFrom([]int{MaxStamp, 90, 80, 70}).Draw(t, "limit"), committed: -1,
		done: map[int64]bool{}, told: map[int64]bool{}, again: map[int64]bool{},
	}
	for i := range r.stores {
		opt := options(filepath.Join(root, fmt.Sprint(i)))
		opt.Queue.Flush = time.Hour // flushes come with commits only
		r.stores[i] = r.must1(Open(context.Background(), opt))
		r.durable[i] = map[int64]bool{}
	}
	r.assign(0)
	return r
}

func (r *relay) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *relay) must1(o *Opened, err error) *Opened {
	r.t.Helper()
	r.must(err)
	return o
}

func (r *relay) close() {
	for _, s := range r.stores {
		r.must(s.Close())
	}
}

// assign gives the partition to a store, which begins with a full commit.
func (r *relay) assign(to int) {
	r.owner = to
	s := r.stores[to]
	var err error
	r.part, err = s.Store.Attach(orders)
	r.must(err)
	facts := Facts{Committed: r.committed, Metadata: r.metadata, TopicID: "T", LogEnd: r.next}
	d, err := Reconcile(r.part.State(), s.Store.Identity(), facts, Policy{})
	r.must(err)
	r.must(d.Apply(r.part))
	r.must(r.part.Configure("T", "key"))
	r.part.Lease(queue.Forever)

	// What is finished, but neither here nor in the commit, runs again: that
	// many, and no other.
	r.expected, r.reruns = 0, 0
	for o := range r.done {
		if !r.told[o] && !r.durable[to][o] {
			r.again[o] = true
			r.expected++
		} else {
			delete(r.again, o)
		}
	}
	for o := range r.told {
		r.durable[to][o] = true // with the commit that follows
	}
	r.commitFull()
}

// work fetches what the log has, and runs some of it. The handler's outcome is
// drawn: what fails stays open.
func (r *relay) work(t *rapid.T) {
	var records []queue.Record
	for o := r.part.State().Next; o < r.next; o++ {
		records = append(records, queue.Record{Offset: o, Lane: queue.Lane{ID: uint64(o % 17)}})
	}
	r.must(errOf(r.part.Append(records)))
	for range rapid.IntRange(1, 30).Draw(t, "jobs") {
		if !r.run(rapid.IntRange(0, 3).Draw(t, "outcome") > 0) {
			return
		}
	}
}

// run runs one job, if there is one: all that are open can start.
func (r *relay) run(finish bool) bool {
	if r.part.State().Open == 0 {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	jobs := make([]queue.Job, 1)
	_, err := r.stores[r.owner].Store.Take(ctx, jobs)
	r.must(err)
	o := jobs[0].Offset
	if r.done[o] {
		if !r.again[o] {
			r.t.Fatalf("%d runs again, which is done and was told", o)
		}
		r.reruns++
		delete(r.again, o)
	}
	outcome := queue.Outcome{Kind: queue.Retry}
	if finish || r.done[o] { // once done, it is done again
		outcome.Kind = queue.Done
		r.done[o] = true
	}
	r.must(r.stores[r.owner].Store.Finish(queue.Finished{Job: &jobs[0], Outcome: outcome}))
	return true
}

// commit repeats the last set at the durable frontier.
func (r *relay) commit() {
	stamp, err := DecodeStamp(r.metadata)
	r.must(err)
	if f := r.part.Frontier(); f > r.committed {
		r.send(f, stamp)
	}
}

func (r *relay) commitFull() {
	p, err := r.part.Progress(context.Background())
	r.must(err)
	for o := range r.done {
		if !r.again[o] {
			r.durable[r.owner][o] = true
		}
	}
	id := r.stores[r.owner].Store.Identity()
	r.send(p.Frontier, Stamp{TopicID: "T", StoreID: id.StoreID, Epoch: id.Epoch, Ahead: p.Ahead, Left: p.Left})
}

// send commits, and notes what a new owner knows from it.
func (r *relay) send(offset int64, stamp Stamp) {
	stamp, text := stamp.Fit(r.limit)
	if text == "" {
		stamp = Stamp{}
		r.t.Fatalf("no stamp in %d bytes", r.limit)
	}
	r.committed, r.metadata, r.told, r.unfit = offset, text, map[int64]bool{}, stamp.Left
	r.part.Acknowledge(offset)
	for o := range r.done {
		if o < offset || inSet(stamp.Ahead, o) {
			r.told[o] = true
		}
	}
}

// revoke is a planned end: the last commit is a full one, and says how many
// finished ones another owner will run again.
func (r *relay) revoke() {
	r.commitFull()
	unfit := int64(0)
	for o := range r.done {
		if !r.told[o] && !r.again[o] {
			unfit++
		}
	}
	if unfit != r.unfit {
		r.t.Fatalf("%d did not fit, the stamp says %d", unfit, r.unfit)
	}
	r.part.Detach()
	r.must(r.stores[r.owner].Store.Sync(context.Background()))
}

// lose is the end of an owner that could not commit any more.
func (r *relay) lose() {
	r.part.Detach()
	r.must(r.stores[r.owner].Store.Sync(context.Background()))
	for o := range r.done {
		if !r.again[o] {
			r.durable[r.owner][o] = true
		}
	}
}

func (r *relay) restart() {
	opt := r.stores[r.owner].opt
	r.must(r.stores[r.owner].Close())
	r.stores[r.owner] = r.must1(Open(context.Background(), opt))
}

func (r *relay) check() {
	if r.reruns+int64(len(r.again)) != r.expected {
		r.t.Fatalf("%d ran again and %d still will, want %d", r.reruns, len(r.again), r.expected)
	}
	if r.part.State().Frontier < r.committed {
		r.t.Fatalf("committed %d is above the frontier %d", r.committed, r.part.State().Frontier)
	}
}

// finish lets everything succeed: each record is done in the end.
func (r *relay) finish() {
	var records []queue.Record
	for o := r.part.State().Next; o < r.next; o++ {
		records = append(records, queue.Record{Offset: o, Lane: queue.Lane{ID: uint64(o % 17)}})
	}
	r.must(errOf(r.part.Append(records)))
	for r.run(true) {
	}
	r.check()
	if len(r.again) > 0 {
		r.t.Fatalf("%v never ran again, and nobody was told that they are done", slices.Sorted(maps.Keys(r.again)))
	}
	if s := r.part.State(); s.Frontier != r.next || int64(len(r.done)) != r.next {
		r.t.Fatalf("%d of %d records done, frontier %d", len(r.done), r.next, s.Frontier)
	}
}
