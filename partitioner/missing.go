package partitioner

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Missing is the policy for records that lack one of the scheme's sources: the
// number of lanes that they share. Those lanes are apart from the lanes of
// values, also from the N of a scheme with Lanes.
type Missing int

const (
	Own Missing = 0 // a lane for each such record
	One Missing = 1 // one lane for all of them
)

const noLanes Missing = -1 // what Validate refuses

// Spread deals such records out over n lanes by their offsets; Spread(1) is One.
func Spread(n int) Missing {
	if n < 1 {
		return noLanes
	}
	return Missing(n)
}

// String returns the textual form, which ParseMissing reads.
func (m Missing) String() string {
	switch m {
	case Own:
		return "own"
	case One:
		return "one"
	default:
		return "spread:" + strconv.Itoa(int(m))
	}
}

// ParseMissing reads own, one and spread:N.
func ParseMissing(text string) (Missing, error) {
	switch kind, rest, _ := strings.Cut(text, ":"); {
	case text == "own":
		return Own, nil
	case text == "one":
		return One, nil
	case kind == "spread":
		n, err := parseCount(rest)
		if err != nil {
			return Own, fmt.Errorf("partitioner: missing %q: %w", text, err)
		}
		return Spread(n), nil
	default:
		return Own, fmt.Errorf("partitioner: missing %q: unknown: use own, one or spread:N", text)
	}
}

func (m Missing) problem() error {
	if m < 0 {
		return errors.New("spread needs at least 1 lane")
	}
	return nil
}

// lane is the lane of a record without a value.
func (m Missing) lane(offset int64) Lane {
	switch m {
	case Own:
		return Lane{Own: true}
	case One:
		return Lane{ID: missingSeed.hashNumber(0), Name: []byte("(missing)")}
	default:
		n := turn(offset, int(m))
		return Lane{ID: missingSeed.hashNumber(n), Name: fmt.Appendf(nil, "(missing %d)", n)}
	}
}
