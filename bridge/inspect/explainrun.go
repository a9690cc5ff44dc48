package inspect

import (
	"fmt"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
)

// notStarting tells why no job of the partition starts for now; empty: one may.
func (s *scene) notStarting() string {
	switch {
	case !s.live:
		return "no bridge runs here"
	case s.claim != nil && !s.claim.Fixed && !s.leased(s.now):
		return "the group has not confirmed within the session timeout that the partition is ours, so no job of it starts"
	case s.pool != nil && s.pool.Stopping:
		return "the bridge stops"
	case s.pool != nil && s.pool.Workers == 0:
		return "there is no worker"
	}
	return ""
}

// notStartingWhenDue tells why a job does not start when it is due; empty: it may.
func (s *scene) notStartingWhenDue(d *JobDetail) string {
	if why := s.notStarting(); why != "" {
		return why
	}
	if p := s.pauseOf(d); p != nil && (p.Until.IsZero() || p.Until.After(d.Due)) {
		return s.scopeOf(p) + " is paused"
	}
	return ""
}

func (s *scene) likeReady(d *JobDetail) string {
	if d.Attempts > 0 {
		return fmt.Sprintf("ready for its attempt %d", d.Attempts+1)
	}
	if d.Aside {
		return "ready: it was requeued or released, and runs once more"
	}
	return "ready, and has not run yet"
}

func (s *scene) nextReady(d *JobDetail) string {
	if why := s.notStarting(); why != "" {
		return "it starts when that ends: " + why + "."
	}
	switch {
	case d.Suspect && s.testing:
		return fmt.Sprintf("it may have crashed the process, and starts when the suspect that runs alone now has ended (%d left).", s.suspects)
	case d.Suspect:
		return "it may have crashed the process: it runs next, alone among the suspects."
	case s.topic.Limit > 0 && s.topic.Running >= s.topic.Limit:
		return fmt.Sprintf("it starts when one of the %d runs that %s may have at a time ends.", s.topic.Limit, s.Topic)
	case s.topic.Slowed:
		return "it starts when the rate allows it."
	case s.pool != nil && s.pool.Busy >= s.pool.Workers:
		return fmt.Sprintf("it starts as soon as one of the %d workers is free: all are busy.", s.pool.Workers)
	}
	return "it starts in a moment."
}

func (s *scene) canReady(e *Explanation, d *JobDetail) {
	if s.pool != nil && s.pool.Busy >= s.pool.Workers && s.live {
		e.can("what the workers are busy with", "holdfast inspect workers")
	}
}

func (s *scene) likeBlocked(d *JobDetail) string {
	switch a := s.after; {
	case a != nil && a.Lane == d.Lane && !a.Own:
		return fmt.Sprintf("blocked: %s of its key is before it, %s", a.Name, a.State)
	case a != nil:
		return fmt.Sprintf("blocked: it is of a newer partitioner or ordering, and jobs of the older one come first, the next %s, %s", a.Name, a.State)
	case d.After != nil:
		return fmt.Sprintf("blocked behind %s", *d.After)
	}
	return "blocked: a run of its lane that the partition has forgotten is still under way, or its lane is just being released"
}

func (s *scene) nextBlocked(d *JobDetail) string {
	if a := s.after; a != nil {
		if st, ok := wordsOf(a.State); ok {
			return fmt.Sprintf("it follows when %s is done. Of that one: %s", a.Name, st.next(s, a))
		}
	}
	return "it follows when what is before it is done."
}

func (s *scene) canBlocked(e *Explanation, d *JobDetail) {
	if d.After != nil {
		e.can("what that one waits for", "%s", explainCommand(d.After.Topic, d.After.Partition, &d.After.Offset))
	}
}

func (s *scene) likeRunning(d *JobDetail) string {
	w := s.worker
	if w == nil {
		return fmt.Sprintf("running, its attempt %d", d.Attempts+1)
	}
	text := fmt.Sprintf("running for %s, its attempt %d", words.Span(w.Running), w.Attempt)
	if w.Batch > 1 {
		text += fmt.Sprintf(", in a batch of %d", w.Batch)
	}
	switch {
	case w.Stuck:
		text += fmt.Sprintf("; stuck: no sign of life for %s", words.Span(*w.Silent))
	case w.Silent != nil:
		text += fmt.Sprintf("; last sign of life %s ago", words.Span(*w.Silent))
	}
	if w.Cancelled {
		text += "; an operator has told it to end"
	}
	return text
}

func (s *scene) nextRunning(d *JobDetail) string {
	w := s.worker
	switch {
	case w != nil && !w.Timeout.IsZero() && s.now.Before(w.Timeout):
		return fmt.Sprintf("its handler returns, or is told to end %s.", words.Until(w.Timeout, s.now))
	case w != nil && !w.Timeout.IsZero():
		return fmt.Sprintf("its handler was told to end at %s, when its time was up, and has not returned yet.", words.Moment(w.Timeout, s.now))
	case w != nil && w.Cancelled:
		return "its handler returns; it was told to end."
	}
	return "its handler returns; there is no time limit."
}

func (s *scene) canRunning(e *Explanation, d *JobDetail) {
	if !s.live {
		return
	}
	e.can("ends its run; it then holds its lane until you act", "holdfast cancel %s --offset %d", s.flags(), d.Offset)
	e.can("ends its run, and tries it again", "holdfast cancel %s --offset %d --then retry", s.flags(), d.Offset)
	if !d.Own && !s.apart {
		s.canPark(e, d)
	}
}

func (s *scene) likeDeferred(d *JobDetail) string {
	text := "deferred: its handler has returned, and finishes it later"
	if s.worker != nil {
		text += fmt.Sprintf("; for %s so far", words.Span(s.worker.Running))
	}
	return text
}

func (s *scene) nextDeferred(*JobDetail) string {
	return "whoever works on it finishes it, or the handler's time to give up comes."
}

// tries tells how many attempts there were, and are.
func (s *scene) tries(d *JobDetail) string {
	if s.settings != nil && s.settings.Attempts > 0 && d.Attempts <= s.settings.Attempts {
		return fmt.Sprintf("%d of %d attempts", d.Attempts, s.settings.Attempts)
	}
	return words.Number(d.Attempts, "attempt")
}

// last is when the last attempt failed.
func (s *scene) last(d *JobDetail) string {
	if n := len(d.History); n > 0 {
		return ", last " + words.Moment(d.History[n-1].At, s.now)
	}
	return ""
}

func (s *scene) likeRetrying(d *JobDetail) string {
	text := fmt.Sprintf("retrying after %s%s, next %s", s.tries(d), s.last(d), words.Until(d.Due, s.now))
	if d.Guarded {
		text += "; it would have been given up, had not too many jobs failed"
	}
	return text
}

func (s *scene) nextRetrying(d *JobDetail) string {
	text := fmt.Sprintf("its attempt %d, %s.", d.Attempts+1, words.Until(d.Due, s.now))
	if why := s.notStartingWhenDue(d); why != "" {
		text = fmt.Sprintf("its attempt %d, due %s, once that ends: %s.", d.Attempts+1, words.Until(d.Due, s.now), why)
	}
	switch set := s.settings; {
	case d.Guarded:
		text += " It is retried at the longest delay until jobs succeed, or time has earned burials."
	case set != nil && set.Attempts > 0 && set.OnFailure != "":
		text += fmt.Sprintf(" After %d attempts: %s.", set.Attempts, gaveUp[set.OnFailure])
	case set != nil:
		text += " It is retried for ever, unless its policy says otherwise."
	}
	return text
}

// gaveUp is what becomes of a job that is given up.
var gaveUp = map[string]string{
	"block": "it is halted and holds its lane",
	"bury":  "it becomes a dead letter, and its lane goes on",
	"park":  "its lane is set aside, and the offset goes on",
}

func (s *scene) canRetrying(e *Explanation, d *JobDetail) {
	if s.outage != nil && s.outage.Likely {
		e.can("nothing of the topic starts until you resume it; look at what its jobs need first", "holdfast pause --topic %s", words.Quoted(s.Topic))
		e.can("all that wait run at once, when it is mended", "holdfast retry --topic %s --state retrying", words.Quoted(s.Topic))
	}
	s.canGiveUp(e, d, "once more, now")
}

// canGiveUp offers what an operator can do with a job that failed.
func (s *scene) canGiveUp(e *Explanation, d *JobDetail, retried string) {
	at := fmt.Sprintf("%s --offset %d", s.flags(), d.Offset)
	if s.pauseOf(d) != nil {
		s.canPaused(e, d)
		retried = "once more, when the pause has ended"
	}
	e.can(retried, "holdfast retry %s", at)
	switch d.Behind {
	case 0:
		e.can("it becomes a dead letter"+s.moves(d), "holdfast bury %s", at)
	case 1:
		e.can("it becomes a dead letter; the one behind it "+s.follow("runs", d), "holdfast bury %s", at)
	default:
		e.can(fmt.Sprintf("it becomes a dead letter; the %d behind it %s", d.Behind, s.follow("run", d)), "holdfast bury %s", at)
	}
	s.canPark(e, d)
}

// follow tells when what waits for a job runs without it.
func (s *scene) follow(verb string, d *JobDetail) string {
	if s.pauseOf(d) != nil {
		return verb + " when the pause has ended"
	}
	return verb + " at once"
}

// moves tells what becomes of the committed offset without a job.
func (s *scene) moves(d *JobDetail) string {
	switch {
	case d.Holds:
		return "; the offset moves"
	case d.Aside || s.State.Open == 0:
		return ""
	}
	return fmt.Sprintf("; the offset waits for %s", Name{s.Topic, s.Partition, s.State.Frontier})
}

// stays tells the same of a job that is not out of the way.
func (s *scene) stays(d *JobDetail) string {
	if d.Holds {
		return ", and the offset waits for it"
	}
	return ""
}

func (s *scene) canPark(e *Explanation, d *JobDetail) {
	by, effect := words.KeyFlag(d.Key), fmt.Sprintf("all %d aside, and later ones of this key%s", d.Behind+1, s.moves(d))
	if d.Own || d.Key == nil || d.Lane != string(d.Key) {
		by = fmt.Sprintf("--offset %d", d.Offset)
	}
	switch runs := d.State == Running || d.State == Deferred; {
	case d.Own:
		effect = "it is set aside" + s.moves(d)
	case runs && d.Behind == 0:
		effect = "later ones of this key aside; this run goes on" + s.stays(d)
	case runs:
		effect = fmt.Sprintf("the %d behind it aside, and later ones of this key; this run goes on%s", d.Behind, s.stays(d))
	case d.Behind == 0:
		effect = "it is set aside, and later ones of this key" + s.moves(d)
	}
	e.can(effect, "holdfast park %s %s", s.flags(), by)
}
