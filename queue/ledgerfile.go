package queue

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"go.etcd.io/bbolt"
)

var (
	bucketAudit      = []byte("audit")
	bucketOperations = []byte("operations")
	bucketSettings   = []byte("settings")
)

// ledgerValue is the file's value of an audit entry, an operation or a setting;
// the key is its sequence, its id or its name.
type ledgerValue struct {
	At      int64  `msgpack:"at"`             // Unix nanoseconds
	Open    bool   `msgpack:"open,omitempty"` // of an operation
	Version uint64 `msgpack:"version,omitempty"`
	Data    []byte `msgpack:"data"`
}

func (v *ledgerValue) open(kind string, name any, value []byte) error {
	err := errors.New("it is a bucket")
	if value != nil {
		err = decodeValue(value, v)
	}
	if err != nil {
		return &DamageError{fmt.Sprintf("%s %v", kind, name), err}
	}
	return nil
}

func (v ledgerValue) time() time.Time { return time.Unix(0, v.At) }

// loadLedger reads what memory keeps of the ledger.
func (s *Store) loadLedger() error {
	l := &s.ledger
	l.operations, l.settings = map[string]Operation{}, map[string]Setting{}
	return s.db.View(func(tx *bbolt.Tx) error {
		if b := tx.Bucket(bucketAudit); b != nil {
			if last, _ := b.Cursor().Last(); len(last) == 8 {
				l.sequence = binary.BigEndian.Uint64(last)
			}
		}
		err := eachLedgerValue(tx, bucketOperations, func(id string, v ledgerValue, damage error) {
			l.operations[id] = Operation{ID: id, Began: v.time(), Open: v.Open, Data: v.Data, Version: v.Version, Damaged: damage}
			s.sayDamaged(damage, "a stored operation cannot be read and does not go on; give the command again")
		})
		if err != nil {
			return err
		}
		return eachLedgerValue(tx, bucketSettings, func(name string, v ledgerValue, damage error) {
			l.settings[name] = Setting{Name: name, Since: v.time(), Value: v.Data, Damaged: damage}
			s.sayDamaged(damage, "a stored setting cannot be read and is not in force; set it again")
		})
	})
}

func (s *Store) sayDamaged(damage error, text string) {
	if damage != nil {
		s.opt.Logger.Error(text, "error", damage)
	}
}

// eachLedgerValue calls f for the values of a bucket whose keys are text.
func eachLedgerValue(tx *bbolt.Tx, bucket []byte, f func(name string, v ledgerValue, damage error)) error {
	b := tx.Bucket(bucket)
	if b == nil {
		return nil
	}
	return b.ForEach(func(key, value []byte) error {
		var v ledgerValue
		err := v.open(string(bucket), string(key), value)
		if err != nil {
			v = ledgerValue{}
		}
		f(string(key), v, err)
		return nil
	})
}

// writeLedger puts what has changed into tx.
func (s *Store) writeLedger(tx *bbolt.Tx, c *ledgerChanges) error {
	if err := s.writeAudit(tx, c.audit); err != nil {
		return fmt.Errorf("audit trail: %w", err)
	}
	err := writeLedgerValues(tx, bucketOperations, c.operations, func(op *Operation) ledgerValue {
		return ledgerValue{At: op.Began.UnixNano(), Open: op.Open, Version: op.Version, Data: op.Data}
	})
	if err != nil {
		return fmt.Errorf("operations: %w", err)
	}
	err = writeLedgerValues(tx, bucketSettings, c.settings, func(set *Setting) ledgerValue {
		return ledgerValue{At: set.Since.UnixNano(), Data: set.Value}
	})
	if err != nil {
		return fmt.Errorf("settings: %w", err)
	}
	return nil
}

func writeLedgerValues[T any](tx *bbolt.Tx, bucket []byte, changes map[string]*T, of func(*T) ledgerValue) error {
	if len(changes) == 0 {
		return nil
	}
	b, err := tx.CreateBucketIfNotExists(bucket)
	if err != nil {
		return err
	}
	for name, changed := range changes {
		if changed == nil {
			if err := b.Delete([]byte(name)); err != nil {
				return err
			}
			continue
		}
		value, err := encodeValue(of(changed))
		if err != nil {
			return err
		}
		if err := b.Put([]byte(name), value); err != nil {
			return err
		}
	}
	return nil
}

// verifyLedger reports the values of the ledger that are damaged.
func verifyLedger(tx *bbolt.Tx, report func(*DamageError)) error {
	tell := func(err error) {
		if damage := new(DamageError); errors.As(err, &damage) {
			report(damage)
		}
	}
	for _, bucket := range [][]byte{bucketOperations, bucketSettings} {
		if err := eachLedgerValue(tx, bucket, func(_ string, _ ledgerValue, err error) { tell(err) }); err != nil {
			return err
		}
	}
	b := tx.Bucket(bucketAudit)
	if b == nil {
		return nil
	}
	return b.ForEach(func(key, value []byte) error {
		_, err := openAudit(key, value)
		tell(err)
		return nil
	})
}
