package recovery

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/queue"
)

func mustRepair(t *testing.T, dir string, opt RepairOptions) RepairReport {
	t.Helper()
	report, err := Repair(context.Background(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestRepairOfASoundStoreChangesNothingInIt(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 3000)
	before := readFile(t, path)
	dry := mustRepair(t, dir, RepairOptions{DryRun: true})
	if dry.Jobs != 3000 || len(dry.Lost) > 0 || dry.Path != "" || dry.Identity.Group != "billing" {
		t.Errorf("%+v", dry)
	}
	if string(readFile(t, path)) != string(before) {
		t.Error("the dry run changed the file")
	}
	report := mustRepair(t, dir, RepairOptions{})
	if report.Jobs != 3000 || report.Path != path || report.Kept != path+DamagedSuffix || report.Before != int64(len(before)) {
		t.Errorf("%+v", report)
	}
	if string(readFile(t, report.Kept)) != string(before) {
		t.Error("the file that was there is not kept")
	}
	wantJobs(t, dir, 3000)
	if again := mustRepair(t, dir, RepairOptions{}); again.Kept == report.Kept {
		t.Error("the first damaged file was overwritten")
	}
}

// TestRepairAfterAnyDamagedPage clears each page of a store in turn. What the
// page held is fetched again, stays by name, or is named as lost; the partition
// works on with all else.
func TestRepairAfterAnyDamagedPage(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 20000)
	sound := readFile(t, path)
	size := os.Getpagesize()
	usable := 0
	for page := 2; page < len(sound)/size; page += 1 + page/8 {
		b := append([]byte(nil), sound...)
		clear(b[page*size:][:size])
		writeFile(t, path, b)
		to := filepath.Join(t.TempDir(), "to")
		report := mustRepair(t, dir, RepairOptions{To: to})
		if verdict, err := Verify(context.Background(), report.Path, true); err != nil {
			t.Fatalf("page %d: %v", page, err)
		} else if len(verdict.Damaged) > 0 && len(report.Lost) == 0 {
			t.Fatalf("page %d: %v is damaged and not named", page, verdict.Damaged)
		}
		o := mustOpen(t, options(to))
		state := attach(t, o).State()
		mustClose(t, o)
		if state.Next < 0 { // nothing of the partition could be reached: it begins at the committed offset
			if len(report.Lost) == 0 {
				t.Errorf("page %d: the partition is gone, and nothing is named", page)
			}
			continue
		}
		usable++
		fetched := 20100 - state.Next // from next on Kafka delivers again
		if got := int64(state.Open) + int64(state.Aside) + fetched; got < 20000 {
			t.Errorf("page %d: %d jobs of 20000: %+v %v", page, got, state, report.Lost)
		}
	}
	if usable < 5 {
		t.Errorf("only %d damages left the partition", usable)
	}
}

func TestRepairKeepsADamagedRecordByName(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 2000)
	b := readFile(t, path)
	at := strings.Index(string(b), "value of job 77")
	b[at] ^= 1
	writeFile(t, path, b)
	report := mustRepair(t, dir, RepairOptions{})
	if len(report.Lost) != 1 || report.Lost[0].Where != "orders/3@177" || !strings.Contains(report.Lost[0].String(), "fetches its record from Kafka again") {
		t.Errorf("%v", report.Lost)
	}
	wantJobs(t, dir, 2000)
}

func TestRepairRefuses(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	if _, err := Repair(ctx, t.TempDir(), RepairOptions{}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without a store: %v", err)
	}
	dir, path := newStore(t, 10)
	o := mustOpen(t, options(dir))
	if _, err := Repair(ctx, dir, RepairOptions{DryRun: true}); !errors.Is(err, ErrInUse) {
		t.Errorf("in use: %v", err)
	}
	mustClose(t, o)
	other, _ := newStore(t, 10)
	if _, err := Repair(ctx, dir, RepairOptions{To: other}); !errors.Is(err, ErrOccupied) {
		t.Errorf("onto another store: %v", err)
	}
	full := copier{free: func(string) (int64, error) { return 1 << 20, nil }}
	if _, err := repair(ctx, dir, RepairOptions{}, full); !errors.Is(err, ErrNoRoom) {
		t.Errorf("without room: %v", err)
	}
	gone := errors.New("the operator has gone")
	cancelled, cancel := context.WithCancelCause(ctx)
	cancel(gone)
	if _, err := Repair(cancelled, dir, RepairOptions{}); !errors.Is(err, gone) {
		t.Errorf("cancelled: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, queue.FileName+".*")); len(left) > 0 {
		t.Errorf("left behind %v", left)
	}
	wantJobs(t, dir, 10)
	writeFile(t, path, []byte(strings.Repeat("no bbolt file ", 10000)))
	if _, err := Repair(ctx, dir, RepairOptions{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "nothing can be salvaged") {
		t.Errorf("no store at all: %v", err)
	}
}

// TestRepairEndsTheDoubtAboutAFailedFsync: what it writes is new, and fsynced.
func TestRepairEndsTheDoubtAboutAFailedFsync(t *testing.T) {
	t.Parallel()
	dir, _ := newStore(t, 10)
	o := mustOpen(t, options(dir))
	if err := o.NoteFailure(errors.New("fsync: input/output error")); err != nil {
		t.Fatal(err)
	}
	mustClose(t, o)
	mustRepair(t, dir, RepairOptions{})
	slots, err := openSlots(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer slots.close()
	if failure, err := slots.failure(); failure != "" || err != nil {
		t.Errorf("%q, %v", failure, err)
	}
}
