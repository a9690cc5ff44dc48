package inspect

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
)

const (
	// answerWithin is how long the group's coordinator, or a commit, may be without
	// an answer before that is a problem.
	answerWithin = 20 * time.Second
	// takeWithin is the same for the questions at the beginning of a claim.
	takeWithin = 30 * time.Second
	// fullSoon is how near a full disk, or budget, is worth a word.
	fullSoon = time.Hour
)

// problems gathers what is not as it should be.
type problems struct {
	now  time.Time
	list []Problem
}

// problems tells why not all is well, the worst first.
func (i *inspector) problems(s *Status, views []view, failed error) []Problem {
	p := &problems{now: s.At}
	if failed != nil {
		p.add(Critical, "store_failed", "", nil, fmt.Sprintf("a write to the store failed, so nothing runs and no offset moves until the next start: %v", failed), "")
	}
	stopping := s.Workers != nil && s.Workers.Stopping
	if !stopping { // what it lets go of then is no loss
		p.ofMember(s)
	}
	for j := range views {
		p.ofPartition(&views[j], stopping)
	}
	p.ofWorkers(i, s)
	p.ofDisk(s.Disk)
	if drain := i.drain(); drain.On {
		p.add(Notice, "drained", "", nil, "the bridge "+drain.String()+": no records are fetched", "holdfast drain --undo")
	}
	lags, aside := map[string]*Lag{}, map[string]bool{}
	for j := range s.Topics {
		lags[s.Topics[j].Topic] = new(Lag)
	}
	for j := range s.Partitions {
		lags[s.Partitions[j].Topic].add(s.Partitions[j].Lag)
	}
	for j := range views {
		aside[views[j].Topic] = aside[views[j].Topic] || views[j].State.Aside > 0
	}
	for _, t := range s.Topics {
		p.ofTopic(t, *lags[t.Topic], aside[t.Topic])
	}
	for _, set := range i.settings() {
		if set.Problem != "" {
			p.add(Warning, "setting", "", nil, fmt.Sprintf("the stored setting %s is not in force: %s", set, set.Problem), set.Unset())
		}
	}
	if n, running := i.store.OnProbation(); n > 0 {
		p.add(Warning, "probation", "", nil, fmt.Sprintf("the process has crashed again and again: %s that ran then may have done it, and runs alone%s",
			words.Number(n, "job"), map[bool]string{true: "; one does now"}[running]), "holdfast inspect jobs --state ready")
	}
	order := map[Severity]int{Critical: 0, Warning: 1, Notice: 2}
	slices.SortStableFunc(p.list, func(a, b Problem) int { return cmp.Compare(order[a.Severity], order[b.Severity]) })
	return p.list
}

func (p *problems) add(severity Severity, code, topic string, partition *int32, text, command string) {
	p.list = append(p.list, Problem{Severity: severity, Code: code, Topic: topic, Partition: partition, Text: text, Command: command})
}

// ofMember is about the group as a whole.
func (p *problems) ofMember(s *Status) {
	m := s.Member
	if m != nil && m.Copy != "" {
		p.add(Critical, "copy", "", nil, m.Copy, "")
	}
	if m != nil {
		for _, name := range m.Missing {
			p.add(Warning, "no_topic", name, nil, "Kafka has no topic of this name; it is taken when it is created", "")
		}
	}
	if m == nil || m.Sessions == 0 && m.ID == "" { // all partitions may be fixed
		return
	}
	silent := p.now.Sub(m.Confirmed)
	switch {
	case m.ID == "":
		p.add(Critical, "kafka_away", "", nil, "this bridge is no member of its group at the moment: it tries to join, and starts no job of balanced partitions meanwhile; look at the brokers and at its log", "")
	case !m.Confirmed.IsZero() && silent > answerWithin:
		p.add(Warning, "kafka_away", "", nil, fmt.Sprintf("the group's coordinator has not answered for %s: once the session has timed out no job starts", words.Span(silent)), "")
	}
}

func (p *problems) ofPartition(l *view, stopping bool) {
	number32 := l.Partition
	tell := func(severity Severity, code, text string) {
		p.add(severity, code, l.Topic, &number32, text, explainCommand(l.Topic, l.Partition, nil))
	}
	if c := l.claim; c != nil {
		switch {
		case c.Err != "":
			tell(Critical, "held", "held since "+words.Moment(c.ErrAt, p.now)+" for a person to decide: "+c.Err)
		case !c.Working && !stopping && p.now.Sub(c.Since) > takeWithin:
			tell(Critical, "kafka_away", fmt.Sprintf("was assigned %s ago, and Kafka has not answered where it stands", words.Span(p.now.Sub(c.Since))))
		case c.Working && !stopping && !l.leased(p.now):
			tell(Critical, "no_lease", "no job of it starts: the group has not confirmed within the session timeout that it is still ours")
		}
		switch late := p.now.Sub(c.CommitSince); {
		case c.CommitErr != "":
			tell(Warning, "commit_failing", fmt.Sprintf("offset %d is not committed since %s: %s", c.Committing, words.Moment(c.CommitSince, p.now), c.CommitErr))
		case c.Committing >= 0 && late > answerWithin:
			tell(Warning, "commit_failing", fmt.Sprintf("Kafka has not answered the commit of offset %d for %s", c.Committing, words.Span(late)))
		}
		switch l.Throttle {
		case 0:
		default:
			if by := throttles[l.Throttle]; by != ThrottledByWindow {
				tell(Warning, "throttled", "no more is fetched: "+throttleWords[by]+"; work goes on")
			}
		}
	}
	p.ofLog(l, tell)
}

var throttleWords = map[Throttle]string{
	ThrottledByWindow:  "enough is stored for the workers to choose from",
	ThrottledByMemory:  "the memory budget is used up",
	ThrottledByDisk:    "the disk budget is used up",
	ThrottledByMinFree: "the disk has less than min_free left",
}

// ofLog is about what Kafka still has.
func (p *problems) ofLog(l *view, tell func(Severity, string, string)) {
	switch log := l.log; {
	case log == nil || l.State.Next < 0:
	case log.Start > l.State.Next:
		tell(Critical, "retention", fmt.Sprintf("Kafka has deleted the records below %d, and only those below %d were stored", log.Start, l.State.Next))
	case log.Start > l.Durable && l.Durable >= 0 && l.State.Open > 0:
		tell(Warning, "retention", fmt.Sprintf("Kafka has deleted the records below %d: unfinished ones from %d on are in this store only", log.Start, l.Durable))
	}
}

func (p *problems) ofDisk(d DiskSummary) {
	if full := d.FullIn; full != nil && *full > 0 && *full < fullSoon {
		p.add(Notice, "disk", "", nil, fmt.Sprintf("fetching throttles in about %s, as the store grows", words.Roughly(*full)), "holdfast inspect disk")
	}
}

func (p *problems) ofWorkers(i *inspector, s *Status) {
	if s.Workers == nil {
		return
	}
	switch {
	case s.Workers.Stopping:
		p.add(Notice, "stopping", "", nil, "the bridge stops: what runs may finish, and nothing starts", "")
	case s.Workers.Workers == 0:
		p.add(Critical, "no_workers", "", nil, "there is no worker: no job starts", "holdfast set --workers 64")
	}
	for _, w := range i.runs() {
		if w.Stuck {
			number32 := w.Partition
			p.add(Warning, "stuck", w.Topic, &number32, fmt.Sprintf("%s runs for %s and has given no sign of life for %s; it holds its lane",
				w.Name, words.Span(w.Running), words.Span(*w.Silent)), explainCommand(w.Topic, w.Partition, &w.Offset))
		}
	}
}

// ofTopic sums up what waits for an operator; aside: there are jobs that came back
// below the committed offset.
func (p *problems) ofTopic(t TopicStatus, lag Lag, aside bool) {
	topic := " --topic " + words.Quoted(t.Topic)
	if lag.Halted > 0 {
		p.add(Warning, "halted", t.Topic, nil, givenUp(lag.Halted, aside),
			"holdfast inspect jobs"+topic+" --state halted")
	}
	if g := t.Guard; g != nil && g.Active {
		p.add(Warning, "guard", t.Topic, nil, "too many jobs fail: none is given up for now, they are retried at the longest delay", "holdfast inspect jobs"+topic+" --state retrying")
	}
	if t.Unsent > 0 && t.CopyError != "" {
		p.add(Warning, "unsent", t.Topic, nil, fmt.Sprintf("%s not copied to their topic, since %s: %s; they are kept here and sent when it takes them",
			words.AreNumber(t.Unsent, "dead letter"), words.Moment(t.CopySince, p.now), t.CopyError), "holdfast inspect dead"+topic)
	}
	if lag.Parked > 0 {
		p.add(Notice, "parked", t.Topic, nil, fmt.Sprintf("%s in lanes that are set aside until an operator releases them", words.Number(lag.Parked, "job")), "holdfast inspect lanes"+topic+" --state parked")
	}
	if t.Paused {
		p.add(Notice, "paused", t.Topic, nil, "the topic is paused: no job of it starts", "holdfast resume"+topic)
	} else if lag.Paused > 0 {
		p.add(Notice, "paused", t.Topic, nil, words.Number(lag.Paused, "job")+" kept from starting by paused lanes or partitions", "holdfast inspect jobs"+topic+" --state paused")
	}
}

func givenUp(jobs int, aside bool) string {
	holder, offset := "it holds", " and the committed offset"
	if jobs > 1 {
		holder = "each holds"
	}
	if aside {
		offset = ", and the committed offset unless it was requeued or released,"
	}
	return fmt.Sprintf("%s given up: %s its lane%s until an operator acts", words.Number(jobs, "job"), holder, offset)
}

// explainCommand is the command that tells more.
func explainCommand(topic string, partition int32, offset *int64) string {
	c := fmt.Sprintf("holdfast explain --topic %s --partition %d", words.Quoted(topic), partition)
	if offset != nil {
		c += fmt.Sprintf(" --offset %d", *offset)
	}
	return c
}
