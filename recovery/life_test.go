package recovery

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// lives are the lives of one process after another on one data directory.
type lives struct {
	t    *testing.T
	dir  string
	boot string
	now  time.Time
}

func newLives(t *testing.T) *lives {
	return &lives{t: t, dir: t.TempDir(), boot: "boot 1", now: time.Unix(1_700_000_000, 0)}
}

// begin is a start of the process. What the one before has not said counts as a
// crash: closing files says nothing.
func (l *lives) begin() *Life {
	l.t.Helper()
	opened, err := Open(l.t.Context(), Options{Dir: l.dir, Group: "g"})
	if err != nil {
		l.t.Fatal(err)
	}
	life, err := opened.begin(l.now, l.boot)
	if err != nil {
		l.t.Fatal(err)
	}
	opened.life = nil // it goes on as if the process did
	file, err := os.OpenFile(filepath.Join(l.dir, slotsName), os.O_RDWR, 0)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { file.Close() })
	life.file = file
	if err := opened.Close(); err != nil {
		l.t.Fatal(err)
	}
	return life
}

// run notes jobs as running, each by a worker of its own, and lets time pass.
func (l *lives) run(life *Life, d time.Duration, offsets ...int64) (slots []*Slot) {
	l.t.Helper()
	for _, offset := range offsets {
		s, err := life.Slot()
		if err != nil {
			l.t.Fatal(err)
		}
		s.Note(ordersJob(offset, false), offset, l.now)
		slots = append(slots, s)
	}
	l.now = l.now.Add(d)
	life.Beat(l.now)
	return slots
}

// tryOut notes a job as the one on probation.
func (l *lives) tryOut(life *Life, offset int64) {
	l.t.Helper()
	l.run(life, 0, offset)[0].Note(ordersJob(offset, true), offset, l.now)
}

func ordersJob(offset int64, onProbation bool) *queue.Job {
	return &queue.Job{
		Topic: orders.Topic, Partition: orders.Partition, Suspect: onProbation,
		Record: queue.Record{Offset: offset, Lane: ordersLane(offset)},
	}
}

func ordersLane(offset int64) queue.Lane { return queue.Lane{ID: uint64(offset) * 7} }

// want compares what a life has found: suspects as @offset, with a ! for each
// crash that is to count.
func (l *lives) want(life *Life, crashes int, suspects ...string) {
	l.t.Helper()
	var got []string
	for _, s := range life.Probation() {
		name := fmt.Sprintf("@%d", s.First)
		if s.Crashes > 0 {
			name += strings.Repeat("!", s.Crashes)
		}
		got = append(got, name)
	}
	slices.Sort(got)
	inARow, _ := life.Crashes()
	if inARow != crashes || !slices.Equal(got, suspects) {
		l.t.Errorf("%d crashes in a row, suspects %v, want %d, %v", inARow, got, crashes, suspects)
	}
}

func TestTheFirstLifeHasNothingBehindIt(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.want(l.begin(), 0)
}

func TestSuspectsAfterTwoCrashesInARow(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.run(l.begin(), time.Second, 1, 2)
	life := l.begin()
	l.want(life, 1) // one crash is nobody's
	l.run(life, time.Second, 2, 3)
	l.want(l.begin(), 2, "@1", "@2", "@3")
}

func TestAJobThatEndedIsNoSuspect(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.begin()
	life := l.begin()
	slots := l.run(life, time.Second, 1, 2)
	slots[0].Clear()
	life.Release(slots[1])
	l.want(l.begin(), 2)
}

func TestAJobThatHadRunLongIsNoSuspect(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.begin()
	life := l.begin()
	l.run(life, time.Second, 1)
	l.run(life, LivedFor-time.Second, 2)
	l.want(l.begin(), 2, "@2")
}

func TestOnlyTheJobOnProbationIsCharged(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.begin()
	l.run(l.begin(), time.Second, 1, 2)
	life := l.begin()
	l.tryOut(life, 1)
	l.run(life, 0, 6) // may have done it, and is a suspect from now on
	life = l.begin()
	l.want(life, 3, "@1!", "@2", "@6")

	for _, x := range life.Probation() {
		life.Charged(x)
	}
	l.want(life, 3, "@1", "@2", "@6")
	life.Acquit(orders, ordersLane(2), 2)
	l.want(life, 3, "@1", "@6")
	l.want(l.begin(), 4, "@1", "@6") // those that had no turn wait on
}

func TestAChargeThatWasNotMadeYetIsMadeLater(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.begin()
	l.run(l.begin(), time.Second, 1)
	life := l.begin()
	l.tryOut(life, 1)
	l.begin()
	life = l.begin()
	l.want(life, 4, "@1!")

	// The job has come by now, with its charge, and the process dies before that is on disk.
	job := ordersJob(1, true)
	job.Crashes = 1
	l.run(life, 0, 1)[0].Note(job, 1, l.now)
	l.want(l.begin(), 5, "@1!!")
}

func TestAChangedBootIDBlamesNobody(t *testing.T) {
	t.Parallel()
	for _, boot := range []string{"boot 2", ""} {
		l := newLives(t)
		l.begin()
		l.run(l.begin(), time.Second, 1)
		l.boot = boot
		l.want(l.begin(), 0)
	}
}

func TestAPlannedStopIsNoCrash(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.run(l.begin(), time.Second, 1)
	life := l.begin()
	l.run(life, time.Second, 2)
	life.Stopping()
	life = l.begin()
	l.want(life, 1)
	l.run(life, time.Second, 3)
	life = l.begin()
	l.want(life, 2, "@1", "@3") // the stop has not broken the row
	l.tryOut(life, 1)
	life.Stopping()
	l.want(l.begin(), 2, "@1", "@3")
}

func TestTheRowEndsWhenTheProcessHasLived(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.begin()
	l.run(l.begin(), time.Second, 1)
	life := l.begin()
	life.Settle()
	l.want(life, 2)
	l.run(life, time.Second, 2)
	life = l.begin()
	l.want(life, 1)
	life.Settle()
	life.Stopping()
	l.want(l.begin(), 0)
}

func TestProbationThatHasEndedChargesNobody(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.begin()
	l.run(l.begin(), time.Second, 1)
	life := l.begin()
	l.tryOut(life, 1)
	life.Settle()
	l.run(l.begin(), 0, 9)
	l.want(l.begin(), 2, "@1", "@9")
}

func TestABatchIsAcquittedAsFarAsItRan(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.begin()
	life := l.begin()
	l.run(life, 0, 1)[0].Note(ordersJob(1, false), 4, l.now)
	life = l.begin()
	l.want(life, 2, "@1")
	life.Acquit(orders, ordersLane(1), 2)
	l.want(life, 2, "@3")
	life.Acquit(orders, ordersLane(8), 3)
	life = l.begin()
	l.want(life, 3, "@3")
	life.Acquit(orders, ordersLane(1), 4)
	l.want(life, 3)
}

func TestSuspectsOfALongRowAreBounded(t *testing.T) {
	t.Parallel()
	var notes []note
	for i := range int64(3 * maxSuspects) {
		n := note{life: 1, flags: flagSuspect}
		if i >= 2*maxSuspects {
			n.life, n.flags = 2, 0
		}
		n.First, n.Last = i, i
		notes = append(notes, n)
	}
	v := judge(record{life: 2, crashes: 7, boot: "b", phase: wordRunning}, "b", notes)
	if v.crashes != 8 || len(v.suspects) != maxSuspects || v.suspects[0].life != 2 {
		t.Errorf("%d crashes, %d suspects, the first of life %d", v.crashes, len(v.suspects), v.suspects[0].life)
	}
}

func TestAStartThatIsCutOffJudgesTheSame(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.begin()
	l.run(l.begin(), time.Second, 1, 2)
	path := filepath.Join(l.dir, slotsName)
	before := readFile(t, path)
	l.want(l.begin(), 2, "@1", "@2")
	after := readFile(t, path)
	copy(after[recordAt:recordAt+recordSize], before[recordAt:]) // all but the record
	writeFile(t, path, after)
	l.want(l.begin(), 2, "@1", "@2")
}
