package queue

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	"go.etcd.io/bbolt"
)

// block is a line of a partition's catalogue: one run of jobs in the file.
type block struct {
	first      int64 // its key: at or below the offset of its first row
	rows, live int32
	bytes      int64 // of its bodies as written
	liveBytes  int64 // of these, of open jobs
}

// sparse blocks are worth rewriting with their open jobs only: that frees more
// than it copies, and without any the blocks are less than twice what is alive.
func (b block) sparse() bool { return b.live > 0 && b.liveBytes*2 < b.bytes }

// newBlock is a block on its way to the file.
type newBlock struct {
	block
	bodies []byte
	index  rows
	places []stored // of its records; nil for a rewritten block
}

func (b *newBlock) add(r row) {
	if b.rows == 0 {
		b.first = r.offset
	}
	b.index = rows(appendRow(b.index, r))
	b.rows++
	b.live++
	b.bytes += int64(r.length)
	b.liveBytes += int64(r.length)
}

func (l layout) full(b *newBlock) bool { return b.bytes >= l.blockBytes || b.rows >= l.blockRows }

func (l layout) small(b block) bool { return b.bytes < l.bucketBytes }

// blockTable is a partition's blocks in a write transaction.
type blockTable struct {
	layout
	tp                  TopicPartition
	index, blocks, done *bbolt.Bucket
}

func openBlockTable(l layout, tp TopicPartition, b *bbolt.Bucket) blockTable {
	t := blockTable{l, tp, b.Bucket(bucketIndex), b.Bucket(bucketBlocks), b.Bucket(bucketDone)}
	// Keys ascend, so that a split need not leave room on the left.
	t.index.FillPercent, t.blocks.FillPercent = 0.95, 0.95
	return t
}

func (t blockTable) put(b *newBlock) error {
	key := offsetKey(b.first)
	if err := t.index.Put(key, appendFrame(make([]byte, 0, len(b.index)+frameHeader), b.index)); err != nil {
		return err
	}
	if t.small(b.block) {
		return t.blocks.Put(key, b.bodies)
	}
	own, err := t.blocks.CreateBucket(key)
	if err != nil {
		return err
	}
	return own.Put(keyBody, b.bodies)
}

func (t blockTable) delete(b block) error {
	key := offsetKey(b.first)
	remove := t.blocks.Delete
	if t.blocks.Bucket(key) != nil {
		remove = t.blocks.DeleteBucket
	}
	return errors.Join(remove(key), t.index.Delete(key), t.done.Delete(key))
}

// read returns the checked index and completions of a block.
func (t blockTable) read(b block) (rows, bitmap, error) {
	key := offsetKey(b.first)
	rs, err := openRows(t.index.Get(key))
	if err != nil {
		// The partition was loaded with an index rebuilt from the bodies.
		if rs, err = rebuildRows(blockValue(t.blocks, key)); err != nil {
			return nil, nil, &DamageError{fmt.Sprintf("%s block %d index", t.tp, b.first), err}
		}
	}
	done, err := openBitmap(t.done.Get(key))
	if err != nil {
		return nil, nil, &DamageError{fmt.Sprintf("%s block %d completions", t.tp, b.first), err}
	}
	return rs, done, nil
}

// blockValue returns the bodies of a block, or nil.
func blockValue(blocks *bbolt.Bucket, key []byte) []byte {
	if v := blocks.Get(key); v != nil {
		return v
	}
	if own := blocks.Bucket(key); own != nil {
		return own.Get(keyBody)
	}
	return nil
}

// catalogue is the blocks of a partition, ascending.
type catalogue []block

// holding returns the place of the block that offset would be in, or -1.
func (c catalogue) holding(offset int64) int {
	return sort.Search(len(c), func(i int) bool { return c[i].first > offset }) - 1
}

// complete marks the offsets, which ascend, as finished. An offset that no
// block holds never reached the file.
func (c catalogue) complete(t blockTable, offsets []int64) error {
	for len(offsets) > 0 {
		i := c.holding(offsets[0])
		n := len(offsets)
		if i+1 < len(c) {
			n, _ = slices.BinarySearch(offsets, c[i+1].first)
		}
		if i >= 0 {
			if err := c[i].complete(t, offsets[:n]); err != nil {
				return err
			}
		}
		offsets = offsets[n:]
	}
	return nil
}

func (b *block) complete(t blockTable, offsets []int64) error {
	rs, old, err := t.read(*b)
	if err != nil {
		return err
	}
	done := newBitmap(rs.len())
	copy(done, old)
	marked := false
	for _, offset := range offsets {
		i, ok := rs.find(offset)
		if !ok || done.has(i) {
			continue
		}
		done.set(i)
		marked = true
		b.live--
		b.liveBytes -= int64(rs.at(i).length)
	}
	if !marked || b.live == 0 { // a finished block is deleted as a whole
		return nil
	}
	return t.done.Put(offsetKey(b.first), appendFrame(nil, done))
}
