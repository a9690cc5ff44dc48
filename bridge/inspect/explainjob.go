package inspect

import (
	"fmt"
	"strings"
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
	s.tellError(e, d)
	if d.Crashes > 0 {
		e.fact("crashes", "the process crashed %s while it ran alone among the suspects", number(d.Crashes, "time"))
	}
	if d.Damaged != "" {
		e.fact("damaged", "its stored record cannot be read: %s", d.Damaged)
	}
	if len(d.Checkpoint) > 0 {
		e.fact("progress", "its runs have left a checkpoint of %d bytes", len(d.Checkpoint))
	}
	s.tellBehind(e, d)
	s.tellOthers(e, d)
	e.NextStep = st.next(s, d)
	st.can(s, e, d)
}

// tellError tells the last error, and whether there were others.
func (s *scene) tellError(e *Explanation, d *JobDetail) {
	if d.Error == "" {
		return
	}
	text, same := short(d.Error, 300), 0
	for _, a := range d.History {
		if kindOf(a.Error) == kindOf(d.Error) {
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
	text := number(d.Behind, "job") + " of this key"
	if d.Key == nil {
		text = number(d.Behind, "job") + " of its lane"
	}
	if !s.behind.IsZero() {
		text += ", oldest " + span(s.now.Sub(s.behind))
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
	text := fmt.Sprintf("running for %s, its attempt %d", span(w.Running), w.Attempt)
	if w.Batch > 1 {
		text += fmt.Sprintf(", in a batch of %d", w.Batch)
	}
	switch {
	case w.Stuck:
		text += fmt.Sprintf("; stuck: no sign of life for %s", span(*w.Silent))
	case w.Silent != nil:
		text += fmt.Sprintf("; last sign of life %s ago", span(*w.Silent))
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
		return fmt.Sprintf("its handler returns, or is told to end %s.", until(w.Timeout, s.now))
	case w != nil && !w.Timeout.IsZero():
		return fmt.Sprintf("its handler was told to end at %s, when its time was up, and has not returned yet.", moment(w.Timeout, s.now))
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
	if !d.Own {
		s.canPark(e, d)
	}
}

func (s *scene) likeDeferred(d *JobDetail) string {
	text := "deferred: its handler has returned, and finishes it later"
	if s.worker != nil {
		text += fmt.Sprintf("; for %s so far", span(s.worker.Running))
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
	return number(d.Attempts, "attempt")
}

// last is when the last attempt failed.
func (s *scene) last(d *JobDetail) string {
	if n := len(d.History); n > 0 {
		return ", last " + moment(d.History[n-1].At, s.now)
	}
	return ""
}

func (s *scene) likeRetrying(d *JobDetail) string {
	text := fmt.Sprintf("retrying after %s%s, next %s", s.tries(d), s.last(d), until(d.Due, s.now))
	if d.Guarded {
		text += "; it would have been given up, had not too many jobs failed"
	}
	return text
}

func (s *scene) nextRetrying(d *JobDetail) string {
	text := fmt.Sprintf("its attempt %d, %s.", d.Attempts+1, until(d.Due, s.now))
	if why := s.notStartingWhenDue(d); why != "" {
		text = fmt.Sprintf("its attempt %d, due %s, once that ends: %s.", d.Attempts+1, until(d.Due, s.now), why)
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
		e.can("nothing of the topic starts until you resume it; look at what its jobs need first", "holdfast pause --topic %s", quoted(s.Topic))
		e.can("all that wait run at once, when it is mended", "holdfast retry --topic %s --state retrying", quoted(s.Topic))
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
		e.can("it becomes a dead letter; the offset moves", "holdfast bury %s", at)
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

func (s *scene) canPark(e *Explanation, d *JobDetail) {
	by, effect := keyFlag(d.Key), fmt.Sprintf("all %d aside, and later ones of this key; the offset moves", d.Behind+1)
	if d.Own || d.Key == nil || d.Lane != string(d.Key) {
		by = fmt.Sprintf("--offset %d", d.Offset)
	}
	if d.Own {
		effect = "it is set aside; the offset moves"
	}
	e.can(effect, "holdfast park %s %s", s.flags(), by)
}

func (s *scene) likeHalted(d *JobDetail) string {
	text := fmt.Sprintf("halted after %s%s", s.tries(d), s.last(d))
	if d.Attempts == 0 {
		text = "halted before it ran"
	}
	if s.settings != nil {
		text += ", on_failure: " + s.settings.OnFailure
	}
	return text
}

func (s *scene) nextHalted(*JobDetail) string { return "nothing, until you act." }

func (s *scene) canHalted(e *Explanation, d *JobDetail) { s.canGiveUp(e, d, "once more") }

func (s *scene) likeDelayed(d *JobDetail) string {
	return fmt.Sprintf("delayed: it does not run before %s", moment(d.Due, s.now))
}

func (s *scene) nextDelayed(d *JobDetail) string {
	if why := s.notStartingWhenDue(d); why != "" {
		return fmt.Sprintf("it runs %s, once that ends: %s.", until(d.Due, s.now), why)
	}
	return fmt.Sprintf("it runs %s.", until(d.Due, s.now))
}

func (s *scene) canDelayed(e *Explanation, d *JobDetail) {
	e.can("it runs now", "holdfast retry %s --offset %d", s.flags(), d.Offset)
}

func (s *scene) likePaused(d *JobDetail) string {
	p := s.pauseOf(d)
	if p == nil {
		return "paused"
	}
	text := "paused since " + moment(p.Since, s.now) + ": " + s.scopeOf(p)
	if p.Reason != "" {
		text += ", because of: " + short(p.Reason, 200)
	}
	if d.Attempts > 0 {
		text += fmt.Sprintf("; %s so far", number(d.Attempts, "attempt"))
	}
	return text
}

// pauseOf finds the pause that keeps a job from running; nil: there is none.
func (s *scene) pauseOf(d *JobDetail) *PauseEntry {
	for i := range s.pauses {
		if p := &s.pauses[i]; !p.OfLane || p.Lane == d.Lane {
			return p
		}
	}
	return nil
}

func (s *scene) scopeOf(p *PauseEntry) string {
	switch {
	case p.OfLane:
		return "its lane " + shown([]byte(p.Lane))
	case p.Partition < 0:
		return "the topic " + p.Topic
	}
	return "the partition"
}

func (s *scene) nextPaused(d *JobDetail) string {
	if p := s.pauseOf(d); p != nil && !p.Until.IsZero() {
		return fmt.Sprintf("the pause ends by itself %s.", until(p.Until, s.now))
	}
	return "nothing, until you resume it."
}

func (s *scene) canPaused(e *Explanation, d *JobDetail) {
	switch p := s.pauseOf(d); {
	case p == nil:
	case p.OfLane:
		e.can("its jobs run again", "holdfast resume %s --lane %s", s.flags(), quoted(p.Lane))
	case p.Partition < 0:
		e.can("jobs of the topic run again", "holdfast resume --topic %s", quoted(s.Topic))
	default:
		e.can("jobs of the partition run again", "holdfast resume %s", s.flags())
	}
}

func (s *scene) likeParked(d *JobDetail) string {
	if d.Parked == nil {
		return "parked: its lane is set aside"
	}
	return "parked since " + moment(d.Parked.Since, s.now) + ": " + laneAside(d.Parked)
}

func (s *scene) nextParked(*JobDetail) string {
	return "nothing, until you release its lane: then its jobs run in their order."
}

func (s *scene) canParked(e *Explanation, d *JobDetail) {
	by := "--lane " + quoted(d.Lane)
	if d.Own || d.Lane == "" {
		by = fmt.Sprintf("--offset %d", d.Offset)
		if d.Parked != nil && d.Parked.Offset >= 0 {
			by = fmt.Sprintf("--offset %d", d.Parked.Offset)
		}
	}
	e.can("its jobs run, in their order", "holdfast release %s %s", s.flags(), by)
}

func (s *scene) likeDead(d *JobDetail) string {
	l := d.Letter
	by := fmt.Sprintf("after %s", number(d.Attempts, "attempt"))
	if l.Operator {
		by = "by an operator"
	}
	text := fmt.Sprintf("dead letter since %s, buried %s", moment(l.Buried, s.now), by)
	if l.Reason != "" {
		text += ": " + short(l.Reason, 300)
	}
	if l.Unsent {
		text += "; its copy is not in the dead-letter topic yet"
	}
	return text
}

func (s *scene) nextDead(d *JobDetail) string {
	if s.settings != nil && s.settings.Keep > 0 {
		return fmt.Sprintf("it is kept until %s, unless you act.", moment(d.Letter.Buried.Add(s.settings.Keep), s.now))
	}
	return "nothing, until you act."
}

func (s *scene) canDead(e *Explanation, d *JobDetail) {
	at := fmt.Sprintf("%s --offset %d", s.flags(), d.Offset)
	if s.known {
		e.can("it is a job again", "holdfast requeue %s", at)
	}
	e.can("it is gone for good", "holdfast discard %s", at)
}
