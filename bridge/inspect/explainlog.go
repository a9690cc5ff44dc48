package inspect

import (
	"cmp"
	"fmt"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
)

func (s *scene) tellNothing(e *Explanation) {
	e.Summary = "Nothing of it was stored yet, and no offset is known."
	e.NextStep = "the bridge asks Kafka where to begin."
	if !s.live {
		e.NextStep = "the next start of the bridge asks Kafka where to begin."
	}
}

// awaitsCommit: jobs are done and on disk, and it is Kafka's turn.
func (s *scene) awaitsCommit() bool {
	if s.commitLag() == 0 || s.State.Frontier != s.Durable && s.State.Open == 0 {
		return false
	}
	return s.State.Open == 0 || s.commitTrouble() != ""
}

// commitTrouble tells what is wrong with the commits; empty: nothing.
func (s *scene) commitTrouble() string {
	c := s.claim
	switch {
	case c == nil:
		return ""
	case c.CommitErr != "":
		return fmt.Sprintf("since %s commits fail: %s", words.Moment(c.CommitSince, s.now), c.CommitErr)
	case c.Committing >= 0 && s.now.Sub(c.CommitSince) > commitLate:
		return fmt.Sprintf("Kafka has not answered the commit of %d for %s", c.Committing, words.Span(s.now.Sub(c.CommitSince)))
	}
	return ""
}

// commitLate is how long a commit may take without being worth a word.
const commitLate = 5 * time.Second

func (s *scene) tellCommit(e *Explanation) {
	trouble := s.commitTrouble()
	e.Summary = fmt.Sprintf("All below %d is done and on disk; Kafka has acknowledged %d only.", s.Durable, s.State.Acknowledged)
	s.still(e, cmp.Or(s.AckedAt, s.Loaded))
	e.AtLeast = s.AckedAt.IsZero()
	switch {
	case !s.live:
		e.NextStep = "the next start of the bridge commits it, before anything else."
	case trouble != "":
		e.Summary += " " + words.Upper(trouble) + "."
		e.NextStep = "it is tried again until Kafka takes it. Nothing is lost meanwhile: what is done stays done here."
	default:
		e.NextStep = "the next commit, within a moment."
	}
	if s.State.Open > 0 && s.job != nil {
		e.fact("then", "the offset will wait for %s, which is %s", s.job.Name, s.job.State)
	}
}

func (s *scene) tellFlush(e *Explanation) {
	e.Summary = fmt.Sprintf("All below %d is done, and is on its way to the disk; below %d it is there.", s.State.Frontier, s.Durable)
	e.NextStep = "the store's next flush, and then the next commit."
	if s.pending > 0 {
		e.fact("pending", "%s are not on disk yet", words.Number(s.pending, "outcome"))
	}
}

func (s *scene) tellCaughtUp(e *Explanation) {
	e.Summary = "Everything that is stored is done and committed."
	if s.log != nil {
		e.Summary = "Everything that Kafka has is done and committed."
	}
	e.NextStep = "the next record."
	if s.pauseOfAll() != nil {
		e.NextStep = "the next record is stored, and waits for the end of the pause."
	}
	if s.drain.On {
		e.NextStep = "nothing: no records are fetched, until the bridge starts anew or the drain is taken back."
	}
	if !s.live {
		e.NextStep = "the next start of the bridge."
	}
}

func (s *scene) tellNotFetched(e *Explanation) {
	missing := s.log.End - s.State.Next
	e.Summary = fmt.Sprintf("All that is stored is done; Kafka has %s more, from %d on.", words.Number(missing, "offset"), s.State.Next)
	if s.log.Start > s.State.Next {
		e.Summary += fmt.Sprintf(" It has deleted those below %d.", s.log.Start)
	}
	e.NextStep = s.reading()
}

// reading tells what becomes of records that are not stored yet.
func (s *scene) reading() string {
	switch by := throttles[s.Throttle]; {
	case !s.live:
		return "the next start of the bridge reads them."
	case s.drain.On:
		return "they are not read, until the bridge starts anew or the drain is taken back."
	case by != "":
		return "they are read when there is room again: " + throttleWords[by] + "."
	case s.log.Err != "":
		return "they are read when Kafka answers again: " + words.Short(s.log.Err, 200) + "."
	}
	return "they are being read. Markers of transactions count as offsets, too: what an open transaction holds back comes with its end."
}
