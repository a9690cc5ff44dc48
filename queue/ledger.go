package queue

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

// The ledger is what a store keeps for whoever works with it beside its
// partitions: an audit trail, operations that are executed over restarts, and
// settings. The store knows no more of them than what it needs to keep them
// within bounds. What is handed in is durable after [Store.Sync], and no later
// than any outcome or command that is handed in after it.

const (
	// MaxAudit and MaxAuditBytes bound the audit trail; the oldest entries go.
	MaxAudit      = 10_000
	MaxAuditBytes = 16 << 20
	// MaxLedgerData bounds the bytes of one entry, operation or setting.
	MaxLedgerData = 512 << 10
	// MaxClosedOperations is how many operations are kept that are over; those
	// that began first go.
	MaxClosedOperations = 100
)

var (
	// ErrOperationChanged means that an operation is not as it was read, or that
	// there is one of that id already.
	ErrOperationChanged = errors.New("operation has changed since it was read")

	errLedgerData = fmt.Errorf("more than %d bytes", MaxLedgerData)
)

// AuditEntry is a line of the audit trail.
type AuditEntry struct {
	// Sequence counts the entries of the store from 1; zero is a new one.
	Sequence uint64
	At       time.Time
	Data     []byte // the user's
	// Damaged tells that the entry cannot be read: a *DamageError. Only its
	// sequence is known.
	Damaged error
}

// Operation is work that is to be done over restarts.
type Operation struct {
	ID    string
	Began time.Time
	Open  bool   // there is something left to do; it is kept until that is over
	Data  []byte // the user's
	// Version counts the changes of the operation. It is that of the operation as
	// it was read; zero where there is none yet.
	Version uint64
	// Damaged tells that the operation cannot be read: a *DamageError. Only its
	// id is known then, and it is not Open.
	Damaged error
}

// Setting is a value that outlives restarts.
type Setting struct {
	Name  string
	Since time.Time
	Value []byte // the user's
	// Damaged tells that the setting cannot be read: a *DamageError. Only its
	// name is known.
	Damaged error
}

// ledger is what memory has of it; Store.mu guards all of it. The audit trail is
// in the file only.
type ledger struct {
	sequence   uint64 // of the last entry
	operations map[string]Operation
	settings   map[string]Setting
	changes    ledgerChanges // for the next flush
}

// ledgerChanges is what a flush writes.
type ledgerChanges struct {
	audit      map[uint64]AuditEntry
	operations map[string]*Operation // nil: goes
	settings   map[string]*Setting   // nil: goes
}

func (c *ledgerChanges) empty() bool {
	return len(c.audit) == 0 && len(c.operations) == 0 && len(c.settings) == 0
}

// PutAudit adds an entry to the audit trail, or replaces one that is still there,
// and returns its sequence.
func (s *Store) PutAudit(e AuditEntry) (sequence uint64, err error) {
	err = s.changeLedger(e.Data, func(l *ledger) error {
		if e.Sequence == 0 {
			l.sequence++
			e.Sequence = l.sequence
		} else if e.Sequence > l.sequence {
			return fmt.Errorf("there is no entry %d", e.Sequence)
		}
		put(&l.changes.audit, e.Sequence, e)
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("audit trail: %w", err)
	}
	return e.Sequence, nil
}

// PutOperation adds an operation, or replaces the one that was read, and returns
// it with its new version. It refuses with [ErrOperationChanged].
func (s *Store) PutOperation(op Operation) (Operation, error) {
	err := s.changeLedger(op.Data, func(l *ledger) error {
		if before := l.operations[op.ID]; op.ID == "" || before.Version != op.Version || before.Damaged != nil {
			return ErrOperationChanged
		}
		op.Version++
		l.operations[op.ID] = op
		put(&l.changes.operations, op.ID, &op)
		if !op.Open {
			l.dropClosed()
		}
		return nil
	})
	if err != nil {
		return Operation{}, fmt.Errorf("operation %s: %w", op.ID, err)
	}
	return op, nil
}

// dropClosed lets operations go that are over and more than are kept.
func (l *ledger) dropClosed() {
	closed := slices.DeleteFunc(sortedOperations(l.operations), func(op Operation) bool { return op.Open })
	for _, op := range closed[:max(0, len(closed)-MaxClosedOperations)] {
		delete(l.operations, op.ID)
		put(&l.changes.operations, op.ID, nil)
	}
}

// Operations returns the operations, as they began.
func (s *Store) Operations() []Operation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sortedOperations(s.ledger.operations)
}

func sortedOperations(all map[string]Operation) []Operation {
	return slices.SortedFunc(maps.Values(all), func(a, b Operation) int {
		return cmp.Or(a.Began.Compare(b.Began), cmp.Compare(a.ID, b.ID))
	})
}

// Operation returns one of them; false where there is none.
func (s *Store) Operation(id string) (Operation, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	op, ok := s.ledger.operations[id]
	return op, ok
}

// PutSetting keeps a value under a name; nil removes it.
func (s *Store) PutSetting(name string, value []byte) error {
	err := s.changeLedger(value, func(l *ledger) error {
		if name == "" {
			return errors.New("it has no name")
		}
		if value == nil {
			delete(l.settings, name)
			put(&l.changes.settings, name, nil)
			return nil
		}
		set := Setting{Name: name, Since: s.clock.Now(), Value: slices.Clone(value)}
		l.settings[name] = set
		put(&l.changes.settings, name, &set)
		return nil
	})
	if err != nil {
		return fmt.Errorf("setting %s: %w", name, err)
	}
	return nil
}

// Settings returns the settings by their names. Their values must not be changed.
func (s *Store) Settings() []Setting {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Values(s.ledger.settings), func(a, b Setting) int { return cmp.Compare(a.Name, b.Name) })
}

// Whole runs f so that what it changes by the store's other methods, in the ledger
// and of jobs, is in one transaction: after a crash the file has all of it or
// nothing. No flush begins meanwhile, so f must be quick and must not wait for one.
func (s *Store) Whole(f func() error) error {
	s.whole.RLock()
	defer s.whole.RUnlock()
	return f()
}

// changeLedger runs f under the store's lock, and leaves what it changes to the
// next flush.
func (s *Store) changeLedger(data []byte, f func(*ledger) error) error {
	if len(data) > MaxLedgerData {
		return errLedgerData
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	if err := f(&s.ledger); err != nil {
		return err
	}
	signal(s.dirtied)
	return nil
}

func put[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = map[K]V{}
	}
	(*m)[key] = value
}
