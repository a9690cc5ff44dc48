package recovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-2837c37b/holdfast/queue"
)

func TestSnapshotIsOfOneMomentWhileJobsGoOn(t *testing.T) {
	t.Parallel()
	dir, _ := newStore(t, 500)
	o := mustOpen(t, options(dir))
	defer mustClose(t, o)
	p := attach(t, o)
	stop, stopped := make(chan struct{}), make(chan error, 1)
	go func() {
		for offset := int64(600); ; offset++ {
			select {
			case <-stop:
				stopped <- nil
				return
			default:
			}
			rec := queue.Record{Offset: offset, Value: make([]byte, 1000), Lane: queue.Lane{ID: uint64(offset)}}
			if _, err := p.Append([]queue.Record{rec}); err != nil {
				stopped <- err
				return
			}
			if err := o.Store.Sync(context.Background()); err != nil {
				stopped <- err
				return
			}
		}
	}()
	to := filepath.Join(t.TempDir(), "copy")
	path, size, err := Snapshot(context.Background(), o.Store, to)
	close(stop)
	if err := errors.Join(err, <-stopped); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != size {
		t.Errorf("%v, %v", info, err)
	}
	if report, err := Verify(context.Background(), path, true); err != nil || len(report.Damaged) > 0 || report.Identity.StoreID != o.Store.Identity().StoreID {
		t.Errorf("%+v, %v", report, err)
	}
	again := mustOpen(t, options(to))
	defer mustClose(t, again)
	if state := attach(t, again).State(); state.Frontier != 100 || state.Open != int(state.Next-100) || state.Open < 500 {
		t.Errorf("the copy has %+v", state)
	}
}

func TestSnapshotRefusesWhatIsThere(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 1)
	o := mustOpen(t, options(dir))
	defer mustClose(t, o)
	other, _ := newStore(t, 1)
	if _, _, err := Snapshot(context.Background(), o.Store, other); !errors.Is(err, ErrOccupied) {
		t.Errorf("onto another store: %v", err)
	}
	if _, _, err := Snapshot(context.Background(), o.Store, dir); err == nil {
		t.Error("onto itself")
	}
	to := t.TempDir()
	full := copier{free: func(string) (int64, error) { return 1 << 20, nil }}
	if _, _, err := full.snapshot(context.Background(), o.Store, to); !errors.Is(err, ErrNoRoom) {
		t.Errorf("without room: %v", err)
	}
	gone := fmt.Errorf("the operator has gone")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(gone)
	if _, _, err := Snapshot(ctx, o.Store, to); !errors.Is(err, gone) {
		t.Errorf("cancelled: %v", err)
	}
	if left, err := filepath.Glob(filepath.Join(to, queue.FileName+"*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
