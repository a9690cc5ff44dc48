package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

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
