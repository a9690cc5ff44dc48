package queue

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
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
	if err := r.overtaken(b, &f); err != nil {
		return f, fmt.Errorf("overtaken: %w", err)
	}
	if f.dead, err = r.dead(b); err != nil {
		return f, fmt.Errorf("dead letters: %w", err)
	}
	return f, nil
}

// dead lists the dead letters by their numbers.
func (r formatReader) dead(b *bbolt.Bucket) (list []modelDead, err error) {
	dead := b.Bucket([]byte("dead"))
	if dead == nil {
		return nil, nil
	}
	size := int64(0)
	offsets := map[string]string{} // what stands behind the number of each
	err = dead.ForEach(func(key, value []byte) error {
		l, err := r.letter(key, value)
		list = append(list, l)
		size += int64(len(value))
		offsets[string(key[8:])] = string(key[:8])
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list, func(a, b modelDead) int { return cmp.Compare(a.number, b.number) })
	unsent := 0
	err = b.Bucket([]byte("outbox")).ForEach(func(key, value []byte) error {
		unsent++
		at := slices.IndexFunc(list, func(l modelDead) bool { return l.number == binary.BigEndian.Uint64(key) })
		if payload, err := frame(value); err != nil || at < 0 || string(payload) != offsets[string(key)] {
			return fmt.Errorf("outbox %x says %x: %v", key, payload, err)
		}
		list[at].unsent = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	err = b.Bucket([]byte("burials")).ForEach(func(key, value []byte) error {
		at := slices.IndexFunc(list, func(l modelDead) bool { return l.number == binary.BigEndian.Uint64(key[8:]) })
		if payload, err := frame(value); err != nil || at < 0 || string(payload) != offsets[string(key[8:])] ||
			list[at].buried.UnixNano() != int64(binary.BigEndian.Uint64(key)) {
			return fmt.Errorf("burial %x says %x: %v", key, payload, err)
		}
		delete(offsets, string(key[8:]))
		return nil
	})
	if err != nil || len(offsets) > 0 {
		return nil, fmt.Errorf("%d letters without a burial: %v", len(offsets), err)
	}
	tally, err := framedMap(b.Get([]byte("tally")))
	if err != nil || number(tally["letters"]) != int64(len(list)) || number(tally["bytes"]) != size ||
		number(tally["unsent"]) != int64(unsent) || uint64(number(tally["burials"])) < list[len(list)-1].number {
		return nil, fmt.Errorf("tally %v of %d letters, %d bytes, %d unsent: %v", tally, len(list), size, unsent, err)
	}
	return list, nil
}

// overtaken is in order where its offsets are of letters, and of jobs that are not open.
func (r formatReader) overtaken(b *bbolt.Bucket, f *modelFile) error {
	lanes := b.Bucket([]byte("overtaken"))
	if lanes == nil {
		return nil
	}
	if b.Bucket([]byte("dead")) == nil {
		return errors.New("there are no letters")
	}
	return lanes.ForEach(func(key, value []byte) error {
		payload, err := frame(value)
		if err != nil || len(key) != 10 || len(payload) != 16 {
			return fmt.Errorf("%x says %x: %v", key, payload, err)
		}
		if done := int64(binary.BigEndian.Uint64(payload[8:])); f.job(done) != nil {
			return fmt.Errorf("%x says that %d is done, which is open", key, done)
		}
		return nil
	})
}

func (r formatReader) letter(key, value []byte) (l modelDead, err error) {
	n := 9 + int(binary.BigEndian.Uint32(value[5:]))
	m, err := framedMap(value[:n])
	if err != nil {
		return l, err
	}
	job, err := body(value[n:], nil)
	if err != nil {
		return l, err
	}
	if uint64(job.rec.Offset) != binary.BigEndian.Uint64(key) {
		return l, fmt.Errorf("letter %x has the job of offset %d", key, job.rec.Offset)
	}
	note, _ := m["note"].(map[string]any)
	l = modelDead{
		rec: job.rec, number: binary.BigEndian.Uint64(key[8:]), buried: time.Unix(0, number(m["buried"])),
		reason: text(m["reason"]), topicID: text(m["topic_id"]), attempts: int(number(note["attempts"])), err: text(note["error"]),
	}
	l.operator, _ = m["operator"].(bool)
	return l, nil
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

// checkpoints are those of the notes that say so, and no others.
func (r formatReader) checkpoints(b *bbolt.Bucket, noted map[int64]bool) (map[int64]string, error) {
	found := map[int64]string{}
	if kept := b.Bucket([]byte("checkpoints")); kept != nil {
		err := kept.ForEach(func(key, value []byte) error {
			data, err := frame(value)
			offset := int64(binary.BigEndian.Uint64(key))
			if found[offset] = string(data); err == nil && (!noted[offset] || len(data) == 0 || len(data) > 65536) {
				err = fmt.Errorf("%d bytes, noted: %v", len(data), noted[offset])
			}
			if err != nil {
				return fmt.Errorf("checkpoint %d: %w", offset, err)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(found) != len(noted) {
		return nil, fmt.Errorf("%d checkpoints, %d noted", len(found), len(noted))
	}
	return found, nil
}

func (r formatReader) notes(b *bbolt.Bucket, f *modelFile) error {
	noted := map[int64]bool{}
	err := b.Bucket([]byte("notes")).ForEach(func(key, value []byte) error {
		offset := int64(binary.BigEndian.Uint64(key))
		j := f.job(offset)
		if j == nil {
			return fmt.Errorf("note about %d, which is not open", offset)
		}
		m, err := j.note(value)
		if has, _ := m["checkpoint"].(bool); has {
			noted[offset] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	kept, err := r.checkpoints(b, noted)
	for offset, data := range kept {
		f.job(offset).checkpoint = data
	}
	return err
}

// note takes over what a note says of the job.
func (j *modelJob) note(value []byte) (map[string]any, error) {
	m, err := framedMap(value)
	if err != nil {
		return nil, fmt.Errorf("note %d: %w", j.rec.Offset, err)
	}
	j.attempts, j.err = int(number(m["attempts"])), text(m["error"])
	j.halted, _ = m["halted"].(bool)
	j.guarded, _ = m["guarded"].(bool)
	history, _ := m["history"].([]any)
	for i := 0; i < len(history); i += 3 {
		past := Attempt{Number: int(number(history[i])), At: time.Unix(0, number(history[i+1])), Error: text(history[i+2])}
		if history[i+2] == nil {
			past.Error = j.history[len(j.history)-1].Error
		}
		j.history = append(j.history, past)
	}
	if due := number(m["due"]); due != 0 {
		j.due = time.Unix(0, due)
	}
	return m, nil
}

// block returns the open jobs of one block.
func (r formatReader) block(b *bbolt.Bucket, key, value []byte) (jobs []modelJob, err error) {
	rows, err := frame(value)
	if err != nil || len(rows)%28 != 0 {
		return nil, fmt.Errorf("index of %d bytes: %v", len(rows), err)
	}
	var done []byte
	if v := b.Bucket([]byte("done")).Get(key); v != nil {
		if done, err = frame(v); err != nil {
			return nil, fmt.Errorf("done: %w", err)
		}
	}
	bodies := b.Bucket([]byte("blocks")).Get(key)
	if bodies == nil {
		own := b.Bucket([]byte("blocks")).Bucket(key)
		if own == nil {
			return nil, errors.New("no bodies")
		}
		bodies = own.Get([]byte("b"))
	}
	if first := binary.BigEndian.Uint64(rows); binary.BigEndian.Uint64(key) > first {
		return nil, fmt.Errorf("first offset is %d", first)
	}
	end := uint32(0)
	for i := range len(rows) / 28 {
		row := rows[28*i : 28*i+28]
		pos, length := binary.BigEndian.Uint32(row[16:]), binary.BigEndian.Uint32(row[20:])
		if pos != end {
			return nil, fmt.Errorf("body of row %d is at %d, %d expected", i, pos, end)
		}
		end = pos + length
		if i/8 < len(done) && done[i/8]>>(i%8)&1 == 1 {
			continue
		}
		job, err := body(bodies[pos:end], row)
		if err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
		jobs = append(jobs, job)
	}
	if int(end) != len(bodies) {
		return nil, fmt.Errorf("bodies of %d bytes, %d expected", len(bodies), end)
	}
	return jobs, nil
}

func body(value, row []byte) (j modelJob, err error) {
	payload, err := frame(value)
	if err != nil {
		return j, err
	}
	v, _, err := msgpackValue(payload)
	if err != nil {
		return j, err
	}
	e := v.([]any)
	flags := number(e[2])
	j.rec = Record{
		Offset: number(e[0]), Timestamp: number(e[4]), Key: raw(e[5]), Value: raw(e[6]),
		Lane: Lane{ID: uint64(number(e[1])), Name: raw(e[7]), Own: flags&1 != 0},
	}
	if flags&2 != 0 {
		j.rec.Lane.Name = j.rec.Key
	}
	headers := e[8].([]any)
	for i := 0; i < len(headers); i += 2 {
		j.rec.Headers = append(j.rec.Headers, Header{text(headers[i]), raw(headers[i+1])})
	}
	j.scheme = int(number(e[3]))
	if row == nil {
		return j, nil
	}
	if uint64(j.rec.Offset) != binary.BigEndian.Uint64(row) || j.rec.Lane.ID != binary.BigEndian.Uint64(row[8:]) ||
		j.scheme != int(binary.BigEndian.Uint16(row[24:])) || flags != int64(binary.BigEndian.Uint16(row[26:])) {
		return j, fmt.Errorf("the body %+v is not its row's", j.rec)
	}
	return j, nil
}

// frame checks a value that is one frame and returns its payload.
func frame(b []byte) ([]byte, error) {
	if len(b) < 9 || b[0] != 1 || int(binary.BigEndian.Uint32(b[5:])) != len(b)-9 {
		return nil, fmt.Errorf("%d bytes are no frame", len(b))
	}
	covered := append([]byte{b[0]}, b[5:]...)
	if crc32.Checksum(covered, crc32.MakeTable(crc32.Castagnoli)) != binary.BigEndian.Uint32(b[1:]) {
		return nil, errors.New("checksum")
	}
	return b[9:], nil
}

func framedMap(b []byte) (map[string]any, error) {
	payload, err := frame(b)
	if err != nil {
		return nil, err
	}
	v, _, err := msgpackValue(payload)
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%T is no map", v)
	}
	return m, nil
}

func number(v any) int64 { n, _ := v.(int64); return n }
func raw(v any) []byte   { b, _ := v.([]byte); return b }
func text(v any) string  { return string(raw(v)) }

// msgpackValue reads one value as nil, bool, int64 (the bits of an unsigned
// one), []byte, []any or map[string]any, and returns the rest.
func msgpackValue(b []byte) (v any, rest []byte, err error) {
	if len(b) == 0 {
		return nil, nil, errors.New("msgpack ends early")
	}
	c, b := b[0], b[1:]
	switch {
	case c < 0x80:
		return int64(c), b, nil
	case c < 0x90:
		return msgpackMap(int(c&0x0f), b)
	case c < 0xa0:
		return msgpackArray(int(c&0x0f), b)
	case c < 0xc0:
		return msgpackBytes(int(c&0x1f), b)
	case c == 0xc0:
		return nil, b, nil
	case c == 0xc2 || c == 0xc3:
		return c == 0xc3, b, nil
	case c >= 0xe0:
		return int64(int8(c)), b, nil
	}
	width, ok := map[byte]int{
		0xc4: 1, 0xc5: 2, 0xc6: 4, 0xcc: 1, 0xcd: 2, 0xce: 4, 0xcf: 8, 0xd0: 1, 0xd1: 2, 0xd2: 4, 0xd3: 8,
		0xd9: 1, 0xda: 2, 0xdb: 4, 0xdc: 2, 0xdd: 4, 0xde: 2, 0xdf: 4,
	}[c]
	if !ok || len(b) < width {
		return nil, nil, fmt.Errorf("msgpack code %x with %d bytes", c, len(b))
	}
	n := uint64(0)
	for _, x := range b[:width] {
		n = n<<8 | uint64(x)
	}
	b = b[width:]
	switch {
	case c >= 0xde:
		return msgpackMap(int(n), b)
	case c >= 0xdc:
		return msgpackArray(int(n), b)
	case c >= 0xd9 || c <= 0xc6:
		return msgpackBytes(int(n), b)
	case c >= 0xd0: // signed: the width's highest bit is the sign
		shift := 64 - 8*width
		return int64(n) << shift >> shift, b, nil
	}
	return int64(n), b, nil
}

func msgpackBytes(n int, b []byte) (any, []byte, error) {
	if n > len(b) {
		return nil, nil, fmt.Errorf("msgpack string of %d bytes with %d left", n, len(b))
	}
	return append(make([]byte, 0, n), b[:n]...), b[n:], nil
}

func msgpackArray(n int, b []byte) (any, []byte, error) {
	list := []any{}
	for range n {
		v, rest, err := msgpackValue(b)
		if err != nil {
			return nil, nil, err
		}
		list, b = append(list, v), rest
	}
	return list, b, nil
}

func msgpackMap(n int, b []byte) (any, []byte, error) {
	if n > math.MaxInt/2 {
		return nil, nil, fmt.Errorf("msgpack map of %d", n)
	}
	v, rest, err := msgpackArray(2*n, b)
	if err != nil {
		return nil, nil, err
	}
	m := map[string]any{}
	for i, list := 0, v.([]any); i < len(list); i += 2 {
		m[text(list[i])] = list[i+1]
	}
	return m, rest, nil
}

// asideFile is what the file says of a partition's aside jobs.
type asideFile struct {
	jobs   []modelJob // ascending
	parked map[modelLane]parkedValue
}

func (r formatReader) aside(b *bbolt.Bucket) (f asideFile, err error) {
	aside := b.Bucket([]byte("aside"))
	if aside == nil {
		return f, nil
	}
	err = aside.Bucket([]byte("index")).ForEach(func(key, value []byte) error {
		row, err := frame(value)
		if err != nil || len(row) != 28 || string(row[:8]) != string(key) {
			return fmt.Errorf("row %x of %d bytes: %v", key, len(row), err)
		}
		bytes := aside.Bucket([]byte("jobs")).Get(key)
		job, err := body(bytes, row)
		if err != nil || int(binary.BigEndian.Uint32(row[20:])) != len(bytes) || binary.BigEndian.Uint32(row[16:]) != 0 {
			return fmt.Errorf("job %x of %d bytes: %v", key, len(bytes), err)
		}
		if note := aside.Bucket([]byte("notes")).Get(key); note != nil {
			if _, err := job.note(note); err != nil {
				return err
			}
		}
		lane := append([]byte{0}, row[8:16]...)
		if job.rec.Lane.Own {
			lane = append([]byte{1}, key...)
		}
		if found, _ := aside.Bucket([]byte("lanes")).Cursor().Seek(append(lane, key...)); string(found) != string(append(lane, key...)) {
			return fmt.Errorf("job %x is not in its lane", key)
		}
		f.jobs = append(f.jobs, job)
		return nil
	})
	if err != nil {
		return f, err
	}
	for _, part := range []string{"lanes", "jobs"} {
		if n := aside.Bucket([]byte(part)).Stats().KeyN; n != len(f.jobs) {
			return f, fmt.Errorf("%d %s, %d jobs", n, part, len(f.jobs))
		}
	}
	err = aside.Bucket([]byte("notes")).ForEach(func(key, _ []byte) error {
		if aside.Bucket([]byte("index")).Get(key) == nil {
			return fmt.Errorf("note about %x, which is not aside", key)
		}
		return nil
	})
	if err != nil {
		return f, err
	}
	f.parked = map[modelLane]parkedValue{}
	err = aside.Bucket([]byte("parked")).ForEach(func(key, value []byte) error {
		m, err := framedMap(value)
		v := parkedValue{
			Name: raw(m["name"]), Offset: number(m["offset"]), Since: number(m["since"]), Reason: text(m["reason"]),
			Scheme: uint16(number(m["scheme"])), Jobs: number(m["jobs"]), Bytes: number(m["bytes"]),
		}
		v.Released, _ = m["released"].(bool)
		elsewhere, _ := m["elsewhere"].([]any)
		for _, id := range elsewhere {
			v.Elsewhere = append(v.Elsewhere, text(id))
		}
		lane := modelLane{own: key[0] == 1, id: binary.BigEndian.Uint64(key[1:])}
		f.parked[lane] = v
		jobs, bytes := int64(0), int64(0)
		for _, j := range f.jobs {
			if laneOf(&j.rec) == lane {
				jobs++
				bytes += int64(len(aside.Bucket([]byte("jobs")).Get(binary.BigEndian.AppendUint64(nil, uint64(j.rec.Offset)))))
			}
		}
		if err == nil && (jobs != v.Jobs || bytes != v.Bytes) {
			err = fmt.Errorf("lane %+v has %d jobs of %d bytes, and counts %d of %d", lane, jobs, bytes, v.Jobs, v.Bytes)
		}
		return err
	})
	return f, err
}
