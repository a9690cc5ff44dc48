package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
)

// FormatVersion is the version of the file that this package writes. It reads
// those from [OldestFormat] on.
const FormatVersion = 1

// OldestFormat is the oldest version of the file that this package reads.
const OldestFormat = 1

// FileName is the name of the store in a data directory.
const FileName = "holdfast.db"

var (
	bucketMeta       = []byte("meta")
	bucketPartitions = []byte("partitions")
	bucketPauses     = []byte("pauses")
	bucketGuards     = []byte("guards")

	keyFormat   = []byte("format")
	keyIdentity = []byte("identity")

	keyState     = []byte("state")
	keyElsewhere = []byte("elsewhere")
	bucketIndex  = []byte("index")
	bucketBlocks = []byte("blocks")
	bucketDone   = []byte("done")
	bucketNotes  = []byte("notes")
	// bucketCheckpoints is there with the first checkpoint of a partition, and
	// with the first of an aside job in the bucket aside.
	bucketCheckpoints = []byte("checkpoints")

	keyTally      = []byte("tally")
	bucketDead    = []byte("dead")
	bucketBurials = []byte("burials")
	bucketOutbox  = []byte("outbox")

	keyBody = []byte("b") // the one key of a block that is a bucket of its own
)

// Identity says whose store a file is.
type Identity struct {
	Format  int    // version of the file's format
	Cluster string // Kafka's cluster id
	Group   string // consumer group
	StoreID string // random, for life
	Epoch   uint64 // number of times the store was opened
}

// lockTimeout bounds the wait for bbolt's own lock. The data directory's LOCK
// is the real one; this is the second line.
const lockTimeout = 200 * time.Millisecond

// initialMmap is address space, not memory: a map that never has to grow never
// makes the committer wait for readers.
const initialMmap = 16 << 30 >> (4 * (1 - ^uint(0)>>63)) // 16 GiB, 1 GiB on 32 bits

// FileAhead is by how much a file grows beyond what a transaction needs, in bytes,
// so that the next ones need not. Compacted files have it, too; until it is written
// it takes no room on most disks.
const FileAhead = 16 << 20

// OpenFile opens the bbolt file at path as every reader and writer of a store
// must: with the freelist in memory only.
func OpenFile(path string, readOnly bool) (*bbolt.DB, error) {
	mmap := initialMmap
	if readOnly {
		mmap = 0
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout:         lockTimeout,
		NoFreelistSync:  true,
		FreelistType:    bbolt.FreelistMapType,
		ReadOnly:        readOnly,
		InitialMmapSize: mmap,
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	db.AllocSize = FileAhead
	return db, nil
}

// Create makes a new, empty store at path. It is written under a temporary
// name and renamed once it is on disk, because a file that was cut off while
// bbolt initialised it cannot be opened. An existing file is left alone.
func Create(path string, id Identity) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("create %s: %w", path, os.ErrExist)
	}
	temp := path + TempSuffix
	if err := os.Remove(temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("create %s: %w", path, err)
	}
	db, err := OpenFile(temp, false)
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bbolt.Tx) error { return initialise(tx, id) })
	if err := errors.Join(err, db.Close()); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return Replace(temp, path)
}

// TempSuffix ends the name of a file that is being written. One that is found
// at a start was cut off and can be removed.
const TempSuffix = ".tmp"

// Replace puts the finished file temp in the place of path, durably.
func Replace(temp, path string) error {
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func initialise(tx *bbolt.Tx, id Identity) error {
	if _, err := tx.CreateBucket(bucketPartitions); err != nil {
		return err
	}
	meta, err := tx.CreateBucket(bucketMeta)
	if err != nil {
		return err
	}
	if err := meta.Put(keyFormat, []byte(strconv.Itoa(FormatVersion))); err != nil {
		return err
	}
	return putIdentity(tx, id)
}

func putIdentity(tx *bbolt.Tx, id Identity) error {
	value, err := encodeValue(identityValue{id.Cluster, id.Group, id.StoreID, id.Epoch})
	if err != nil {
		return err
	}
	return tx.Bucket(bucketMeta).Put(keyIdentity, value)
}

// ReadIdentity returns whose store db is.
func ReadIdentity(db *bbolt.DB) (id Identity, err error) {
	err = db.View(func(tx *bbolt.Tx) error {
		id, err = readIdentity(tx)
		return err
	})
	return id, err
}

func readIdentity(tx *bbolt.Tx) (Identity, error) {
	meta := tx.Bucket(bucketMeta)
	if meta == nil || meta.Get(keyFormat) == nil || tx.Bucket(bucketPartitions) == nil {
		return Identity{}, ErrNotStore
	}
	format, err := strconv.Atoi(string(meta.Get(keyFormat)))
	if err == nil && format < 1 {
		err = fmt.Errorf("there is no version %d", format)
	}
	if err != nil {
		return Identity{}, &DamageError{"format version", err}
	}
	if format > FormatVersion {
		return Identity{}, fmt.Errorf("%w: version %d, this program reads up to %d", ErrNewerFormat, format, FormatVersion)
	}
	var v identityValue
	if err := decodeValue(meta.Get(keyIdentity), &v); err != nil {
		return Identity{}, &DamageError{"identity", err}
	}
	return Identity{Format: format, Cluster: v.Cluster, Group: v.Group, StoreID: v.StoreID, Epoch: v.Epoch}, nil
}

// partitionBucket returns the bucket of tp, or nil.
func partitionBucket(tx *bbolt.Tx, tp TopicPartition) *bbolt.Bucket {
	topic := tx.Bucket(bucketPartitions).Bucket([]byte(tp.Topic))
	if topic == nil {
		return nil
	}
	return topic.Bucket(partitionKey(tp.Partition))
}

func partitionKey(p int32) []byte { return binary.BigEndian.AppendUint32(nil, uint32(p)) }

// makePartitionBucket returns the bucket of tp with all of its parts.
func makePartitionBucket(tx *bbolt.Tx, tp TopicPartition) (*bbolt.Bucket, error) {
	topic, err := tx.Bucket(bucketPartitions).CreateBucketIfNotExists([]byte(tp.Topic))
	if err != nil {
		return nil, err
	}
	b, err := topic.CreateBucketIfNotExists(partitionKey(tp.Partition))
	if err != nil {
		return nil, err
	}
	for _, name := range jobBuckets() {
		if _, err := b.CreateBucketIfNotExists(name); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// jobBuckets are the parts of a partition that its jobs in Kafka's order are in.
func jobBuckets() [][]byte { return [][]byte{bucketIndex, bucketBlocks, bucketDone, bucketNotes} }

// deadBuckets are the parts of a partition that its dead letters are in.
func deadBuckets() [][]byte { return [][]byte{bucketDead, bucketBurials, bucketOutbox} }

// checkBuckets looks for the parts of a partition that is to be read.
func checkBuckets(tp TopicPartition, b *bbolt.Bucket) error {
	for _, name := range jobBuckets() {
		if b.Bucket(name) == nil {
			return &DamageError{fmt.Sprintf("%s %s", tp, name), errBucketMissing}
		}
	}
	return nil
}

var (
	errBucketMissing = errors.New("the bucket is missing")
	errKeySize       = errors.New("a key or offset has the wrong size")
)

// eachPartition calls f for every partition of the file.
func eachPartition(tx *bbolt.Tx, f func(tp TopicPartition, b *bbolt.Bucket) error) error {
	topics := tx.Bucket(bucketPartitions)
	return topics.ForEachBucket(func(name []byte) error {
		topic := topics.Bucket(name)
		return topic.ForEachBucket(func(key []byte) error {
			if len(key) != 4 {
				return &DamageError{fmt.Sprintf("partition key of topic %s", name), fmt.Errorf("%d bytes, 4 expected", len(key))}
			}
			tp := TopicPartition{string(name), int32(binary.BigEndian.Uint32(key))}
			return f(tp, topic.Bucket(key))
		})
	})
}
