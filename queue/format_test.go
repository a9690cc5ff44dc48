package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
)

// This is a reader of the file by FORMAT.md alone. It uses none of the
// package's codecs, so that the document, the writer and this reader must agree.

type formatReader struct{ tx *bbolt.Tx }

func readFormat(tx *bbolt.Tx) (Identity, map[TopicPartition]modelFile, error) {
	r := formatReader{tx}
	id, err := r.identity()
	if err != nil {
		return id, nil, fmt.Errorf("meta: %w", err)
	}
	parts := map[TopicPartition]modelFile{}
	topics := tx.Bucket([]byte("partitions"))
	err = topics.ForEachBucket(func(topic []byte) error {
		return topics.Bucket(topic).ForEachBucket(func(p []byte) error {
			tp := TopicPartition{string(topic), int32(binary.BigEndian.Uint32(p))}
			var err error
			if parts[tp], err = r.partition(topics.Bucket(topic).Bucket(p)); err != nil {
				return fmt.Errorf("%s: %w", tp, err)
			}
			return nil
		})
	})
	return id, parts, err
}

func (r formatReader) identity() (id Identity, err error) {
	meta := r.tx.Bucket([]byte("meta"))
	if id.Format, err = strconv.Atoi(string(meta.Get([]byte("format")))); err != nil || id.Format > 1 {
		return id, fmt.Errorf("format %d: %v", id.Format, err)
	}
	m, err := framedMap(meta.Get([]byte("identity")))
	if err != nil {
		return id, err
	}
	id.Cluster, id.Group, id.StoreID, id.Epoch = text(m["cluster"]), text(m["group"]), text(m["store_id"]), uint64(number(m["epoch"]))
	return id, nil
}

// pauses are by FORMAT.md too.
func (r formatReader) pauses() (list []Pause, err error) {
	b := r.tx.Bucket([]byte("pauses"))
	if b == nil {
		return nil, nil
	}
	err = b.ForEach(func(key, value []byte) error {
		m, err := framedMap(value)
		if err != nil {
			return err
		}
		at := slices.Index(key, 0)
		topic, rest := string(key[:at]), key[at+1:]
		p := Pause{Scope: Scope{Topic: topic, Partition: -1}, Since: time.Unix(0, number(m["since"])), Reason: text(m["reason"])}
		if name, ok := m["lane"]; ok {
			p.LaneName = []byte(text(name))
		}
		if until := number(m["until"]); until != 0 {
			p.Until = time.Unix(0, until)
		}
		if len(rest) >= 4 {
			p.Partition = int32(binary.BigEndian.Uint32(rest))
		}
		if len(rest) == 12 {
			p.OfLane, p.Lane = true, binary.BigEndian.Uint64(rest[4:])
		}
		list = append(list, p)
		return nil
	})
	return list, err
}

// ledger lists what is kept beside the partitions, bucket by bucket.
func (r formatReader) ledger() (list []string, err error) {
	for _, bucket := range []string{"audit", "operations", "settings"} {
		b := r.tx.Bucket([]byte(bucket))
		if b == nil {
			continue
		}
		err = errors.Join(err, b.ForEach(func(key, value []byte) error {
			m, err := framedMap(value)
			open, _ := m["open"].(bool)
			list = append(list, fmt.Sprintf("%s %x %d %v %d %s", bucket, key, number(m["at"]), open, number(m["version"]), text(m["data"])))
			return err
		}))
	}
	return list, err
}

func (r formatReader) partition(b *bbolt.Bucket) (f modelFile, err error) {
	state, err := framedMap(b.Get([]byte("state")))
	if err != nil {
		return f, fmt.Errorf("state: %w", err)
	}
	f = modelFile{
		known: number(state["next"]) >= 0, next: number(state["next"]), acked: number(state["acknowledged"]),
		topicID: text(state["topic_id"]), fingerprint: text(state["fingerprint"]), scheme: int(number(state["scheme"])),
		resets: uint64(number(state["resets"])),
	}
	if away := number(state["away"]); away != 0 {
		f.away = time.Unix(0, away)
	}
	if f.elsewhere, err = r.elsewhere(b.Get([]byte("elsewhere")), f.next); err != nil {
		return f, fmt.Errorf("elsewhere: %w", err)
	}
	frontier := number(state["frontier"])
	err = b.Bucket([]byte("index")).ForEach(func(key, value []byte) error {
		jobs, err := r.block(b, key, value)
		if err != nil {
			return fmt.Errorf("block %x: %w", key, err)
		}
		f.jobs = append(f.jobs, jobs...)
		return nil
	})
	if err != nil {
		return f, err
	}
	for i, j := range f.jobs {
		if o := j.rec.Offset; o < frontier || o >= f.next || i > 0 && o <= f.jobs[i-1].rec.Offset {
			return f, fmt.Errorf("offset %d is open with frontier %d and next %d", o, frontier, f.next)
		}
	}
	if frontier != f.frontier() {
		return f, fmt.Errorf("frontier %d, %d expected", frontier, f.frontier())
	}
	for _, part := range []string{"blocks", "done"} {
		err := b.Bucket([]byte(part)).ForEach(func(key, _ []byte) error {
			if b.Bucket([]byte("index")).Get(key) == nil {
				return fmt.Errorf("%s of block %x, which has no index", part, key)
			}
			return nil
		})
		if err != nil {
			return f, err
		}
	}
	if err := r.notes(b, &f); err != nil {
		return f, err
	}
	if f.overtaken, err = r.overtaken(b); err != nil {
		return f, fmt.Errorf("overtaken: %w", err)
	}
	if f.dead, err = r.dead(b); err != nil {
		return f, fmt.Errorf("dead letters: %w", err)
	}
	return f, nil
}

// elsewhere lists the ranges as the model does.
func (r formatReader) elsewhere(value []byte, next int64) (string, error) {
	if value == nil {
		return "", nil
	}
	payload, err := frame(value)
	if err != nil || len(payload)%16 != 0 {
		return "", fmt.Errorf("%d bytes: %v", len(payload), err)
	}
	var set ranges
	for i := 0; i < len(payload); i += 16 {
		set = append(set, Range{int64(binary.BigEndian.Uint64(payload[i:])), int64(binary.BigEndian.Uint64(payload[i+8:]))})
	}
	return elsewhereFrom(set, next), nil
}
