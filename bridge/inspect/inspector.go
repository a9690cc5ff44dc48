package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

var (
	// ErrNotRunning is returned by the inspector of a bridge that has not
	// begun to run, or has ended. [Open] inspects its data directory then.
	ErrNotRunning = errors.New("bridge is not running")
	// ErrNoBridge, which is an [ErrNotRunning], means that only a running bridge
	// can tell or do what was asked for, and the store of a stopped one was opened.
	ErrNoBridge = fmt.Errorf("%w here", ErrNotRunning)
	// ErrNotHeld means that no partition of the selection is held here: another
	// member of the group has it, or none has it yet.
	ErrNotHeld = errors.New("not held here")
	// ErrNotFound means that there is nothing of the name that was given.
	ErrNotFound = errors.New("not found")
	// ErrMalformed means that a file is not what [Export] writes.
	ErrMalformed = errors.New("malformed")
	// ErrOutOfRange means that Kafka does not have the offset that was given.
	ErrOutOfRange = errors.New("out of range")
	// ErrRefused means that a promise would be broken.
	ErrRefused = errors.New("refused")
)

// Inspector reads jobs and acts on them. It is safe for concurrent use.
type Inspector interface {
	// Partitions lists the partitions that are held, by topic and number.
	Partitions(context.Context) ([]Partition, error)
	// Jobs lists open jobs by partition and offset, as they stand when each is
	// reached. It ends with the first error.
	Jobs(context.Context, Query) iter.Seq2[Job, error]
	// Parked lists the lanes that are set aside, also of partitions that are not
	// held: by topic, partition and lane. A query's Offsets are those of jobs that
	// lanes were parked for; its From and States say nothing.
	Parked(context.Context, Query) iter.Seq2[ParkedLane, error]
	// Pauses lists what operators have paused: topics, partitions, then lanes.
	Pauses(context.Context) ([]PauseEntry, error)
	// Settings lists what operators have set, by topic and name.
	Settings(context.Context) ([]Setting, error)
	// Dead lists dead letters by partition and offset, whoever holds their
	// partitions now. It ends with the first error.
	Dead(context.Context, DeadQuery) iter.Seq2[DeadLetter, error]
	// Plan tells what a command would do and changes nothing.
	Plan(context.Context, Command) (Plan, error)
	// Execute does what the plan shows. With an error, what the operation
	// names was done, and more of the plan may have been.
	Execute(context.Context, Plan) (Operation, error)
	// Status looks at everything at once. It is cheap enough for once a second,
	// however many jobs there are.
	Status(context.Context) (Status, error)
	// Lanes lists the lanes that hold jobs, the largest first or as the query
	// says. Of a partition with more than ten thousand, lanes of at most 64 jobs
	// that are ready may be missing.
	Lanes(context.Context, LaneQuery) iter.Seq2[Lane, error]
	// Job tells everything about one job, also one that is parked or a dead
	// letter, whoever holds its partition. Of what is done or was never stored it
	// tells that. With ErrNotHeld nothing is kept of it here.
	Job(context.Context, Name) (JobDetail, error)
	// Workers lists the runs under way, those that last longest first. Without a
	// bridge it is ErrNoBridge.
	Workers(context.Context) ([]Worker, error)
	// Disk tells what takes up room, and what will become of it.
	Disk(context.Context) (Disk, error)
	// Explain tells why the committed offset of a partition is where it is, or
	// with an offset, what that job does. It never is ErrNotHeld: it says so.
	Explain(ctx context.Context, topic string, partition int32, offset *int64) (Explanation, error)
	// Audit lists who has done what, the oldest entries first. It ends with the
	// first error.
	Audit(context.Context, AuditQuery) iter.Seq2[AuditEntry, error]
	// Operations lists the stored operations as they began: those under way, and
	// the last hundred that are over.
	Operations(context.Context) ([]BulkOperation, error)
	// Snapshot copies the store as it is now to a directory, given with its whole
	// path, which must not hold one. Jobs go on meanwhile.
	Snapshot(ctx context.Context, path string) (SnapshotReport, error)
}

// Partition is a Kafka partition that is held.
type Partition struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	Committed int64  `json:"committed"`    // last offset that Kafka acknowledged; -1: none
	Frontier  int64  `json:"frontier"`     // lowest unfinished offset on disk: what is committed next; -1: none yet
	Next      int64  `json:"next"`         // next offset to store
	Open      int    `json:"open"`         // unfinished jobs
	Running   int    `json:"running"`      // runs under way
	Halted    int    `json:"halted"`       // of Open, given up: each holds its lane
	Paused    bool   `json:"paused"`       // as a whole, or with its topic; see Inspector.Pauses
	Dead      int    `json:"dead"`         // dead letters that are kept; Inspector.Dead has those of other partitions, too
	Parked    int    `json:"parked_lanes"` // lanes that are set aside
	Aside     int    `json:"aside"`        // jobs that run again though Committed does not wait for them
}

// Options tunes an inspector. The zero value is useful.
type Options struct {
	// Logger receives what was executed. Nil: nothing is logged.
	Logger *slog.Logger
	// Clock is the time that plans and operations show. Nil: the machine's.
	Clock queue.Clock
	// LaneOf finds the lane of a topic by the key of its records or by its name,
	// of which one is given, so that a lane without a job can be paused. Nil, or
	// where it does not know: a job in the lane tells.
	LaneOf func(topic string, key, name []byte) (queue.Lane, bool)
	// Cancel cancels the run of a job as it was planned, and tells whether it
	// was still under way, and what an earlier cancel of the run has said; empty:
	// there was none. Nil: no bridge runs here, and no run is under way.
	Cancel func(Target, Then) (before Then, underWay bool)
	// Live tells what only a running bridge knows. Nil: none runs here.
	Live Live
	// Kafka is the cluster. Nil: there is no connection, and verbs that need one
	// are refused.
	Kafka Kafka
	// Drain makes a running bridge drain, and DrainState tells how far it is; Leave
	// makes it stop and leave its group. They report false where that is so
	// already. Nil: no bridge runs here.
	Drain      func(DrainOrder) (changed bool)
	DrainState func() DrainState
	Leave      func() (changed bool)
	// Turn makes a running bridge carry out what [queue.Partition.AskSeek] has
	// noted, and waits until Kafka has acknowledged it. Nil: no bridge runs here.
	Turn func(context.Context, queue.TopicPartition) error
	// Entry names the entry of the configuration that a topic goes by. Nil: the
	// configuration is not known.
	Entry func(topic string) (entry string, ok bool)
	// Set makes a bridge go by settings in place of those of its configuration,
	// but for those of which Unfit tells, by their index, why they do not go with
	// it; SettingOf is the configuration's own value, and false where it has no such
	// entry. Nil: the configuration is not known.
	Set       func([]Setting)
	Unfit     func([]Setting) (problems []string)
	SettingOf func(topic, name string) (value float64, ok bool)
	// Verify checks the file before [Open] opens it; an error refuses. Nil: no
	// check beyond the checksums of what is read.
	Verify func(ctx context.Context, path string) error
}

// inspector works on the partitions that its store has attached.
type inspector struct {
	store   *queue.Store
	opt     Options
	setting sync.Mutex // held while settings change
	// unreadable are partitions that could not be attached, and why.
	unreadable map[queue.TopicPartition]error
	offline    bool // no bridge runs: all partitions are attached, and none is worked on
}

// New inspects the partitions that are attached to an open store.
func New(store *queue.Store, opt Options) Inspector { return newInspector(store, opt) }

func newInspector(store *queue.Store, opt Options) *inspector {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Clock == nil {
		opt.Clock = queue.SystemClock{}
	}
	return &inspector{store: store, opt: opt}
}

func (i *inspector) now() time.Time { return i.opt.Clock.Now() }

func (i *inspector) Partitions(context.Context) ([]Partition, error) {
	if err := i.store.Err(); err != nil {
		return nil, err
	}
	var list []Partition
	for _, p := range i.store.Attached() {
		tp, state := p.TopicPartition(), p.State()
		list = append(list, Partition{
			Topic:     tp.Topic,
			Partition: tp.Partition,
			Committed: state.Acknowledged,
			Frontier:  p.Frontier(),
			Next:      state.Next,
			Open:      state.Open,
			Running:   p.Running(),
			Halted:    state.Halted,
			Paused:    state.Paused,
			Dead:      i.store.DeadCount(tp).Letters,
			Parked:    state.Parked,
			Aside:     state.Aside,
		})
	}
	return list, nil
}

// partitions returns those that the query selects.
func (i *inspector) partitions(q Query) (parts []*queue.Partition, err error) {
	held := i.store.Attached()
	for _, p := range held {
		if q.selects(p.TopicPartition()) {
			parts = append(parts, p)
		}
	}
	for _, number := range q.Partitions {
		tp := queue.TopicPartition{Topic: q.Topic, Partition: number}
		if find(parts, tp) == nil {
			return nil, i.notHeld(tp)
		}
	}
	if q.Topic != "" && len(parts) == 0 {
		return nil, fmt.Errorf("no partition of topic %s: %w", q.Topic, ErrNotHeld)
	}
	return parts, nil
}

func (i *inspector) notHeld(tp queue.TopicPartition) error {
	if err := i.unreadable[tp]; err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", tp, ErrNotHeld)
}

// notHeld is the error of a partition that was given up meanwhile.
func notHeld(err error) error {
	if errors.Is(err, queue.ErrDetached) {
		return fmt.Errorf("%w any more: %w", ErrNotHeld, err)
	}
	return err
}

func find(parts []*queue.Partition, tp queue.TopicPartition) *queue.Partition {
	at := slices.IndexFunc(parts, func(p *queue.Partition) bool { return p.TopicPartition() == tp })
	if at < 0 {
		return nil
	}
	return parts[at]
}

func compareNames(a, b Name) int {
	return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
}
