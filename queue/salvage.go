package queue

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// SalvageSource is a bucket of a file whose pages may be damaged.
type SalvageSource interface {
	// Each calls entry for every key that can be read, ascending, with its value,
	// or with the bucket that stands there, and gap for what lies between. It ends
	// with the first error of entry. What it hands out stays valid.
	Each(entry func(key, value []byte, sub SalvageSource) error, gap func(SalvageGap)) error
}

// SalvageGap is what cannot be read: whatever keys there were from From to below
// To. Nil is no bound.
type SalvageGap struct {
	From, To []byte
	Err      error
}

// SalvageOptions tunes [Salvage].
type SalvageOptions struct {
	// Identity is of a file that does not tell its own any more. Without a group
	// such a file is refused with [ErrNoIdentity].
	Identity Identity
	Now      time.Time // for what does not tell its time any more
}

// ErrNoIdentity means that a file does not tell whose store it was.
var ErrNoIdentity = errors.New("the file does not tell whose store it was")

// Loss is a part of a file that could not be salvaged as it was.
type Loss struct {
	Where string // for example orders/3@1042 or orders/3 state
	Err   error  // what is wrong with it
	Then  string // what becomes of it
}

// String is the loss in one sentence.
func (l Loss) String() string { return fmt.Sprintf("%s: %v; %s", l.Where, l.Err, l.Then) }

// SalvageReport is what [Salvage] found.
type SalvageReport struct {
	Identity   Identity
	Partitions int
	Jobs       int // unfinished ones, those that were set aside apart
	Aside      int // jobs that are apart from Kafka's order
	Dead       int // dead letters
	Lost       []Loss
}

// Salvage writes to a new, empty file everything of a damaged one whose checksum
// is right, and names the rest. What can be told from other parts is made anew:
// an index from its bodies, tallies, the lines about dead letters. Where it
// cannot be told which jobs there were, the partition goes back to the first of
// the offsets in question, for Kafka to deliver them again: what is known to be
// finished stays so, and the unfinished jobs behind them are set aside. Without
// a file to write to it only reports.
func Salvage(from SalvageSource, into *bbolt.DB, opt SalvageOptions) (SalvageReport, error) {
	s := &salvage{sink: sink{db: into}, now: opt.Now}
	err := s.run(from, opt.Identity)
	if err == nil {
		err = s.commit()
	}
	if err != nil {
		s.rollback()
		return SalvageReport{}, err
	}
	return s.report, nil
}

type salvage struct {
	sink
	now    time.Time
	report SalvageReport
}

func (s *salvage) run(from SalvageSource, fallback Identity) error {
	top := map[string]SalvageSource{}
	err := from.Each(func(key, _ []byte, sub SalvageSource) error {
		if sub != nil {
			top[string(key)] = sub
		}
		return nil
	}, s.gaps("the file", "what it held is lost"))
	if err != nil {
		return err
	}
	if top[string(bucketPartitions)] == nil && top[string(bucketMeta)] == nil {
		return ErrNotStore
	}
	if err := s.meta(top[string(bucketMeta)], fallback); err != nil {
		return err
	}
	if err := s.bucket(bucketPartitions); err != nil {
		return err
	}
	known := map[string]func(SalvageSource) error{
		string(bucketMeta):       func(SalvageSource) error { return nil },
		string(bucketPauses):     s.pauses,
		string(bucketPartitions): s.partitions,
	}
	for name, sub := range top {
		part := known[name]
		if part == nil {
			part = func(sub SalvageSource) error { return s.copy(name, sub, []byte(name)) }
		}
		if err := part(sub); err != nil {
			return err
		}
	}
	slices.SortStableFunc(s.report.Lost, func(a, b Loss) int { return strings.Compare(a.Where, b.Where) })
	return nil
}

// meta tells whose store it is. A version that cannot be read is taken for ours:
// a newer one would have been refused before.
func (s *salvage) meta(from SalvageSource, id Identity) error {
	var v identityValue
	format, err := "", errors.New("it is missing")
	if from != nil {
		each := from.Each(func(key, value []byte, _ SalvageSource) error {
			switch string(key) {
			case string(keyFormat):
				format = string(value)
			case string(keyIdentity):
				err = decodeValue(value, &v)
			}
			return nil
		}, s.gaps("meta", "what it held is lost"))
		if each != nil {
			return each
		}
	}
	if n, bad := strconv.Atoi(format); bad == nil && n > FormatVersion {
		return fmt.Errorf("%w: version %d, this program reads up to %d", ErrNewerFormat, n, FormatVersion)
	}
	switch {
	case err == nil:
		id = Identity{Cluster: v.Cluster, Group: v.Group, StoreID: v.StoreID, Epoch: v.Epoch}
	case id.Group == "":
		return fmt.Errorf("%w: identity: %w", ErrNoIdentity, err)
	default:
		s.lose("identity", err, fmt.Sprintf("the store gets the id %s, of group %s", id.StoreID, id.Group))
	}
	id.Format = FormatVersion
	s.report.Identity = id
	value, err := encodeValue(identityValue{id.Cluster, id.Group, id.StoreID, id.Epoch})
	if err != nil {
		return err
	}
	return errors.Join(
		s.put(keyFormat, []byte(strconv.Itoa(FormatVersion)), bucketMeta),
		s.put(keyIdentity, value, bucketMeta),
	)
}

// pauses keeps what is paused, also where the rest of a pause is lost: an
// operator did not want its jobs to run.
func (s *salvage) pauses(from SalvageSource) error {
	return from.Each(func(key, value []byte, sub SalvageSource) error {
		scope, err := openScope(key)
		if err != nil || sub != nil {
			s.lose(fmt.Sprintf("pause %x", key), errors.Join(err, errNoValue(sub)), "it is left out")
			return nil
		}
		if err := decodeValue(value, &pauseValue{}); err != nil {
			s.lose("pause of "+scope.text(), err, "it stays, without an end")
			if value, err = encodeValue(pauseValue{Since: s.now.UnixNano(), Reason: "what was known of this pause was damaged"}); err != nil {
				return err
			}
		}
		return s.put(key, value, bucketPauses)
	}, s.gaps("pauses", "they have ended"))
}

func (s Scope) text() string {
	switch {
	case s.Partition == AllPartitions:
		return s.Topic
	case s.OfLane:
		return fmt.Sprintf("%s/%d lane %016x", s.Topic, s.Partition, s.Lane)
	}
	return fmt.Sprintf("%s/%d", s.Topic, s.Partition)
}

func errNoValue(sub SalvageSource) error {
	if sub == nil {
		return nil
	}
	return errors.New("it is a bucket")
}

// copy takes what a bucket holds as it is, which need not be known here.
func (s *salvage) copy(where string, from SalvageSource, path ...[]byte) error {
	if err := s.bucket(path...); err != nil {
		return err
	}
	return from.Each(func(key, value []byte, sub SalvageSource) error {
		name := where + " " + keyText(key)
		if sub != nil {
			return s.copy(name, sub, append(slices.Clone(path), key)...)
		}
		if len(value) > 0 {
			if _, _, err := openFrame(value); err != nil {
				s.lose(name, err, "it is left out")
				return nil
			}
		}
		return s.put(key, value, path...)
	}, s.gaps(where, "it is left out"))
}

func (s *salvage) lose(where string, err error, then string) {
	s.report.Lost = append(s.report.Lost, Loss{where, err, then})
}

// gaps names what damaged pages of a bucket have held.
func (s *salvage) gaps(where, then string) func(SalvageGap) {
	return func(g SalvageGap) { s.lose(where+g.between(), g.Err, then) }
}

func (g SalvageGap) between() (text string) {
	if g.From != nil {
		text = " from " + keyText(g.From)
	}
	if g.To != nil {
		text += " to below " + keyText(g.To)
	}
	return text
}

// keyText is a key for people: an offset, or the text or the bytes that it is.
func keyText(key []byte) string {
	if offset, err := keyOffset(key); err == nil {
		return strconv.FormatInt(offset, 10)
	}
	if text := strconv.Quote(string(key)); text == `"`+string(key)+`"` {
		return string(key)
	}
	return fmt.Sprintf("%x", key)
}
