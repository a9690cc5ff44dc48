package queue

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// flip damages the byte behind each occurrence of a mark in the closed file:
// bbolt leaves old copies of its pages behind.
func (r *rig) flip(mark []byte) {
	r.t.Helper()
	content, err := os.ReadFile(r.path)
	r.must(err)
	found := 0
	for at := 0; ; {
		i := bytes.Index(content[at:], mark)
		if i < 0 {
			break
		}
		at += i + len(mark)
		content[at-1] ^= 0x10
		found++
	}
	if found == 0 {
		r.t.Fatalf("the file does not hold %q", mark)
	}
	r.must(os.WriteFile(r.path, content, 0o600))
}

// alter changes the value of a key of the partition in the open file.
func (r *rig) alter(tp TopicPartition, bucket, key []byte, change func([]byte) []byte) {
	r.t.Helper()
	r.must(r.db.Update(func(tx *bbolt.Tx) error {
		b := partitionBucket(tx, tp)
		if bucket != nil {
			b = b.Bucket(bucket)
		}
		return b.Put(key, change(bytes.Clone(b.Get(key))))
	}))
}

func damaged(b []byte) []byte {
	b[len(b)/2] ^= 1
	return b
}

func (r *rig) verify(deep bool) (found []string) {
	r.t.Helper()
	r.must(Verify(r.db, deep, func(d *DamageError) { found = append(found, d.Error()) }))
	return found
}

func TestADamagedBodyConcernsItsJobOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a", "b", "b", "b", "c")
	r.append(r.attach(TopicPartition{"bills", 0}), "a")
	r.must(r.Close())
	r.flip([]byte("value 2"))
	r.open()
	if found := r.verify(true); len(found) != 1 || !strings.Contains(found[0], "orders/3@2") {
		t.Errorf("verify found %q", found)
	}
	if found := r.verify(false); found != nil {
		t.Errorf("verify of the indices found %q", found)
	}

	p := r.attach(orders)
	r.attach(TopicPartition{"bills", 0})
	ran := r.take(4)
	r.done(ran...)
	job := r.take(1)[0]
	var damage *DamageError
	if job.Offset != 2 || !errors.As(job.Damaged, &damage) || damage.Where != "orders/3@2" {
		t.Fatalf("took %d with %v, want damage of orders/3@2", job.Offset, job.Damaged)
	}
	if job.Value != nil || job.Lane.ID != 'b' {
		t.Errorf("the damaged job is %+v", job.Record)
	}
	r.nothingStarts() // 3 is behind it
	wrong := record(2, "c")
	if err := p.Replace(wrong); err == nil {
		t.Error("replaced by a record of another lane")
	}
	r.must(p.Replace(record(2, "b")))
	r.finish(Outcome{Kind: Release}, job)
	mended := r.wantTaken(2)
	if mended[0].Damaged != nil || mended[0].Attempt != 1 {
		t.Errorf("mended job: %+v", mended[0])
	}
	r.done(mended...)
	r.done(r.wantTaken(3)...)
	r.sync()
	if f := p.Frontier(); f != 5 {
		t.Errorf("frontier %d", f)
	}
}

func TestADamagedBodyOutlivesARewriteAsOne(t *testing.T) {
	t.Parallel()
	l := standardLayout()
	l.mergeRun = 2
	r := prepareRig(t, Options{}, l)
	r.open()
	p := r.attach(orders)
	r.append(p, "a", "b")
	r.must(r.Close())
	r.flip([]byte("value 1"))
	r.open()
	p = r.attach(orders)
	r.append(p, "c") // the two small blocks become one
	r.sync()
	if n := len(p.blocks); n != 1 {
		t.Fatalf("%d blocks", n)
	}
	jobs := r.wantTaken(0, 1, 2)
	for _, j := range jobs {
		if (j.Damaged != nil) != (j.Offset == 1) {
			t.Errorf("%d: %v", j.Offset, j.Damaged)
		}
	}
}

// TestADamagedIndexIsRebuilt damages it before a start, and under a running
// store: whoever needs it falls back to the bodies.
func TestADamagedIndexIsRebuilt(t *testing.T) {
	t.Parallel()
	for _, running := range []bool{false, true} {
		r := newRig(t, Options{Memory: 1})
		p := r.attach(orders)
		r.append(p, "a", "a", "b", "", "b", "a")
		r.sync()
		r.done(r.wantTaken(0, 2)...)
		r.sync()
		for _, at := range []int{frameHeader + rowSize + 17, frameHeader + rowSize} { // a position, an offset
			r.alter(orders, bucketIndex, offsetKey(0), func(b []byte) []byte {
				b[at] ^= 0x40
				return b
			})
		}
		if found := r.verify(false); len(found) != 1 || !strings.Contains(found[0], "index") {
			t.Errorf("verify found %q", found)
		}
		if !running {
			r.reopen()
			r.attach(orders)
		}
		got := r.take(3)
		slices.SortFunc(got, func(a, b *Job) int { return int(a.Offset - b.Offset) })
		for i, want := range []int64{1, 3, 4} {
			if j := got[i]; j.Offset != want || j.Damaged != nil {
				t.Errorf("took %d with %v, want %d", j.Offset, j.Damaged, want)
			}
		}
		r.done(got...)
		r.sync()
		r.reopen()
		p = r.attach(orders)
		r.done(r.wantTaken(5)...)
		r.sync()
		if f := p.Frontier(); f != 6 {
			t.Errorf("frontier %d", f)
		}
	}
}

// TestDamageThatHidesWhatIsDoneIsRefused names what is damaged; the rest works.
func TestDamageThatHidesWhatIsDoneIsRefused(t *testing.T) {
	t.Parallel()
	for where, alter := range map[string]func(r *rig){
		"orders/3 state": func(r *rig) { r.alter(orders, nil, keyState, damaged) },
		"orders/3@1 note": func(r *rig) {
			r.alter(orders, bucketNotes, offsetKey(1), damaged)
		},
		"orders/3 block 0 completions": func(r *rig) {
			r.alter(orders, bucketDone, offsetKey(0), damaged)
		},
		"orders/3 block 0 index": func(r *rig) {
			r.alter(orders, bucketIndex, offsetKey(0), damaged)
			r.alter(orders, bucketBlocks, offsetKey(0), damaged)
		},
		"orders/3 done": func(r *rig) {
			r.must(r.db.Update(func(tx *bbolt.Tx) error { return partitionBucket(tx, orders).DeleteBucket(bucketDone) }))
		},
		"orders/3 notes": func(r *rig) {
			r.alter(orders, bucketNotes, []byte("short"), func([]byte) []byte { return []byte("x") })
		},
		"orders/3 index": func(r *rig) {
			r.alter(orders, bucketIndex, []byte("short"), func([]byte) []byte { return []byte("x") })
		},
	} {
		t.Run(where, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, Options{})
			r.append(r.attach(orders), "a", "b", "c")
			r.append(r.attach(TopicPartition{"bills", 0}), "a")
			r.sync()
			jobs := r.take(3)
			for _, j := range jobs {
				if j.Topic == "orders" {
					kind := Done
					if j.Offset == 1 {
						kind = Retry
					}
					r.finish(Outcome{Kind: kind}, j)
				}
			}
			r.must(r.Close())
			r.open()
			alter(r)
			_, err := r.Attach(orders)
			var damage *DamageError
			if !errors.As(err, &damage) || damage.Where != where {
				t.Errorf("attach: %v, want damage of %s", err, where)
			}
			if len(r.verify(true)) == 0 {
				t.Error("verify found nothing")
			}
			r.attach(TopicPartition{"bills", 0})
			r.done(r.take(1)...)
			r.sync()
		})
	}
}

func TestVerifyFindsNothingInASoundFile(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	r.append(r.attach(orders), "a", "b", "c")
	r.sync()
	jobs := r.take(2)
	r.done(jobs[0])
	r.finish(Outcome{Kind: Halt, Error: "gave up"}, jobs[1])
	r.sync()
	if found := r.verify(true); found != nil {
		t.Errorf("found %q", found)
	}
}
