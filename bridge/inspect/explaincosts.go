package inspect

import (
	"fmt"
	"strings"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
)

// costs tells what a restart, and another owner, would run again, and how long
// Kafka keeps what is unfinished.
func (s *scene) costs(e *Explanation) {
	again := s.Runs
	e.RestartReruns, e.MovedReruns = &again, s.left
	switch {
	case !s.live:
		e.Restart = "re-runs 0."
	case again == 0:
		e.Restart = "re-runs 0."
	default:
		e.Restart = fmt.Sprintf("a planned stop waits for the %s under way, and re-runs those that do not end in time; a crash re-runs at most %d.", words.Number(again, "run"), again)
	}
	if s.live && s.pending > 0 {
		e.Restart = strings.TrimSuffix(e.Restart, ".") + fmt.Sprintf("; a crash now, also %d of all partitions that are done and not on disk yet.", s.pending)
	}
	switch {
	case s.left == nil:
	case *s.left == 0 && s.Runs == 0:
		e.Moved = "nothing would run again."
	case *s.left == 0:
		e.Moved = "only what runs then could run again."
	default:
		e.Moved = fmt.Sprintf("about %d would run again.", *s.left)
	}
	switch stay := s.dead.Letters > 0 || s.lanes > 0; {
	case e.Moved == "":
	case s.State.Aside > 0 && stay:
		e.Moved += " Dead letters, parked jobs and those aside stay with this data directory."
	case s.State.Aside > 0:
		e.Moved += " The jobs aside stay with this data directory."
	case stay:
		e.Moved += " Dead letters and parked jobs stay with this data directory."
	}
	s.tellRetention(e)
}

// tellRetention tells when Kafka deletes the record that the offset waits for.
// Here it is stored; another owner would miss it.
func (s *scene) tellRetention(e *Explanation) {
	log, r := s.log, s.retention
	offset := s.State.Frontier
	if log == nil || s.State.Open == 0 || offset < 0 {
		return
	}
	switch {
	case log.Start > offset:
		e.Retention = fmt.Sprintf("Kafka has deleted offset %d already: the record is in this store only, and another machine would not have it.", offset)
		return
	case r == nil:
		return
	case !r.Delete:
		e.Retention = "Kafka keeps the last record of each key: the topic is compacted."
		return
	}
	at := s.oldest
	switch {
	case r.For < 0 && r.Bytes < 0:
		e.Retention = "Kafka keeps the topic's records for ever."
	case r.For < 0 || at.IsZero():
		e.Retention = fmt.Sprintf("Kafka deletes by size: nobody can tell when it reaches offset %d.", offset)
	default:
		e.RetentionAt = at.Add(r.For)
		e.Retention = fmt.Sprintf("reaches offset %d in about %s.", offset, words.Roughly(e.RetentionAt.Sub(s.now)))
		if !s.now.Before(e.RetentionAt) {
			e.Retention = fmt.Sprintf("may reach offset %d any time: its record is older than Kafka keeps it.", offset)
		}
	}
	if r.For >= 0 && r.Bytes >= 0 {
		e.Retention = strings.TrimSuffix(e.Retention, ".") + fmt.Sprintf(", earlier where the partition exceeds %s.", words.Amount(r.Bytes))
	}
}
