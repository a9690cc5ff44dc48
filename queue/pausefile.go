package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// pauseValue is the file's value of a pause; the key says what is paused.
type pauseValue struct {
	LaneName []byte `msgpack:"lane,omitempty"`
	Since    int64  `msgpack:"since"`           // Unix nanoseconds
	Until    int64  `msgpack:"until,omitempty"` // Unix nanoseconds; zero: without an end
	Reason   string `msgpack:"reason,omitempty"`
}

// key is the topic, a zero byte, which no topic has, and then, of 4 and 8 bytes,
// the partition and the lane where these are meant.
func (s Scope) key() []byte {
	key := append([]byte(s.Topic), 0)
	if s.Partition == AllPartitions {
		return key
	}
	key = binary.BigEndian.AppendUint32(key, uint32(s.Partition))
	if s.OfLane {
		key = binary.BigEndian.AppendUint64(key, s.Lane)
	}
	return key
}

func openScope(key []byte) (Scope, error) {
	topic, rest, ok := strings.Cut(string(key), "\x00")
	s := Scope{Topic: topic, Partition: AllPartitions}
	if !ok || topic == "" || len(rest) != 0 && len(rest) != 4 && len(rest) != 12 {
		return Scope{}, fmt.Errorf("key %x is of another form", key)
	}
	if len(rest) > 0 {
		s.Partition = int32(binary.BigEndian.Uint32([]byte(rest)))
		if s.Partition < 0 {
			return Scope{}, fmt.Errorf("key %x has partition %d", key, s.Partition)
		}
	}
	if len(rest) == 12 {
		s.OfLane, s.Lane = true, binary.BigEndian.Uint64([]byte(rest[4:]))
	}
	return s, nil
}

// loadPauses reads the pauses of a store that is being opened, and ends those
// whose time has come meanwhile. One that is damaged is in force without an end:
// an operator did not want its jobs to run.
func (s *Store) loadPauses() error {
	s.pauses = pauses{}
	err := s.db.View(func(tx *bbolt.Tx) error {
		return eachPause(tx, func(p Pause, damage *DamageError) {
			if damage != nil {
				s.opt.Logger.Error("a pause cannot be read; where it can be told what is paused, that waits for a resume", "error", damage)
				p.Since, p.Reason = s.opened, damage.Error()
			}
			if p.Topic != "" {
				s.pauses[p.Scope] = p
			}
		})
	})
	if err != nil {
		return err
	}
	s.endDuePauses()
	return nil
}

// eachPause calls f for every pause of the file, and with what is wrong with it.
// The scope is missing where the key is wrong.
func eachPause(tx *bbolt.Tx, f func(Pause, *DamageError)) error {
	b := tx.Bucket(bucketPauses)
	if b == nil {
		return nil
	}
	return b.ForEach(func(key, value []byte) error {
		scope, err := openScope(key)
		var v pauseValue
		if value == nil {
			err = errors.Join(err, errors.New("it is a bucket"))
		} else {
			err = errors.Join(err, decodeValue(value, &v))
		}
		if err != nil {
			f(Pause{Scope: scope}, &DamageError{fmt.Sprintf("pause %x", key), err})
			return nil
		}
		p := Pause{Scope: scope, LaneName: v.LaneName, Since: time.Unix(0, v.Since), Reason: v.Reason}
		if v.Until != 0 {
			p.Until = time.Unix(0, v.Until)
		}
		f(p, nil)
		return nil
	})
}

func writePauses(tx *bbolt.Tx, changes []PauseChange) error {
	if len(changes) == 0 {
		return nil
	}
	b, err := tx.CreateBucketIfNotExists(bucketPauses)
	if err != nil {
		return err
	}
	for _, c := range changes {
		if c.Ended {
			if err := b.Delete(c.key()); err != nil {
				return err
			}
			continue
		}
		v := pauseValue{LaneName: c.LaneName, Since: c.Since.UnixNano(), Reason: c.Reason}
		if !c.Until.IsZero() {
			v.Until = c.Until.UnixNano()
		}
		value, err := encodeValue(v)
		if err != nil {
			return err
		}
		if err := b.Put(c.key(), value); err != nil {
			return err
		}
	}
	return nil
}
