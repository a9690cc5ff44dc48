package recovery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery/internal/pages"
)

// DamagedSuffix ends the name that a damaged file keeps beside the one that was
// salvaged from it.
const DamagedSuffix = ".damaged"

// RepairOptions tunes [Repair]. The zero value repairs in place.
type RepairOptions struct {
	// To is a directory, made if missing, that receives the repaired store. The
	// old directory is left as it is and must not be used any more.
	To string
	// Group is the consumer group of a file that does not tell it any more. Such
	// a store gets a new id.
	Group string
	// DryRun only reports.
	DryRun bool
	// Note is that of [CompactOptions].
	Note func(*queue.Store) error
}

// RepairReport is what a repair found, and did.
type RepairReport struct {
	queue.SalvageReport
	Path          string // of the repaired file; empty after a dry run
	Kept          string // where the damaged file is
	Before, After int64  // bytes of the files
}

// Repair writes everything of the store in dir that can be read and whose
// checksum is right to a new file, and names the rest, while no bridge runs. The
// new file takes the place of the damaged one, which is kept beside it.
// [queue.Salvage] tells what becomes of the rest.
//
// The file is read with plain reads: whatever is in it, this process lives.
func Repair(ctx context.Context, dir string, opt RepairOptions) (RepairReport, error) {
	return repair(ctx, dir, opt, copier{free: diskFree, note: opt.Note})
}

func repair(ctx context.Context, dir string, opt RepairOptions, c copier) (report RepairReport, err error) {
	path := filepath.Join(dir, queue.FileName)
	if _, err := os.Stat(path); err != nil {
		return RepairReport{}, fmt.Errorf("repair: data directory %s has no store: %w", dir, err)
	}
	lock, err := LockDir(dir)
	if err != nil {
		return RepairReport{}, err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	file, err := os.Open(path)
	if err != nil {
		return RepairReport{}, fmt.Errorf("repair: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return RepairReport{}, fmt.Errorf("repair: %w", err)
	}
	root, err := pages.Salvage(file, info.Size())
	if err != nil {
		return RepairReport{}, beyondRepair(path, err)
	}
	w := wreck{ctx, root}
	report = RepairReport{Kept: path, Before: info.Size()}
	if opt.DryRun {
		report.SalvageReport, err = queue.Salvage(w, nil, salvageOptions(opt))
		return report, explainSalvage(path, err)
	}
	err = c.repair(ctx, dir, w, opt, &report)
	return report, err
}

func salvageOptions(opt RepairOptions) queue.SalvageOptions {
	return queue.SalvageOptions{
		Identity: queue.Identity{Group: opt.Group, StoreID: strings.ToLower(rand.Text())}, Now: time.Now(),
	}
}

// repair writes the new file and puts it where it belongs.
func (c copier) repair(ctx context.Context, dir string, w wreck, opt RepairOptions, report *RepairReport) (err error) {
	target := filepath.Join(dir, queue.FileName)
	if opt.To != "" {
		lock, err := claimDir("repair", dir, opt.To)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, lock.Release()) }()
		target = filepath.Join(opt.To, queue.FileName)
	} else if err := removeTemporaries(dir); err != nil {
		return err
	}
	if err := c.room(filepath.Dir(target), report.Before+copySlack); err != nil {
		return err
	}
	temp := target + queue.TempSuffix
	report.SalvageReport, err = salvageTo(w, temp, opt)
	if err == nil {
		err = c.noteIn(temp)
	}
	if err == nil {
		_, err = checkPages(ctx, temp, nil)
	}
	if err == nil && opt.To == "" {
		report.Kept, err = keepDamaged(target)
	}
	if err == nil {
		err = queue.Replace(temp, target)
	}
	if err != nil {
		os.Remove(temp)
		if outOfSpace(err) {
			err = fmt.Errorf("%w: %w", ErrNoRoom, err)
		}
		return explainSalvage(report.Kept, err)
	}
	if info, err := os.Stat(target); err == nil {
		report.After = info.Size()
	}
	report.Path = target
	if opt.To != "" {
		return nil
	}
	slots, err := openSlots(dir)
	if err != nil {
		return err
	}
	return errors.Join(slots.clearFailure(), slots.close())
}

// salvageTo makes the new file, on disk.
func salvageTo(w wreck, path string, opt RepairOptions) (report queue.SalvageReport, err error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return report, err
	}
	db, err := queue.OpenFile(path, false)
	if err != nil {
		return report, err
	}
	db.NoSync = true // one fsync at the end is enough for a file nobody uses yet
	report, err = queue.Salvage(w, db, salvageOptions(opt))
	if err == nil {
		err = db.Sync()
	}
	return report, errors.Join(err, db.Close())
}

// keepDamaged gives the damaged file a second name, under which it stays when
// the new one takes its place.
func keepDamaged(path string) (kept string, err error) {
	for n := 1; ; n++ {
		kept = path + DamagedSuffix
		if n > 1 {
			kept = fmt.Sprintf("%s%s.%d", path, DamagedSuffix, n)
		}
		if err := os.Link(path, kept); !errors.Is(err, fs.ErrExist) {
			return kept, err
		}
	}
}

func explainSalvage(path string, err error) error {
	switch {
	case errors.Is(err, queue.ErrNoIdentity):
		return fmt.Errorf("%w: %s: %w; name its consumer group", ErrDamaged, path, err)
	case errors.Is(err, queue.ErrNotStore):
		return beyondRepair(path, err)
	}
	return explain(path, err)
}

func beyondRepair(path string, err error) error {
	return fmt.Errorf("%w: %s: nothing can be salvaged: %w; restore it from a snapshot, or move its directory away to start from the committed offsets, "+
		"which runs again what was finished above them", ErrDamaged, path, err)
}

// wreck is a bucket of the damaged file.
type wreck struct {
	ctx    context.Context
	bucket *pages.Bucket
}

func (w wreck) Each(entry func(key, value []byte, sub queue.SalvageSource) error, gap func(queue.SalvageGap)) error {
	return w.bucket.Each(func(key, value []byte, sub *pages.Bucket) error {
		if err := context.Cause(w.ctx); err != nil {
			return err
		}
		if sub != nil {
			return entry(key, nil, wreck{w.ctx, sub})
		}
		return entry(key, value, nil)
	}, func(g pages.Gap) { gap(queue.SalvageGap(g)) })
}
