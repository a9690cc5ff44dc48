package partitioner

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
)

// Scheme is the rule by which records get lanes. The zero value gives every key
// its lane, and every record with a null key one of its own.
type Scheme struct {
	Sources  []Source // joined to one value; none: Key
	Missing  Missing  // for records that lack one of the sources
	Lanes    int      // at most so many lanes for values; zero: one per distinct value
	Ordering Ordering
}

// ParseLanes reads per_value or a number of lanes, for Scheme.Lanes.
func ParseLanes(text string) (int, error) {
	if text == "per_value" {
		return 0, nil
	}
	n, err := parseCount(text)
	if err != nil {
		return 0, fmt.Errorf("partitioner: lanes: %w, or per_value", err)
	}
	return n, nil
}

// Validate reports everything that is wrong with the scheme, at once.
func (s Scheme) Validate() error {
	var problems []error
	report := func(what string, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("partitioner: %s: %w", what, err))
		}
	}
	seen := make(map[string]bool, len(s.Sources))
	for _, src := range s.Sources {
		name := src.String()
		if seen[name] {
			report("source "+name, errors.New("given twice: leave one out"))
		}
		seen[name] = true
		report("source "+name, cmp.Or(src.problem(), s.turnProblem(src)))
	}
	report("missing", s.Missing.problem())
	if s.Lanes < 0 {
		report("lanes", fmt.Errorf("%d is less than 0: use 0 for a lane per value", s.Lanes))
	}
	report("ordering", s.Ordering.problem())
	return errors.Join(problems...)
}

// turnProblem says what is wrong with the number of lanes of a round robin,
// which stands either with the source or in Lanes.
func (s Scheme) turnProblem(src Source) error {
	alone := len(s.Sources) == 1
	switch {
	case src.kind != fromTurn:
		return nil
	case src.count == 0 && !alone:
		return errors.New("joined with others it needs its own number: write round_robin:N")
	case src.count == 0 && s.Lanes == 0:
		return errors.New("over how many lanes: write round_robin:N, or set lanes")
	case src.count > 0 && alone && s.Lanes > 0 && s.Lanes != src.count:
		return fmt.Errorf("lanes is %d: give the number of lanes once", s.Lanes)
	}
	return nil
}

// Fingerprint is a text that stays the same over releases: schemes of one
// fingerprint put a record into the same lane. It is made for comparing, so that
// a changed scheme is noticed, and leaves out what changes no lane.
func (s Scheme) Fingerprint() string {
	if s.Ordering != OrderKey {
		return "v1 ordering=" + s.Ordering.String()
	}
	s = s.normal()
	lanes := "per_value"
	if s.Lanes > 0 {
		lanes = strconv.Itoa(s.Lanes)
	}
	return fmt.Sprintf("v1 ordering=%v sources=%q missing=%v lanes=%s", s.Ordering, s.Sources, s.Missing, lanes)
}

// normal writes out what the scheme leaves to defaults, so that schemes which
// mean the same look the same.
func (s Scheme) normal() Scheme {
	if len(s.Sources) == 0 {
		s.Sources = []Source{Key()}
	}
	if len(s.Sources) == 1 && s.Sources[0].kind == fromTurn {
		// Its numbers are the lanes already; hashing them would leave some empty.
		n := cmp.Or(s.Sources[0].count, s.Lanes)
		return Scheme{Sources: []Source{RoundRobin(n)}, Ordering: s.Ordering}
	}
	return s
}
