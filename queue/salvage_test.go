package queue

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// soundSource is a bucket of a file whose pages are all right.
type soundSource struct{ *bbolt.Bucket }

func (b soundSource) Each(entry func(key, value []byte, sub SalvageSource) error, _ func(SalvageGap)) error {
	return b.ForEach(func(key, value []byte) error {
		if value == nil {
			if sub := b.Bucket.Bucket(key); sub != nil {
				return entry(bytes.Clone(key), nil, soundSource{sub})
			}
		}
		return entry(bytes.Clone(key), bytes.Clone(value), nil)
	})
}

// topSource is the root of one.
type topSource struct{ *bbolt.Tx }

func (t topSource) Each(entry func(key, value []byte, sub SalvageSource) error, _ func(SalvageGap)) error {
	return t.ForEach(func(name []byte, b *bbolt.Bucket) error { return entry(bytes.Clone(name), nil, soundSource{b}) })
}

// fullStore has something of everything in orders/3, and is closed.
func fullStore(t *testing.T) *rig {
	t.Helper()
	r := newRig(t, Options{Memory: 1})
	p := r.attach(orders)
	r.append(p, "a", "a", "b", "c", "d", "d")
	r.sync()
	jobs := r.wantTaken(0, 2, 3, 4) // 1 and 5 are behind 0 and 4
	r.must(jobs[3].Run().Checkpoint(t.Context(), 4, []byte("half")))
	r.finish(Outcome{Kind: Retry, Due: r.clock.Now().Add(time.Hour), Error: "no"}, jobs[3])
	r.finish(Outcome{Kind: Park, Error: "set aside"}, jobs[0])
	r.finish(Outcome{Kind: Bury, Error: "given up"}, jobs[1])
	r.done(jobs[2])
	r.sync()
	r.append(p, "e", "f", "g", "h")
	r.sync()
	more := r.wantTaken(6, 7, 8, 9)
	r.finish(Outcome{Kind: Halt, Error: "held"}, more[1])
	r.finish(Outcome{Kind: Bury, Error: "given up, too"}, more[3])
	r.done(more[0])
	r.finish(Outcome{Kind: Release}, more[2])
	r.must(p.CompleteElsewhere([]Range{{12, 15}}))
	if _, err := r.Pause(Pause{Scope: Scope{Topic: "orders", Partition: 3, OfLane: true, Lane: 'z'}}); err != nil {
		t.Fatal(err)
	}
	r.must(r.SetGuard("orders", Guard{Tokens: 3, At: r.clock.Now()}))
	r.must(r.PutSetting("workers", []byte("7")))
	r.must(r.Close())
	return r
}

// told is what a file says of the offsets of a partition.
type told struct {
	next              int64
	open, aside, dead map[int64]bool
	elsewhere         ranges
}

func readTold(t *testing.T, db *bbolt.DB) (f told) {
	t.Helper()
	f = told{open: map[int64]bool{}, aside: map[int64]bool{}, dead: map[int64]bool{}}
	if err := db.View(func(tx *bbolt.Tx) error {
		b := partitionBucket(tx, orders)
		var state stateValue
		if err := decodeValue(b.Get(keyState), &state); err != nil {
			return err
		}
		f.next = state.Next
		f.elsewhere, _ = openRanges(b.Get(keyElsewhere))
		if a, ok := openAside(b); ok {
			_ = a.index.ForEach(func(key, _ []byte) error { f.aside[mustOffset(key)] = true; return nil })
		}
		if d := b.Bucket(bucketDead); d != nil {
			_ = d.ForEach(func(key, _ []byte) error { f.dead[mustOffset(key[:8])] = true; return nil })
		}
		return b.Bucket(bucketIndex).ForEach(func(key, value []byte) error {
			rs, err := openRows(value)
			if err != nil {
				return err
			}
			done, err := openBitmap(b.Bucket(bucketDone).Get(key))
			for i := range rs.len() {
				if !done.has(i) && rs.offset(i) >= state.Frontier {
					f.open[rs.offset(i)] = true
				}
			}
			return err
		})
	}); err != nil {
		t.Fatal(err)
	}
	return f
}

// salvageFile salvages the rig's file to a new one, of which it returns the path.
func (r *rig) salvageFile() (string, SalvageReport) {
	r.t.Helper()
	from, err := OpenFile(r.path, true)
	r.must(err)
	defer from.Close()
	path := filepath.Join(r.t.TempDir(), FileName)
	into, err := OpenFile(path, false)
	r.must(err)
	defer into.Close()
	var report SalvageReport
	r.must(from.View(func(tx *bbolt.Tx) error {
		dry, err := Salvage(topSource{tx}, nil, SalvageOptions{Now: r.clock.Now(), Identity: Identity{Group: "g", StoreID: "new"}})
		if err != nil {
			return err
		}
		report, err = Salvage(topSource{tx}, into, SalvageOptions{Now: r.clock.Now(), Identity: Identity{Group: "g", StoreID: "new"}})
		if got, want := lostTexts(dry), lostTexts(report); got != want {
			r.t.Errorf("without a file it reports\n%s\nwith one\n%s", got, want)
		}
		return err
	}))
	return path, report
}

func lostTexts(r SalvageReport) string {
	text := fmt.Sprintf("%d %d %d %d\n", r.Partitions, r.Jobs, r.Aside, r.Dead)
	for _, l := range r.Lost {
		text += l.String() + "\n"
	}
	return text
}

// openSalvaged opens the file as a store does, and reads it by FORMAT.md.
func (r *rig) openSalvaged(path string) told {
	r.t.Helper()
	s, err := open(path, r.opt, r.layout)
	r.must(err)
	go s.commitLoop()
	if _, err := s.Attach(orders); err != nil {
		r.t.Errorf("attach: %v", err)
	}
	r.must(s.Close())
	db, err := OpenFile(path, true)
	r.must(err)
	defer db.Close()
	return readTold(r.t, db)
}

func TestSalvagingASoundFileKeepsAllOfIt(t *testing.T) {
	t.Parallel()
	r := fullStore(t)
	before := r.openSalvaged(r.path)
	path, report := r.salvageFile()
	if len(report.Lost) > 0 || report.Partitions != 1 || report.Jobs != 4 || report.Aside != 2 || report.Dead != 2 || report.Identity.StoreID != "s" {
		t.Errorf("%+v", report)
	}
	if after := r.openSalvaged(path); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("%+v became\n%+v", before, after)
	}
	db, err := OpenFile(path, true)
	r.must(err)
	defer db.Close()
	r.must(Verify(db, true, func(d *DamageError) { t.Error(d) }))
	r.must(db.View(func(tx *bbolt.Tx) error {
		_, parts, err := readFormat(tx)
		if len(parts) != 1 {
			t.Errorf("%d partitions", len(parts))
		}
		return err
	}))
}

// TestEveryDamagedValueIsNamedOrMended damages each value of a file in turn, at
// its beginning, in the middle and at its end.
func TestEveryDamagedValueIsNamedOrMended(t *testing.T) {
	t.Parallel()
	r := fullStore(t)
	before := r.openSalvaged(r.path)
	count := 0
	for _, at := range r.valuesOf() {
		for _, part := range []int{0, 1, 2} {
			undo := r.damageValue(at, part)
			path, report := r.salvageFile()
			after := r.openSalvaged(path)
			name := fmt.Sprintf("%q part %d", at, part)
			checkSalvaged(t, name, before, after, report)
			undo()
			count++
		}
	}
	if count < 80 {
		t.Errorf("%d damages only", count)
	}
}

// checkSalvaged tells whether the promises hold: nothing is lost unnamed, and
// what is done stays done where nothing is named.
func checkSalvaged(t *testing.T, name string, before, after told, report SalvageReport) {
	t.Helper()
	lost := lostTexts(report)
	again := func(offset int64) bool { return offset >= after.next && !after.elsewhere.has(offset) }
	for offset := range before.open {
		if !after.open[offset] && !after.aside[offset] && !again(offset) {
			t.Errorf("%s: job %d is gone\n%s", name, offset, lost)
		}
	}
	named := func(offset int64) bool { return strings.Contains(lost, fmt.Sprintf("@%d", offset)) }
	for offset := range before.aside {
		if !after.aside[offset] && !named(offset) {
			t.Errorf("%s: aside job %d is gone\n%s", name, offset, lost)
		}
	}
	for offset := range before.dead {
		if !after.dead[offset] && !named(offset) {
			t.Errorf("%s: dead letter %d is gone\n%s", name, offset, lost)
		}
	}
	for offset := range before.next {
		done := !before.open[offset] && !before.aside[offset]
		if done && len(report.Lost) == 0 && (after.open[offset] || again(offset)) {
			t.Errorf("%s: job %d is done and would run again\n%s", name, offset, lost)
		}
		if before.aside[offset] && after.open[offset] || after.dead[offset] && after.open[offset] {
			t.Errorf("%s: job %d is there twice\n%s", name, offset, lost)
		}
	}
}

// valuesOf lists the paths of all values of the file.
func (r *rig) valuesOf() (list [][]string) {
	r.t.Helper()
	db, err := OpenFile(r.path, true)
	r.must(err)
	defer db.Close()
	var down func(b *bbolt.Bucket, path []string) error
	down = func(b *bbolt.Bucket, path []string) error {
		return b.ForEach(func(key, value []byte) error {
			at := append(slices.Clone(path), string(key))
			if sub := b.Bucket(key); sub != nil {
				return down(sub, at)
			}
			if len(value) > 0 {
				list = append(list, at)
			}
			return nil
		})
	}
	r.must(db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error { return down(b, []string{string(name)}) })
	}))
	return list
}

// damageValue changes a byte of a value; undo puts it back.
func (r *rig) damageValue(path []string, part int) (undo func()) {
	r.t.Helper()
	var was []byte
	set := func(change func([]byte) []byte) {
		db, err := OpenFile(r.path, false)
		r.must(err)
		defer db.Close()
		r.must(db.Update(func(tx *bbolt.Tx) error {
			b := tx.Bucket([]byte(path[0]))
			for _, name := range path[1 : len(path)-1] {
				b = b.Bucket([]byte(name))
			}
			key := []byte(path[len(path)-1])
			return b.Put(key, change(bytes.Clone(b.Get(key))))
		}))
	}
	set(func(b []byte) []byte {
		was = bytes.Clone(b)
		b[[]int{0, len(b) / 2, len(b) - 1}[part]] ^= 0x15
		return b
	})
	return func() { set(func([]byte) []byte { return was }) }
}

// TestALostNoteNamesTheIDThatIsLostWithIt: a job that an operator gave one of its own
// would otherwise be another one unsaid, to whoever goes by it.
func TestALostNoteNamesTheIDThatIsLostWithIt(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	p := r.attach(orders)
	r.append(p, "a")
	r.done(r.wantTaken(0)...)
	r.sync()
	r.wantAgain(someRerun, record(0, "a"))
	r.sync()
	r.must(r.Close())
	r.damageValue([]string{string(bucketPartitions), orders.Topic, string(partitionKey(orders.Partition)), string(bucketAside), string(asideNotes), string(offsetKey(0))}, 1)
	_, report := r.salvageFile()
	if text := lostTexts(report); report.Aside != 1 || len(report.Lost) != 1 || !strings.Contains(text, "orders/3@0 note") || !strings.Contains(text, "id of its own") {
		t.Errorf("it reports %s", text)
	}
}

// TestWhatNoPartTellsOfIsFetchedAgain is for a block whose index and bodies are
// both damaged.
func TestWhatNoPartTellsOfIsFetchedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{Memory: 1})
	p := r.attach(orders)
	for range 3 {
		r.append(p, "a", "b", "c", "d")
		r.sync()
	}
	r.done(r.wantTaken(0, 1, 2, 3)[1:3]...) // 1 and 2
	r.sync()
	first := p.blocks[1].first
	r.must(r.Close())
	before := r.openSalvaged(r.path)
	key := string(offsetKey(first))
	base := []string{"partitions", "orders", string(partitionKey(3))}
	for _, bucket := range []string{"index", "blocks"} {
		r.damageValue(append(slices.Clone(base), bucket, key), 1)
	}
	path, report := r.salvageFile()
	after := r.openSalvaged(path)
	checkSalvaged(t, "both", before, after, report)
	if after.next > 6 || after.next < 4 || len(after.aside) == 0 || after.elsewhere.has(5) {
		t.Errorf("%+v\n%s", after, lostTexts(report))
	}
	if !maps.Equal(after.open, map[int64]bool{0: true, 3: true, 4: true, 5: true}) && !maps.Equal(after.open, map[int64]bool{0: true, 3: true, 4: true}) &&
		!maps.Equal(after.open, map[int64]bool{0: true, 3: true}) {
		t.Errorf("open: %v\n%s", after.open, lostTexts(report))
	}

	// Kafka delivers from there on: each of its jobs runs, once.
	r.path = path
	r.open()
	p = r.attach(orders)
	r.must(errOf(p.Append(records(after.next, []string{"a", "b", "c", "d", "a", "b", "c", "d"}[after.next-4:]...))))
	ran := r.drain()
	slices.Sort(ran)
	if want := []int64{0, 3, 4, 5, 6, 7, 8, 9, 10, 11}; !slices.Equal(ran, want) {
		t.Errorf("ran %v, want %v", ran, want)
	}
	r.sync()
	if f := p.Frontier(); f != 12 {
		t.Errorf("frontier %d", f)
	}
}

func TestAFileWithoutAnIdentityNeedsAGroup(t *testing.T) {
	t.Parallel()
	r := fullStore(t)
	r.damageValue([]string{"meta", "identity"}, 1)
	_, report := r.salvageFile()
	if report.Identity.Group != "g" || report.Identity.StoreID != "new" || len(report.Lost) != 1 {
		t.Errorf("%+v", report)
	}
	db, err := OpenFile(r.path, true)
	r.must(err)
	defer db.Close()
	err = db.View(func(tx *bbolt.Tx) error {
		_, err := Salvage(topSource{tx}, nil, SalvageOptions{})
		return err
	})
	wantIs(t, "without a group", err, ErrNoIdentity)
}
