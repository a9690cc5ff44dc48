package inspect

import (
	"fmt"
	"strings"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
)

// stateWords tells of a state what a job in it is like, what comes next, and what
// one can do.
type stateWords struct {
	like func(*scene, *JobDetail) string
	next func(*scene, *JobDetail) string
	can  func(*scene, *Explanation, *JobDetail)
}

func wordsOf(state State) (words stateWords, known bool) {
	words, known = map[State]stateWords{
		Ready:    {(*scene).likeReady, (*scene).nextReady, (*scene).canReady},
		Blocked:  {(*scene).likeBlocked, (*scene).nextBlocked, (*scene).canBlocked},
		Running:  {(*scene).likeRunning, (*scene).nextRunning, (*scene).canRunning},
		Deferred: {(*scene).likeDeferred, (*scene).nextDeferred, (*scene).canRunning},
		Retrying: {(*scene).likeRetrying, (*scene).nextRetrying, (*scene).canRetrying},
		Halted:   {(*scene).likeHalted, (*scene).nextHalted, (*scene).canHalted},
		Delayed:  {(*scene).likeDelayed, (*scene).nextDelayed, (*scene).canDelayed},
		Paused:   {(*scene).likePaused, (*scene).nextPaused, (*scene).canPaused},
		Parked:   {(*scene).likeParked, (*scene).nextParked, (*scene).canParked},
		Dead:     {(*scene).likeDead, (*scene).nextDead, (*scene).canDead},
	}[state]
	return words, known
}

// describe tells all about a job.
func (s *scene) describe(e *Explanation, d *JobDetail) {
	e.Job = d
	st, known := wordsOf(d.State)
	if !known {
		return
	}
	e.fact("state", "%s", st.like(s, d))
	if !d.Rerun.IsZero() {
		e.fact("again", "its record was finished, and runs again since %s as another job: %s", words.Moment(d.Rerun, s.now), d.ID)
	}
	s.tellError(e, d)
	if d.Crashes > 0 {
		e.fact("crashes", "the process crashed %s while it ran alone among the suspects", words.Number(d.Crashes, "time"))
	}
	if d.Damaged != "" {
		e.fact("damaged", "its stored record cannot be read: %s", d.Damaged)
	}
	if len(d.Checkpoint) > 0 {
		e.fact("progress", "its runs have left a checkpoint of %d bytes", len(d.Checkpoint))
	}
	s.tellBehind(e, d)
	s.tellOthers(e, d)
	if s.taker != nil {
		s.tellOperation(e)
		return
	}
	e.NextStep = st.next(s, d)
	st.can(s, e, d)
}

// tellError tells the last error, and whether there were others.
func (s *scene) tellError(e *Explanation, d *JobDetail) {
	if d.Error == "" {
		return
	}
	text, same := words.Short(d.Error, 300), 0
	for _, a := range d.History {
		if words.ErrorKind(a.Error) == words.ErrorKind(d.Error) {
			same++
		}
	}
	switch kept := len(d.History); {
	case kept < 2:
	case kept < d.Attempts && same == kept:
		text += fmt.Sprintf(" (%d of %d attempts are kept, all the same)", kept, d.Attempts)
	case kept < d.Attempts:
		text += fmt.Sprintf(" (%d of the %d attempts that are kept)", same, kept)
	default:
		text += fmt.Sprintf(" (%d of %d the same)", same, kept)
	}
	e.fact("error", "%s", text)
}

func (s *scene) tellBehind(e *Explanation, d *JobDetail) {
	if d.Behind == 0 {
		return
	}
	text := words.Number(d.Behind, "job") + " of this key"
	if d.Key == nil {
		text = words.Number(d.Behind, "job") + " of its lane"
	}
	if !s.behind.IsZero() {
		text += ", oldest " + words.Span(s.now.Sub(s.behind))
	}
	e.fact("behind", "%s", text)
}

// tellOthers tells what becomes of the other keys, and whether it is an outage.
func (s *scene) tellOthers(e *Explanation, d *JobDetail) {
	var parts []string
	if ahead := s.State.Next - s.State.Frontier - int64(s.State.Open); s.known && d.Holds && ahead > 0 {
		of := "offsets ahead of it are done"
		if s.Counts.Parked > 0 {
			of = "offsets ahead of it are done or set aside"
		}
		parts = append(parts, fmt.Sprintf("%d %s", ahead, of))
	}
	if text := s.pattern(d); text != "" {
		parts = append(parts, text)
	}
	if len(parts) > 0 {
		e.fact("others", "%s", strings.Join(parts, "; "))
	}
}

// pattern tells whether what fails has something in common.
func (s *scene) pattern(d *JobDetail) string {
	o := s.outage
	if o == nil {
		return ""
	}
	failing := d.Error != "" && (d.State == Halted || d.State == Retrying || d.State == Running || d.State == Ready)
	about := ""
	if o.Sampled {
		about = "at least "
	}
	switch {
	case o.Likely:
		return fmt.Sprintf("%s%d keys of %s fail with the same error: likely an outage of what they need, not a bad record (%s)", about, o.Same, s.Topic, o.Error)
	case failing && o.Keys <= 1:
		return "no other key fails: not an outage"
	case failing && o.Same > 1:
		return fmt.Sprintf("%s%s, %d of the %d with the same error", about, keysFail(o.Keys-1, "other key", s.Topic), o.Same, o.Keys)
	case failing:
		return fmt.Sprintf("%s%s, each with another error: not one outage", about, keysFail(o.Keys-1, "other key", s.Topic))
	case o.Keys > 0:
		return about + keysFail(o.Keys, "key", s.Topic)
	}
	return ""
}

func keysFail(n int, of, topic string) string {
	if n == 1 {
		return fmt.Sprintf("1 %s of %s fails", of, topic)
	}
	return fmt.Sprintf("%d %ss of %s fail", n, of, topic)
}
