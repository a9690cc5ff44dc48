package queue

import (
	"encoding/binary"
	"fmt"
)

// laneKeySize is the length of a lane's key in the bucket: whether the lane
// holds one record only (1), and its id, or that record's offset (8).
const laneKeySize = 9

func laneKey(name Lane, offset int64) []byte {
	if name.Own {
		return binary.BigEndian.AppendUint64([]byte{1}, uint64(offset))
	}
	return binary.BigEndian.AppendUint64([]byte{0}, name.ID)
}

// asideJob is a job of the bucket, and the lane that it belongs to.
type asideJob struct {
	offset int64
	lane   Lane // without its name
}

func (j asideJob) at() int64 { return j.offset }

func (j asideJob) key() []byte {
	return binary.BigEndian.AppendUint64(laneKey(j.lane, j.offset), uint64(j.offset))
}

// openAsideKey is the inverse of key.
func openAsideKey(key []byte) (j asideJob, err error) {
	if len(key) != laneKeySize+8 || key[0] > 1 {
		return j, fmt.Errorf("key %x is no lane and offset", key)
	}
	j.offset = int64(binary.BigEndian.Uint64(key[laneKeySize:]))
	if j.lane.Own = key[0] == 1; !j.lane.Own {
		j.lane.ID = binary.BigEndian.Uint64(key[1:])
	}
	return j, nil
}

// aside is the job of the row.
func (r row) aside() asideJob {
	if r.flags&flagOwn != 0 {
		return asideJob{r.offset, Lane{Own: true}}
	}
	return asideJob{r.offset, Lane{ID: r.lane}}
}

// rowOfBody is what a framed body says of itself.
func rowOfBody(body []byte) (row, error) {
	rs, err := rebuildRows(body)
	if err != nil {
		return row{}, err
	}
	return rs.at(0), nil
}

// openAsideRow checks a value of the index.
func openAsideRow(value []byte) (row, error) {
	rs, err := openRows(value)
	if err == nil && rs.len() != 1 {
		err = fmt.Errorf("%d rows, 1 expected", rs.len())
	}
	if err != nil {
		return row{}, err
	}
	return rs.at(0), nil
}
