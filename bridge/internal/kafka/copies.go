package kafka

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/IBM/sarama"
)

// Opening is what a process works with: a store, and which opening of it this
// is. Two copies of one data directory have the same store. The zero value is
// for a membership without a store: nobody looks for copies.
type Opening struct {
	Store string
	Epoch uint64 // how often the store was opened
	Nonce string // tells openings of the same number apart; without '.'
}

// After tells whether o goes on where both are in use, and p gives way: what was
// opened more often knows more. Both sides come to the same answer.
func (o Opening) After(p Opening) bool {
	return cmp.Or(cmp.Compare(o.Epoch, p.Epoch), cmp.Compare(o.Nonce, p.Nonce)) > 0
}

// markStore begins what an opening adds to the client id of a group client:
// of a member that is all that others can see at any time.
const markStore = ".store-"

// mark is the client id with the opening, and with how long the group goes on
// without a heartbeat of the member.
func (o Opening) mark(clientID string, session time.Duration) string {
	if o.Store == "" {
		return clientID
	}
	return fmt.Sprintf("%s%s%s.%d.%s.%d", clientID, markStore, o.Store, o.Epoch, o.Nonce, session.Milliseconds())
}

// readMark undoes mark; false: there is none.
func readMark(text string) (clientID string, o Opening, session time.Duration, ok bool) {
	at := strings.LastIndex(text, markStore)
	if at < 0 {
		return text, o, 0, false
	}
	fields := strings.Split(text[at+len(markStore):], ".")
	if len(fields) != 4 {
		return text, o, 0, false
	}
	epoch, err := strconv.ParseUint(fields[1], 10, 64)
	if err != nil {
		return text, o, 0, false
	}
	ms, err := strconv.ParseUint(fields[3], 10, 40) // no overflow as nanoseconds
	if err != nil {
		return text, o, 0, false
	}
	return text[:at], Opening{Store: fields[0], Epoch: epoch, Nonce: fields[2]}, time.Duration(ms) * time.Millisecond, true
}

// sibling is another member of the group with a copy of our store, or with our
// store before this opening.
type sibling struct {
	Opening
	instance string
	host     string
	session  time.Duration
}

func (s sibling) String() string {
	if s.instance != "" {
		return fmt.Sprintf("member %s at %s", s.instance, strings.TrimPrefix(s.host, "/"))
	}
	return "the member at " + strings.TrimPrefix(s.host, "/")
}

// sight is one look at the group.
type sight struct {
	siblings []sibling
	joined   bool      // the group still has us
	asked    time.Time // before the question
	answered time.Time // after the answer
	// steady identifies the coordinator, and the members with what they are
	// assigned. Empty while they join, or where the coordinator had to be found
	// or dialled anew: until it has heard of each member again, it counts on all.
	steady string
}

// look asks the coordinator who is in the group.
func (c *Cluster) look(ctx context.Context) (sight, error) {
	now := sight{asked: time.Now()}
	group, by, err := c.describeBy(ctx)
	now.answered = time.Now()
	if err != nil {
		return now, err
	}
	var steady strings.Builder
	fmt.Fprint(&steady, by)
	for _, id := range slices.Sorted(maps.Keys(group.Members)) {
		m := group.Members[id]
		fmt.Fprintf(&steady, " %q %x", m.MemberId, m.MemberAssignment)
		instance := ""
		if m.GroupInstanceId != nil {
			instance = *m.GroupInstanceId
		}
		_, o, session, marked := readMark(m.ClientId)
		own := instance != "" && instance == c.cfg.InstanceID
		switch {
		case own && c.sessions.Load() > 0, marked && o == c.cfg.Opening:
			now.joined = true
		case !marked || o.Store != c.cfg.Opening.Store:
		case own && !o.After(c.cfg.Opening): // our predecessor: the group gives us what it had at once
		default:
			now.siblings = append(now.siblings, sibling{o, instance, m.ClientHost, session})
		}
	}
	if by != "" && group.State == "Stable" {
		now.steady = steady.String()
	}
	return now, nil
}

const (
	// lookAgain is the pause between two looks while a sibling is waited for.
	lookAgain = 500 * time.Millisecond
	// lookGap is how far apart two looks may be to count as one continuous one.
	lookGap = 3 * time.Second
	// lookMargin is added to a session timeout: a coordinator may forget late.
	lookMargin = 5 * time.Second
)

// awaitAlone waits until no other member of the group works with our store. That
// may be our predecessor, which was killed: the group forgets it within its
// session timeout, and would not give us its partitions before. One that stays
// although it would have been forgotten lives: a *CopyError. A member that the
// group still has does not wait: [Cluster.AwaitCopy] looks after that. Where the
// group cannot be looked at, work goes on without.
func (c *Cluster) awaitAlone(ctx context.Context) error {
	if c.cfg.Opening.Store == "" {
		return nil
	}
	defer c.copySeen.Store(nil)
	var (
		before sight
		since  time.Time // from when on the group was steady, with a sibling
		pause  backoff
		said   string
		seen   = time.Now() // the last look that was answered, or the beginning
	)
	tell := func(text string, attrs ...any) {
		if text != said {
			c.log.Warn(text, attrs...)
			said = text
		}
	}
	for ctx.Err() == nil {
		now, err := c.look(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && passes(err) && c.sessions.Load() > 0: // to join again does not wait for that
			return nil
		case err != nil && passes(err) && time.Since(seen) < c.cfg.SessionTimeout:
			tell("cannot ask yet whether another copy of the data directory is in use", "error", err)
			before = sight{}
			wait(ctx, pause.next())
			continue
		case err != nil:
			c.cannotLook(err)
			return nil
		case now.joined || len(now.siblings) == 0:
			if !before.asked.IsZero() {
				c.log.Info("no other member of this store is in the group any more", "group", c.cfg.Group)
			}
			return nil
		}
		if now.steady == "" || now.steady != before.steady || now.answered.Sub(before.answered) > lookGap {
			since = now.answered
		}
		before, seen = now, now.answered
		s := now.siblings[0]
		if now.asked.Sub(since) > longest(now.siblings, c.cfg.SessionTimeout)+lookMargin {
			return c.copyError(s)
		}
		text := fmt.Sprintf("%s of group %q works with this store, too: either it was killed, and the group forgets it within its session timeout, or a copy of this data directory is in use", s, c.cfg.Group)
		c.copySeen.Store(&text)
		tell("waiting to join: "+text, "store", s.Store, "its_opening", s.Epoch, "opening", c.cfg.Opening.Epoch, "session_timeout", s.session)
		wait(ctx, lookAgain)
	}
	return nil
}

// longest is the longest session timeout: of a static member that came back the
// coordinator goes on showing what it first came with.
func longest(siblings []sibling, own time.Duration) time.Duration {
	most := own
	for _, s := range siblings {
		most = max(most, s.session)
	}
	return most
}

// cannotLook says once that copies are not found by the group.
func (c *Cluster) cannotLook(err error) {
	if c.blind.Swap(true) {
		return
	}
	c.log.Warn("cannot see who is in the group, so a copy of the data directory that is in use at the same time is not found",
		"group", c.cfg.Group, "error", err, "remedy", "allow this user to describe the group")
}

// AwaitCopy looks at the group whenever its generation has changed, and in
// intervals of [Config.WatchInterval]. It returns a *CopyError when another
// process works with a copy of our store and we are to give way, and nil when
// ctx ends. Of two copies the one that was opened less often gives way.
func (c *Cluster) AwaitCopy(ctx context.Context) error {
	if c.cfg.Opening.Store == "" {
		return nil
	}
	var seen int64
	var at time.Time
	for wait(ctx, c.group.conf.Consumer.Group.Heartbeat.Interval) {
		generation := c.generations.Load()
		if m := c.current.Load(); m == nil || m.current.Load() == nil {
			continue // it looks before it joins
		}
		if generation == seen && time.Since(at) < c.cfg.WatchInterval {
			continue
		}
		seen, at = generation, time.Now()
		if err := c.giveWay(ctx); err != nil {
			return err
		}
	}
	return nil
}

// giveWay is a *CopyError where another member works with a copy of our store,
// and goes before us. What cannot be asked now is asked again.
func (c *Cluster) giveWay(ctx context.Context) error {
	if c.cfg.Opening.Store == "" {
		return nil
	}
	now, err := c.look(ctx)
	if err != nil {
		if ctx.Err() == nil && !passes(err) {
			c.cannotLook(err)
		}
		return nil
	}
	if len(now.siblings) == 0 {
		c.copySeen.Store(nil)
		return nil
	}
	for _, s := range now.siblings {
		if c.before(s) {
			return c.copyError(s)
		}
	}
	s := now.siblings[0]
	text := fmt.Sprintf("a copy of this data directory is in use, by %s of group %q: in its opening %d, where this is opening %d: the other one is to give way",
		s, c.cfg.Group, s.Epoch, c.cfg.Opening.Epoch)
	if before := c.copySeen.Swap(&text); before == nil || *before != text {
		c.log.Error(text, "store", s.Store, "remedy", "stop the other one for good, or give it an empty data directory")
	}
	return nil
}

// before tells whether the sibling goes before us. Of a static member only the
// name is sure: the coordinator shows the client id that it first came with.
func (c *Cluster) before(s sibling) bool {
	if s.instance != c.cfg.InstanceID {
		return s.instance > c.cfg.InstanceID
	}
	return s.After(c.cfg.Opening)
}

func (c *Cluster) copyError(s sibling) error {
	return &CopyError{Opening: c.cfg.Opening, Other: s.Opening, By: fmt.Sprintf("%s of group %q", s, c.cfg.Group)}
}

// shown names a member for people.
func shown(m *sarama.GroupMemberDescription) string {
	name, o, _, marked := readMark(m.ClientId)
	if marked {
		name += " of store " + o.Store
	}
	return name + "@" + m.ClientHost
}
