package bulk

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/seed-2837c37b/holdfast/queue"
)

// mark names a dead letter of a partition by the number of its burial, a job by its
// attempts when it was taken, and a lane as laneMark does.
type mark struct {
	offset int64
	number uint64
}

func (m mark) compare(other mark) int {
	return cmp.Or(cmp.Compare(m.offset, other.offset), cmp.Compare(m.number, other.number))
}

func letterMark(ref queue.DeadRef) mark { return mark{ref.Offset, ref.Number} }

// laneMark names a lane by its id, one of a single record by its offset.
func laneMark(l queue.ParkedLane) mark {
	if l.Lane.Own {
		return mark{offset: l.Offset}
	}
	return mark{-1, l.Lane.ID}
}

// lane is the inverse of laneMark.
func (m mark) lane() queue.ParkedLane {
	if m.offset >= 0 {
		return queue.ParkedLane{Lane: queue.Lane{Own: true}, Offset: m.offset}
	}
	return queue.ParkedLane{Lane: queue.Lane{ID: m.number}, Offset: -1}
}

func offsetsOf(marks []mark) []int64 {
	offsets := make([]int64, len(marks))
	for n, m := range marks {
		offsets[n] = m.offset
	}
	slices.Sort(offsets)
	return slices.Compact(offsets)
}

// markSet is stored as the differences of its sorted marks.
type markSet map[mark]struct{}

// MarshalJSON never fails.
func (s markSet) MarshalJSON() ([]byte, error) {
	var packed []byte
	var last mark
	for _, l := range slices.SortedFunc(maps.Keys(s), mark.compare) {
		packed = binary.AppendUvarint(packed, uint64(l.offset-last.offset))
		packed = binary.AppendVarint(packed, int64(l.number-last.number))
		last = l
	}
	return json.Marshal(packed)
}

var errMarks = errors.New("what an operation has taken cannot be read")

// UnmarshalJSON reads what MarshalJSON wrote.
func (s *markSet) UnmarshalJSON(text []byte) error {
	var packed []byte
	if err := json.Unmarshal(text, &packed); err != nil {
		return err
	}
	*s = markSet{}
	var l mark
	for len(packed) > 0 {
		offset, n := binary.Uvarint(packed)
		if n <= 0 {
			return errMarks
		}
		number, m := binary.Varint(packed[n:])
		if m <= 0 {
			return errMarks
		}
		l.offset += int64(offset)
		l.number += uint64(number)
		(*s)[l] = struct{}{}
		packed = packed[n+m:]
	}
	return nil
}
