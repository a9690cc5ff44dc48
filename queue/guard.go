package queue

import (
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

// Guard is what is left of the burials that a topic may have for now. The store
// keeps it for its user and does not look at it.
type Guard struct {
	Tokens int       // burials that are left
	At     time.Time // when time earned the last of them
}

// guardValue is the file's value of a Guard; the key is the topic.
type guardValue struct {
	Tokens int   `msgpack:"tokens"`
	At     int64 `msgpack:"at"` // Unix nanoseconds
}

// SetGuard replaces what is kept of a topic. It is durable no later than any
// outcome that is handed in after it.
func (s *Store) SetGuard(topic string, g Guard) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return fmt.Errorf("guard of %s: %w", topic, err)
	}
	if s.guards == nil {
		s.guards = map[string]guardValue{}
	}
	s.guards[topic] = guardValue{Tokens: g.Tokens, At: g.At.UnixNano()}
	signal(s.dirtied)
	return nil
}

// Guard returns what the file holds of a topic; known is false where it holds
// nothing. The error of a value that is damaged is a *[DamageError].
func (s *Store) Guard(topic string) (g Guard, known bool, err error) {
	var v guardValue
	err = s.view(func(tx *bbolt.Tx) error {
		b := tx.Bucket(bucketGuards)
		if b == nil || b.Get([]byte(topic)) == nil {
			return nil
		}
		known = true
		return v.open(topic, b.Get([]byte(topic)))
	})
	if !known || err != nil {
		return Guard{}, false, err
	}
	return Guard{Tokens: v.Tokens, At: time.Unix(0, v.At)}, true, nil
}

func (v *guardValue) open(topic string, value []byte) error {
	if err := decodeValue(value, v); err != nil {
		return &DamageError{"guard of " + topic, err}
	}
	return nil
}

// verifyGuards reports the guards of the file that are damaged.
func verifyGuards(tx *bbolt.Tx, report func(*DamageError)) error {
	b := tx.Bucket(bucketGuards)
	if b == nil {
		return nil
	}
	return b.ForEach(func(key, value []byte) error {
		var damage *DamageError
		if errors.As(new(guardValue).open(string(key), value), &damage) {
			report(damage)
		}
		return nil
	})
}

func writeGuards(tx *bbolt.Tx, changes map[string]guardValue) error {
	if len(changes) == 0 {
		return nil
	}
	b, err := tx.CreateBucketIfNotExists(bucketGuards)
	if err != nil {
		return err
	}
	for topic, v := range changes {
		value, err := encodeValue(v)
		if err != nil {
			return err
		}
		if err := b.Put([]byte(topic), value); err != nil {
			return err
		}
	}
	return nil
}
