package inspect

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/queue"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.Local)

func ago(d time.Duration) time.Time { return noon.Add(-d) }

// calm is a partition of which everything is done and committed.
func calm() *scene {
	left := int64(0)
	return &scene{
		now: noon, live: true, storeID: "store-1",
		view: view{
			Survey: queue.Survey{
				TopicPartition: queue.TopicPartition{Topic: "orders", Partition: 3},
				State:          queue.State{Known: true, Frontier: 500, Next: 500, Acknowledged: 500},
				Durable:        500, Moved: ago(time.Minute), AckedAt: ago(time.Minute), Loaded: ago(24 * time.Hour), Until: noon.Add(time.Minute),
			},
			known: true,
			claim: &Claim{Working: true, Since: ago(24 * time.Hour), Committing: -1, Lease: noon.Add(time.Minute)},
			log:   &LogBounds{Start: 100, End: 500, At: noon},
		},
		member:   &Member{ID: "m", Sessions: 1, Confirmed: ago(time.Second)},
		pool:     &Pool{Workers: 64, Busy: 3},
		settings: &TopicSettings{OnFailure: "block", Attempts: 10},
		outage:   &Outage{},
		left:     &left,
	}
}

// stuck is one whose offset waits for a job.
func stuck(state State) *scene {
	s := calm()
	s.State.Frontier, s.State.Acknowledged, s.Durable, s.State.Open = 400, 400, 400, 1
	s.job = &JobDetail{Name: Name{"orders", 3, 400}, Key: []byte("k"), Lane: "k", State: state, Holds: true}
	return s
}

func failed(d *JobDetail, times int, text string) {
	d.Attempts, d.Error = times, text
	for n := range times {
		d.History = append(d.History, Attempt{Number: n + 1, At: ago(time.Duration(times-n) * time.Minute), Error: text})
	}
}

// An operator's first night, as it should look.
func TestExplainOfAHaltedJob(t *testing.T) {
	t.Parallel()
	s := stuck(Halted)
	s.State = queue.State{Known: true, Frontier: 118204, Next: 131990, Acknowledged: 118204, Open: 42}
	s.Durable, s.log.Start, s.log.End = 118204, 90000, 131990
	s.Moved, s.oldest, s.behind = ago(192*time.Minute), ago(72*time.Hour), ago(190*time.Minute)
	s.job.Offset, s.job.Key, s.job.Lane, s.job.Behind = 118204, []byte("cust-8812"), "cust-8812", 41
	failed(s.job, 10, `http 409 from https://billing/charge "account locked"`)
	left := int64(2100)
	s.left, s.outage = &left, &Outage{Keys: 1, Same: 1}
	s.retention = &Retention{For: 7 * 24 * time.Hour, Bytes: -1, Delete: true}
	want := `orders/3   committed 118204   frontier 118204   stored to 131990   log end 131990
Not moved for 3h12m: orders/3@118204, key cust-8812, is unfinished.
  state    halted after 10 of 10 attempts, last 11:59:00, on_failure: block
  error    http 409 from https://billing/charge "account locked" (10 of 10 the same)
  behind   41 jobs of this key, oldest 3h10m
  others   13744 offsets ahead of it are done; no other key fails: not an outage
Next       nothing, until you act.
Restart    re-runs 0. Moved to another machine: about 2100 would run again.
Retention  reaches offset 118204 in about 4 days.
You can (each shows its plan first)
  holdfast retry --topic orders --partition 3 --offset 118204  once more
  holdfast bury --topic orders --partition 3 --offset 118204   it becomes a dead letter; the 41 behind it run at once
  holdfast park --topic orders --partition 3 --key cust-8812   all 42 aside, and later ones of this key; the offset moves
`
	if diff := cmp.Diff(want, s.explain().String()); diff != "" {
		t.Error(diff)
	}
}

// A command that is offered selects something.
func TestYoungDeadLettersAreNotExportedByAge(t *testing.T) {
	t.Parallel()
	for age, want := range map[time.Duration]string{
		time.Hour:           "holdfast dead export --topic orders --to FILE --discard",
		22 * 24 * time.Hour: "holdfast dead export --topic orders --buried-before 7d --to FILE --discard",
	} {
		d := Disk{At: noon, InUseBytes: 100, Uses: []DiskUse{{Topic: "orders", Kind: UseDead, Bytes: 90, Oldest: ago(age)}}}
		if d.advise(); d.Actions[0].Command != want {
			t.Errorf("of letters of %s: %s", age, d.Actions[0].Command)
		}
	}
}

// says are parts of what is to be said, and not those that are not.
type says []string

func TestExplainIsTrueInEveryCase(t *testing.T) {
	t.Parallel()
	with := func(s *scene, change func(*scene)) *scene {
		change(s)
		return s
	}
	for name, c := range map[string]struct {
		scene *scene
		cause Cause
		says  says
		not   says
	}{
		"nothing is held back": {calm(), CauseCaughtUp,
			says{"Everything that Kafka has is done and committed.", "Next       the next record.", "re-runs 0", "nothing would run again"}, says{"You can", "Not moved", "kafka"}},
		"nothing is held back, without a bridge": {with(calm(), func(s *scene) {
			s.live, s.claim, s.log, s.member, s.pool, s.settings = false, nil, nil, nil, nil, nil
		}), CauseCaughtUp, says{"(no bridge runs)", "Everything that is stored is done and committed.", "the next start"}, says{"log end", "kafka"}},
		"retrying": {with(stuck(Retrying), func(s *scene) {
			failed(s.job, 3, "http 503")
			s.job.Due = noon.Add(20 * time.Second)
		}), CauseJob, says{
			"Not moved for 1m: orders/3@400, key k, is unfinished.",
			"state    retrying after 3 of 10 attempts, last 11:59:00, next at 12:00:20, in 20s",
			"http 503 (3 of 3 the same)", "Next       its attempt 4, at 12:00:20, in 20s. After 10 attempts: it is halted and holds its lane.", "holdfast retry",
		}, says{"pause"}},
		"retrying for ever": {with(stuck(Retrying), func(s *scene) {
			failed(s.job, 30, "http 503")
			s.job.History, s.settings.Attempts = s.job.History[19:], 0
		}), CauseJob, says{"retrying after 30 attempts", "11 of 30 attempts are kept, all the same", "for ever"}, nil},
		"other errors before": {with(stuck(Retrying), func(s *scene) {
			failed(s.job, 3, "http 503 id 4711")
			s.job.History[1].Error, s.job.History[0].Error = "refused", "http 503 id 815"
		}), CauseJob, says{"(2 of 3 the same)"}, nil},
		"an outage": {with(stuck(Retrying), func(s *scene) {
			failed(s.job, 3, "http 503")
			s.outage = &Outage{Keys: 312, Same: 300, Error: "http 503", Likely: true}
		}), CauseJob, says{"300 keys of orders fail with the same error: likely an outage of what they need, not a bad record", "holdfast pause --topic orders", "holdfast retry --topic orders --state retrying"}, nil},
		"others fail otherwise": {with(stuck(Halted), func(s *scene) {
			failed(s.job, 10, "http 409")
			s.outage = &Outage{Keys: 4, Same: 1}
		}), CauseJob, says{"3 other keys of orders fail, each with another error: not one outage"}, nil},
		"one other fails alike": {with(stuck(Halted), func(s *scene) {
			failed(s.job, 10, "http 409")
			s.outage = &Outage{Keys: 2, Same: 2}
		}), CauseJob, says{"1 other key of orders fails, 2 of the 2 with the same error"}, nil},
		"one is behind": {with(stuck(Halted), func(s *scene) { s.job.Behind = 1 }), CauseJob,
			says{"it becomes a dead letter; the one behind it runs at once"}, nil},
		"retrying, paused": {with(stuck(Retrying), func(s *scene) {
			failed(s.job, 3, "http 503")
			s.job.Due, s.job.Behind = noon.Add(20*time.Second), 2
			s.pauses = []PauseEntry{{Topic: "orders", Partition: -1, Since: ago(time.Hour)}}
		}), CauseJob, says{
			"Next       its attempt 4, due at 12:00:20, in 20s, once that ends: the topic orders is paused.",
			"holdfast resume --topic orders ", "once more, when the pause has ended", "the 2 behind it run when the pause has ended",
		}, says{"once more, now", "at once"}},
		"retrying, its lane paused": {with(stuck(Retrying), func(s *scene) {
			failed(s.job, 3, "http 503")
			s.job.Due = noon.Add(20 * time.Second)
			s.pauses = []PauseEntry{{Topic: "orders", Partition: 3, OfLane: true, Lane: "k", Since: ago(time.Hour)}}
		}), CauseJob, says{"paused   its lane k is paused since 11:00:00", "once that ends: its lane k is paused"}, says{"by themselves"}},
		"retrying after a pause": {with(stuck(Retrying), func(s *scene) {
			failed(s.job, 3, "http 503")
			s.job.Due = noon.Add(time.Hour)
			s.pauses = []PauseEntry{{Topic: "orders", Partition: -1, Since: ago(time.Hour), Until: noon.Add(time.Minute)}}
		}), CauseJob, says{"Next       its attempt 4, at 13:00:00, in 1h."}, nil},
		"delayed, paused": {with(stuck(Delayed), func(s *scene) {
			s.job.Due = noon.Add(time.Hour)
			s.pauses = []PauseEntry{{Topic: "orders", Partition: 3, Since: ago(time.Hour)}}
		}), CauseJob, says{"it runs at 13:00:00, in 1h, once that ends: the partition is paused."}, nil},
		"nothing is held back, drained": {with(calm(), func(s *scene) { s.drain = DrainState{On: true, Empty: true} }), CauseCaughtUp,
			says{"fetching  the bridge is drained: no records are fetched", "Next       nothing: no records are fetched", "holdfast drain --undo"}, says{"the next record"}},
		"more in Kafka, drained": {with(calm(), func(s *scene) {
			s.drain = DrainState{On: true}
			s.log.End = s.State.Next + 3
		}), CauseNotFetched, says{"the bridge is being drained", "they are not read, until"}, says{"are being read"}},
		"retrying, stopping": {with(stuck(Retrying), func(s *scene) {
			failed(s.job, 3, "http 503")
			s.pool = &Pool{Stopping: true}
		}), CauseJob, says{"once that ends: the bridge stops"}, says{"no worker"}},
		"running for hours": {with(stuck(Running), func(s *scene) {
			s.Runs, s.Moved = 1, ago(6*time.Hour)
			s.worker = &Worker{Running: 6 * time.Hour, Attempt: 1, Batch: 1}
		}), CauseJob, says{"Not moved for 6h", "running for 6h, its attempt 1", "its handler returns; there is no time limit.", "holdfast cancel", "waits for the 1 run under way"}, says{"stuck"}},
		"running, with others behind it": {with(stuck(Running), func(s *scene) {
			s.Runs, s.job.Behind = 1, 3
		}), CauseJob, says{"the 3 behind it aside, and later ones of this key; this run goes on, and the offset waits for it"}, says{"the offset moves"}},
		"running, and its lane is parked": {with(stuck(Running), func(s *scene) {
			s.Runs, s.lanes, s.apart = 1, 1, true
		}), CauseJob, says{"holdfast cancel", "--state parked"}, says{"holdfast park"}},
		"running, since it came in": {with(stuck(Running), func(s *scene) {
			s.Runs, s.Moved, s.job.Stored = 1, ago(72*time.Hour), ago(20*time.Second)
		}), CauseJob, says{"Not moved for 20s, since orders/3@400, key k, came in: it is unfinished."}, says{"3d"}},
		"it has just finished": {with(stuck(Running), func(s *scene) {
			s.Moved = ago(time.Second)
			s.job = &JobDetail{Name: Name{"orders", 3, 400}, State: Done}
		}), CauseJob, says{"It waits for orders/3@400.", "it has just finished"}, says{"no key"}},
		"what was requeued runs": {with(calm(), func(s *scene) { s.State.Aside, s.Runs = 31, 1 }), CauseCaughtUp,
			says{"aside    31 jobs, requeued or released, not finished yet; the committed offset does not wait for them", "The jobs aside stay with this data directory.",
				"holdfast inspect jobs --topic orders --partition 3"}, says{"halted"}},
		"what was requeued is halted": {with(calm(), func(s *scene) { s.State.Aside, s.Counts.Halted, s.Counts.Blocked = 31, 1, 30 }), CauseCaughtUp,
			says{"aside    31 jobs, requeued or released, not finished yet, 1 halted until you act; the committed offset does not wait for them"}, nil},
		"nothing is held back, paused": {with(calm(), func(s *scene) {
			s.pauses = []PauseEntry{{Topic: "orders", Partition: -1, Since: ago(time.Hour)}}
		}), CauseCaughtUp, says{"the topic orders is paused since 11:00:00", "Next       the next record is stored, and waits for the end of the pause.", "holdfast resume --topic orders "}, nil},
		"what was requeued waits, without a bridge": {with(calm(), func(s *scene) {
			s.live, s.claim, s.log, s.member, s.pool, s.settings = false, nil, nil, nil, nil, nil
			s.State.Aside, s.dead.Letters = 5, 2
		}), CauseCaughtUp, says{"(no bridge runs)", "aside    5 jobs", "Dead letters, parked jobs and those aside stay"}, nil},
		"running, with a time limit, and silent": {with(stuck(Running), func(s *scene) {
			silent := 20 * time.Minute
			s.worker = &Worker{Running: time.Hour, Attempt: 2, Batch: 3, Silent: &silent, Stuck: true, Timeout: noon.Add(time.Hour)}
		}), CauseJob, says{"in a batch of 3; stuck: no sign of life for 20m", "told to end at 13:00:00, in 1h"}, nil},
		"deferred": {with(stuck(Deferred), func(s *scene) { s.worker = &Worker{Running: time.Hour, Deferred: true} }), CauseJob,
			says{"deferred: its handler has returned, and finishes it later; for 1h so far"}, nil},
		"delayed": {with(stuck(Delayed), func(s *scene) { s.job.Due = noon.Add(time.Hour) }), CauseJob,
			says{"delayed: it does not run before 13:00:00", "it runs at 13:00:00, in 1h."}, nil},
		"paused": {with(stuck(Paused), func(s *scene) {
			s.pauses = []PauseEntry{{Topic: "orders", Partition: -1, Since: ago(time.Hour), Reason: "billing is down", Until: noon.Add(time.Hour)}}
		}), CauseJob, says{"paused since 11:00:00: the topic orders, because of: billing is down", "the pause ends by itself at 13:00:00, in 1h.", "holdfast resume --topic orders "}, nil},
		"paused lane": {with(stuck(Paused), func(s *scene) {
			s.pauses = []PauseEntry{{Topic: "orders", Partition: 3, OfLane: true, Lane: "k", Since: ago(time.Hour)}}
		}), CauseJob, says{"its lane k", "nothing, until you resume it.", "holdfast resume --topic orders --partition 3 --lane k"}, nil},
		"paused lane whose name is no text": {with(stuck(Paused), func(s *scene) {
			s.job.Lane = "\xff\x01"
			s.pauses = []PauseEntry{{Topic: "orders", Partition: 3, OfLane: true, Lane: "\xff\x01", Since: ago(time.Hour)}}
		}), CauseJob, says{"holdfast resume --topic orders --partition 3 --lane-hex ff01"}, nil},
		"there is no such partition": {with(calm(), func(s *scene) {
			s.view, s.unknown = view{Survey: queue.Survey{TopicPartition: s.TopicPartition}}, "the configuration has no entry for the topic"
		}), CauseUnknown, says{"Nothing is known of orders/3: the configuration has no entry for the topic."}, says{"Restart", "group"}},
		"a seek was asked for": {with(stuck(Halted), func(s *scene) {
			s.live, s.claim, s.log = false, nil, nil
			s.State.Seek = &queue.Seek{Offset: 450, Asked: ago(time.Minute)}
		}), CauseJob, says{"seek     it is to go on from offset 450, as asked for at 11:59:00, when it is assigned here again"}, nil},
		"another lane is paused": {with(stuck(Halted), func(s *scene) {
			s.pauses = []PauseEntry{{Topic: "orders", Partition: 3, OfLane: true, Lane: "x", Since: ago(time.Hour)}}
		}), CauseJob, says{"paused   1 lane by themselves", "holdfast inspect pauses"}, nil},
		"parked lanes do not hold": {with(calm(), func(s *scene) {
			s.lanes, s.Counts.Parked = 2, 41
			s.parked = []ParkedLane{{Lane: "cust-1", Jobs: 30, Elsewhere: []string{"store-2"}}, {Lane: "cust-2", Jobs: 11}}
		}), CauseCaughtUp, says{"2 lanes set aside with 41 jobs; the committed offset does not wait for them",
			"lane cust-1: the store store-2 keeps the rest of its jobs", "stay with this data directory", "holdfast inspect lanes"}, nil},
		"guarded": {with(stuck(Retrying), func(s *scene) {
			failed(s.job, 10, "http 503")
			s.job.Guarded, s.job.Due = true, noon.Add(time.Minute)
			s.settings.OnFailure = "bury"
			s.settings.Guard = &GuardStatus{Active: true, Bucket: 100, Refused: 812}
		}), CauseJob, says{"it would have been given up, had not too many jobs failed", "too many jobs of orders fail: none is given up for now (812 times held back so far, 0 of 100 burials left)", "at the longest delay"}, nil},
		"a budget throttles": {with(calm(), func(s *scene) { s.log.End, s.Throttle = 900, queue.ThrottledByDisk }), CauseNotFetched,
			says{"All that is stored is done; Kafka has 400 offsets more, from 500 on.", "when there is room again: the disk budget is used up."}, nil},
		"a budget throttles behind a job": {with(stuck(Halted), func(s *scene) { s.Throttle = queue.ThrottledByMinFree }), CauseJob,
			says{"no more is read for now: the disk has less than min_free left", "holdfast inspect disk"}, nil},
		"not read yet": {with(calm(), func(s *scene) { s.log.End = 900 }), CauseNotFetched, says{"they are being read"}, nil},
		"held after a conflict": {with(calm(), func(s *scene) {
			s.claim.Working, s.claim.Err, s.claim.ErrAt = false, "the committed offset 12 is below offset 500: somebody set it", ago(time.Hour)
		}), CauseHeld, says{"Held since 11:00:00 for a person to decide: the committed offset 12", "Nothing of it runs", "nothing, until you act", "holdfast seek --topic orders --partition 3"}, nil},
		"held while it worked": {with(stuck(Running), func(s *scene) {
			s.claim.Err, s.claim.ErrAt = "retention deleted offsets 500 to 600", ago(time.Hour)
		}), CauseHeld, says{"not read any further; what is stored goes on"}, nil},
		"being taken over": {with(calm(), func(s *scene) { s.claim.Working, s.claim.Since = false, ago(40*time.Second) }), CauseTaking,
			says{"gave it to this bridge 40s ago", "look at the brokers"}, nil},
		"not held here": {with(calm(), func(s *scene) {
			s.view = view{Survey: queue.Survey{TopicPartition: s.TopicPartition}, dead: queue.DeadCount{Letters: 4}}
			s.owner = &Owner{Committed: 777, Store: "store-9"}
			s.away = &queue.Away{Since: ago(time.Hour), State: queue.State{Frontier: 500, Next: 510, Acknowledged: 500}}
		}), CauseNotHere, says{"committed 777", "It is not held here. Offset 777 was committed by the holdfast store store-9", "had it until 11:00:00, with frontier 500", "4 dead letters"}, says{"Restart"}},
		"not held here, by another program": {with(calm(), func(s *scene) {
			s.view = view{Survey: queue.Survey{TopicPartition: s.TopicPartition}}
			s.owner = &Owner{Committed: 777}
		}), CauseNotHere, says{"by another program than holdfast"}, nil},
		"lost with the group": {with(calm(), func(s *scene) {
			s.view = view{Survey: queue.Survey{TopicPartition: s.TopicPartition}}
			s.member.ID, s.going = "", 2
		}), CauseNotHere, says{"this bridge is no member of its group at the moment", "running  2 runs of it under way, from before"}, nil},
		"a copy is waited for": {with(calm(), func(s *scene) {
			s.view = view{Survey: queue.Survey{TopicPartition: s.TopicPartition}}
			s.owner = &Owner{Committed: 777, Store: "store-9", Ours: true}
			s.member.ID, s.member.Sessions, s.member.Copy = "", 0, "the member at 10.0.0.7 works with this store, too"
		}), CauseNotHere, says{"It is not held here now, because the member at 10.0.0.7 works with this store, too.", "ends with exit code 7"}, nil},
		"nothing of it is here, without a bridge": {with(calm(), func(s *scene) {
			s.live, s.view, s.member = false, view{Survey: queue.Survey{TopicPartition: s.TopicPartition}}, nil
		}), CauseNotHere, says{"This data directory keeps nothing of the partition."}, nil},
		"Kafka is away": {with(stuck(Ready), func(s *scene) {
			s.member.Confirmed, s.Until = ago(5*time.Minute), ago(4*time.Minute)
		}), CauseJob, says{"the group's coordinator has not answered for 5m, longer than the session timeout: no job starts", "it starts when that ends: the group has not confirmed"}, nil},
		"Kafka is away for a while": {with(stuck(Running), func(s *scene) { s.member.Confirmed = ago(30 * time.Second) }), CauseJob,
			says{"has not answered for 30s; once the session has timed out no job starts"}, nil},
		"no member": {with(stuck(Ready), func(s *scene) { s.member.ID, s.Until = "", time.Time{} }), CauseJob, says{"no member of its group"}, nil},
		"the commit hangs": {with(calm(), func(s *scene) {
			s.State.Acknowledged, s.AckedAt = 450, ago(2*time.Minute)
			s.claim.Committing, s.claim.CommitSince = 480, ago(2*time.Minute)
		}), CauseCommit, says{"All below 500 is done and on disk; Kafka has acknowledged 450 only. Kafka has not answered the commit of 480 for 2m.", "Nothing is lost meanwhile"}, nil},
		"commits fail": {with(stuck(Running), func(s *scene) {
			s.State.Acknowledged, s.claim.Committing, s.claim.CommitErr, s.claim.CommitSince = 350, 400, "not authorized", ago(time.Minute)
		}), CauseCommit, says{"commits fail: not authorized", "the offset will wait for orders/3@400"}, nil},
		"frontier moved and the commit not yet": {with(calm(), func(s *scene) { s.State.Acknowledged = 450 }), CauseCommit,
			says{"Kafka has acknowledged 450 only", "the next commit, within a moment."}, says{"fail", "not answered"}},
		"the commit is behind a little": {with(stuck(Running), func(s *scene) { s.State.Acknowledged = 390 }), CauseJob,
			says{"10 offsets more may be committed, and are with the next commit"}, nil},
		"on its way to the disk": {with(calm(), func(s *scene) { s.Durable, s.State.Acknowledged, s.pending = 480, 480, 20 }), CauseFlush,
			says{"All below 500 is done, and is on its way to the disk; below 480 it is there.", "20 outcomes are not on disk yet"}, nil},
		"the store failed": {with(stuck(Running), func(s *scene) { s.failed = errors.New("no space left on device") }), CauseStoreFailed,
			says{"A write to the store failed: no space left on device.", "nothing runs and no offset moves"}, says{"re-runs"}},
		"damaged": {with(calm(), func(s *scene) {
			s.live, s.known, s.claim, s.damaged = false, false, nil, errors.New("checksum does not match")
		}), CauseUnreadable, says{"cannot be read: checksum does not match", "holdfast verify"}, nil},
		"all workers are busy": {with(stuck(Ready), func(s *scene) { s.pool.Busy = 64 }), CauseJob,
			says{"as soon as one of the 64 workers is free: all are busy", "holdfast inspect workers"}, nil},
		"the topic's limit": {with(stuck(Ready), func(s *scene) { s.topic = queue.TopicState{Running: 4, Limit: 4} }), CauseJob,
			says{"one of the 4 runs that orders may have at a time ends"}, nil},
		"the rate":   {with(stuck(Ready), func(s *scene) { s.topic.Slowed = true }), CauseJob, says{"when the rate allows it"}, nil},
		"no workers": {with(stuck(Ready), func(s *scene) { s.pool.Workers = 0 }), CauseJob, says{"there is no worker"}, nil},
		"a suspect": {with(stuck(Ready), func(s *scene) {
			s.job.Suspect, s.job.Crashes, s.suspects, s.testing = true, 2, 5, true
		}), CauseJob, says{"when the suspect that runs alone now has ended (5 left)", "crashed 2 times while it ran alone", "5 jobs that ran then run alone"}, nil},
		"it moves": {with(stuck(Running), func(s *scene) { s.Moved = ago(200 * time.Millisecond) }), CauseJob,
			says{"It moves: last 200ms ago. It waits for orders/3@400, key k."}, says{"Not moved"}},
		"not since it was taken over": {with(stuck(Halted), func(s *scene) { s.Moved, s.Loaded = time.Time{}, ago(10*time.Minute) }), CauseJob,
			says{"Not moved for at least 10m, since it was taken over"}, nil},
		"without a bridge": {with(stuck(Halted), func(s *scene) {
			s.live, s.claim, s.log, s.member, s.pool, s.settings = false, nil, nil, nil, nil, nil
			failed(s.job, 3, "http 409")
		}), CauseJob, says{"orders/3@400, key k, is unfinished: the offset waits for it.", "halted after 3 attempts, last", "re-runs 0"}, says{"Not moved"}},
		"a key that is no text": {with(stuck(Halted), func(s *scene) {
			s.job.Key, s.job.Lane = []byte{0xff, 1}, "\xff\x01"
		}), CauseJob, says{"key 0xff01", "--key-hex ff01"}, nil},
		"no key": {with(stuck(Halted), func(s *scene) { s.job.Key, s.job.Own, s.job.Lane = nil, true, "" }), CauseJob,
			says{"which has no key, is unfinished", "holdfast park --topic orders --partition 3 --offset 400"}, nil},
		"a key with spaces":    {with(stuck(Halted), func(s *scene) { s.job.Key, s.job.Lane = []byte("a b'c"), "a b'c" }), CauseJob, says{`--key 'a b'\''c'`}, nil},
		"Kafka has deleted it": {with(stuck(Halted), func(s *scene) { s.log.Start = 450 }), CauseJob, says{"Kafka has deleted offset 400 already"}, nil},
		"asked: blocked": {with(stuck(Blocked), func(s *scene) {
			at := int64(420)
			s.asked, s.job.Offset, s.job.Holds = &at, 420, false
			s.job.After = &Name{"orders", 3, 400}
			s.after = &JobDetail{Name: *s.job.After, State: Halted, Lane: "k"}
		}), CauseJob, says{"orders/3@420, key k, is blocked. The committed offset waits for orders/3@400.", "blocked: orders/3@400 of its key is before it, halted",
			"it follows when orders/3@400 is done. Of that one: nothing, until you act.", "holdfast explain --topic orders --partition 3 --offset 400"}, nil},
		"asked: halted behind the one that the offset waits for": {with(stuck(Halted), func(s *scene) {
			at := int64(420)
			s.asked, s.job.Offset, s.job.Holds = &at, 420, false
		}), CauseJob, says{"it becomes a dead letter; the offset waits for orders/3@400", "it is set aside, and later ones of this key; the offset waits for orders/3@400"}, says{"the offset moves"}},
		"asked: halted once it was requeued": {with(calm(), func(s *scene) {
			at := int64(300)
			s.asked, s.job = &at, &JobDetail{Name: Name{"orders", 3, 300}, Key: []byte("k"), Lane: "k", State: Halted, Aside: true}
		}), CauseJob, says{"The committed offset does not wait for it.", "it becomes a dead letter\n"}, says{"the offset moves", "the offset waits"}},
		"asked: runs, and the offset waits for another one": {with(stuck(Running), func(s *scene) {
			at := int64(420)
			s.asked, s.job.Offset, s.job.Holds = &at, 420, false
		}), CauseJob, says{"later ones of this key aside; this run goes on\n"}, says{"the offset waits for it"}},
		"asked: an older scheme comes first": {with(stuck(Blocked), func(s *scene) {
			at := int64(420)
			s.asked, s.job.Offset, s.job.Holds = &at, 420, false
			s.job.After = &Name{"orders", 3, 400}
			s.after = &JobDetail{Name: *s.job.After, State: Running, Lane: "old"}
		}), CauseJob, says{"newer partitioner or ordering"}, nil},
		"asked: done": {with(stuck(Done), func(s *scene) {
			at := int64(420)
			s.asked, s.job.Offset = &at, 420
		}), CauseJob, says{"orders/3@420 is done, or there is no such record: offsets have gaps. The committed offset waits for orders/3@400.", "holdfast requeue --from-kafka --topic orders --partition 3 --offset 420"}, nil},
		"asked: done, and Kafka has deleted it": {with(stuck(Done), func(s *scene) {
			at := int64(420)
			s.asked, s.job.Offset, s.log.Start = &at, 420, 450
		}), CauseJob, says{"orders/3@420 is done"}, says{"requeue"}},
		"asked: runs again": {with(stuck(Halted), func(s *scene) {
			at := int64(300)
			s.asked, s.job.Offset, s.job.Holds, s.job.Aside, s.job.ID, s.job.Rerun = &at, 300, false, true, "id/3@300+1", ago(time.Hour)
		}), CauseJob, says{"its record was finished, and runs again since 11:00:00 as another job: id/3@300+1"}, nil},
		"asked: not stored": {with(calm(), func(s *scene) {
			at := int64(600)
			s.asked, s.job, s.log.End = &at, &JobDetail{Name: Name{"orders", 3, 600}, State: NotStored}, 900
		}), CauseJob, says{"is not stored yet: the store has read up to 500", "they are being read"}, nil},
		"asked: not in Kafka either": {with(calm(), func(s *scene) {
			at := int64(600)
			s.asked, s.job = &at, &JobDetail{Name: Name{"orders", 3, 600}, State: NotStored}
		}), CauseJob, says{"Kafka does not have it either"}, nil},
		"asked: dead": {with(stuck(Dead), func(s *scene) {
			at := int64(300)
			s.asked, s.job.Offset, s.job.Holds = &at, 300, false
			failed(s.job, 10, "http 409")
			s.job.Letter = &Burial{Buried: ago(time.Hour), Reason: "http 409"}
			s.settings.Keep = 2 * time.Hour
		}), CauseJob, says{"is a dead letter. The committed offset does not wait for it.", "dead letter since 11:00:00, buried after 10 attempts: http 409", "kept until 13:00:00", "holdfast requeue", "holdfast discard"}, nil},
		"asked: parked, with the rest elsewhere": {with(stuck(Parked), func(s *scene) {
			at := int64(420)
			s.asked, s.job.Offset, s.job.Holds, s.job.Aside = &at, 420, false, true
			s.job.Parked = &ParkedLane{Lane: "k", Offset: 410, Since: ago(time.Hour), Reason: "http 409", Jobs: 7, Elsewhere: []string{"store-2"}}
		}), CauseJob, says{"parked since 11:00:00: lane k is set aside with 7 jobs, since 410 failed: http 409; the store store-2 keeps the rest",
			"until you release its lane", "holdfast release --topic orders --partition 3 --lane k"}, nil},
		"asked: parked, of an empty key": {with(stuck(Parked), func(s *scene) {
			at := int64(420)
			s.asked, s.job.Offset, s.job.Aside, s.job.Key, s.job.Lane = &at, 420, true, []byte{}, ""
			s.job.Parked = &ParkedLane{LaneID: 7, Offset: 410, Since: ago(time.Hour), Jobs: 7}
		}), CauseJob, says{`key "",`, `parked since 11:00:00: lane "" is set aside with 7 jobs`, "--partition 3 --offset 410"}, nil},
		"a parked lane whose name another store knows": {with(calm(), func(s *scene) {
			s.lanes, s.parked = 1, []ParkedLane{{LaneID: 7, Elsewhere: []string{"store-2"}}}
		}), CauseCaughtUp, says{"lane 0000000000000007: the store store-2 keeps"}, nil},
		"the lane of an empty key is paused": {with(stuck(Paused), func(s *scene) {
			s.job.Key, s.job.Lane = []byte{}, ""
			s.pauses = []PauseEntry{{Topic: "orders", Partition: 3, OfLane: true, Since: ago(time.Hour)}}
		}), CauseJob, says{`its lane ""`, "--lane ''"}, nil},
		"asked: cannot be looked at": {with(calm(), func(s *scene) {
			at := int64(-1)
			s.asked, s.jobErr = &at, errors.New("offset -1 is below zero")
		}), CauseJob, says{"cannot be looked at: offset -1 is below zero"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := c.scene.explain()
			text := e.String()
			if e.Cause != c.cause {
				t.Errorf("cause %s, want %s", e.Cause, c.cause)
			}
			for _, part := range c.says {
				if !strings.Contains(text, part) {
					t.Errorf("does not say %q", part)
				}
			}
			for _, part := range c.not {
				if strings.Contains(text, part) {
					t.Errorf("says %q", part)
				}
			}
			if e.Summary == "" || e.NextStep == "" && c.says[0] != "cannot be looked at: offset -1 is below zero" {
				t.Error("summary or next step is missing")
			}
			if t.Failed() {
				t.Log("\n" + text)
			}
		})
	}
}
