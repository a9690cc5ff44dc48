package recovery

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

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
