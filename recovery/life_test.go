package recovery

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
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

func TestMoreWorkersThanSlots(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.begin()
	life := l.begin()
	var offsets []int64
	for i := range int64(1000) {
		offsets = append(offsets, i)
	}
	l.run(life, time.Second, offsets...)
	life = l.begin()
	if n := len(life.Probation()); n != len(offsets) {
		t.Errorf("%d suspects, want %d", n, len(offsets))
	}
	l.run(life, time.Second, 2000, 2001) // beside those that are kept
	if n := len(l.begin().Probation()); n != len(offsets)+2 {
		t.Errorf("%d suspects, want %d", n, len(offsets)+2)
	}
	info, err := os.Stat(filepath.Join(l.dir, slotsName))
	if err != nil || info.Size()%sheetSize != 0 || info.Size() > 6*sheetSize {
		t.Errorf("%v bytes, %v", info.Size(), err)
	}
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

// TestFileOfAnOlderLayout has zeroes where this version keeps lives and slots.
func TestFileOfAnOlderLayout(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	content := make([]byte, slotsSize)
	copy(content, slotsMagic)
	writeFile(t, filepath.Join(l.dir, slotsName), content)
	life := l.begin()
	l.want(life, 0)
	l.run(life, time.Second, 1)
	l.want(l.begin(), 1)
}

func TestDamagedSlotsBlameNobody(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.begin()
	l.run(l.begin(), time.Second, 1, 2)
	content := readFile(t, filepath.Join(l.dir, slotsName))
	damaged := func(at int) *lives {
		d := newLives(t)
		content[at] ^= 0xff
		writeFile(t, filepath.Join(d.dir, slotsName), content)
		content[at] ^= 0xff
		return d
	}
	for _, at := range []int{0, 4, 17, slotHeader + 2} {
		d := damaged(slotsAt + at)
		d.want(d.begin(), 2, "@2")
	}
	d := damaged(recordAt + 20)
	d.want(d.begin(), 0)
}

func TestLongestTopicFitsASlot(t *testing.T) {
	t.Parallel()
	n := note{life: 1 << 60, flags: flagOwn | flagProbation, began: time.Hour}
	n.Topic, n.Partition, n.First, n.Last = strings.Repeat("t", 249), 1<<30, 1<<60, 1<<61
	n.Lane = queue.Lane{ID: 1<<64 - 1, Own: true}
	b := make([]byte, slotSize)
	n.encode(b)
	if got, ok := decodeSlot(b); !ok || got.id() != n.id() || got.began != n.began || got.Last != n.Last || got.life != n.life {
		t.Errorf("%+v became %+v, %v", n, got, ok)
	}
}

func TestAWorkerThatWasLeftBehindDisturbsNobody(t *testing.T) {
	t.Parallel()
	l := newLives(t)
	l.begin()
	old := l.begin()
	left := l.run(old, 0, 1)[0]
	old.Stopping()
	old.end()
	life := l.begin()
	l.run(life, 0, 2)
	left.Clear()
	old.Beat(l.now)
	old.Settle()
	runtime.GC() // what is still referred to stays mapped
	left.Note(ordersJob(3, false), 3, l.now)
	l.want(l.begin(), 2, "@2")
}

func FuzzSlots(f *testing.F) {
	b := make([]byte, slotSize)
	(&note{life: 3, Suspect: queue.Suspect{TopicPartition: orders}}).encode(b)
	f.Add(b, record{life: 3, boot: "boot 1", phase: wordRunning}.encode())
	f.Fuzz(func(t *testing.T, slot, sector []byte) {
		slot = append(slot, make([]byte, slotSize)...)[:slotSize]
		sector = append(sector, make([]byte, recordSize)...)[:recordSize]
		n, ok := decodeSlot(slot)
		if ok && (len(n.Topic) == 0 || len(n.Topic) > maxTopic) {
			t.Errorf("topic %q", n.Topic)
		}
		before, _ := decodeRecord(sector)
		if v := judge(before, "boot 1", []note{n, n}); len(v.suspects) > 1 {
			t.Errorf("twice the same suspect: %v", v.suspects)
		}
	})
}

func TestANoteAllocatesNothing(t *testing.T) {
	l := newLives(t)
	s := l.run(l.begin(), 0, 1)[0]
	job := ordersJob(2, true)
	if n := testing.AllocsPerRun(100, func() { s.Note(job, 2, l.now); s.Clear() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkSlot is what a job pays for being found after a crash.
func BenchmarkSlot(b *testing.B) {
	opened, err := Open(b.Context(), Options{Dir: b.TempDir(), Group: "g"})
	if err != nil {
		b.Fatal(err)
	}
	defer opened.Close()
	began := time.Now()
	life, err := opened.Begin(began)
	if err != nil {
		b.Fatal(err)
	}
	s, err := life.Slot()
	if err != nil {
		b.Fatal(err)
	}
	job := ordersJob(1, false)
	b.ReportAllocs()
	for b.Loop() {
		job.Offset++
		s.Note(job, job.Offset, began)
		s.Clear()
	}
}
