package recovery

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/bbolt"

	"github.com/seed-2837c37b/holdfast/queue"
)

// Report is what [Verify] found in a store that can be opened.
type Report struct {
	Path     string
	Identity queue.Identity
	Size     int64 // bytes of the file
	Live     int64 // of these, in use
	// Damaged are values that cannot be read. A bridge isolates them by name
	// and goes on with the rest.
	Damaged []*queue.DamageError
}

// Verify checks the file at path without changing it: every page, and every
// value that an opening reads. With deep it also reads the body of every
// unfinished job and lets bbolt check its own structure.
//
// The error is [ErrDamaged] where the file as a whole cannot be used. Damage
// that is confined to single values is in the report. The caller holds the
// lock of the directory, as [Open] does for the child process of Options.Verify.
func Verify(ctx context.Context, path string, deep bool, progress ...Progress) (Report, error) {
	var told Progress
	for _, p := range progress {
		told = p
	}
	summary, err := checkPages(ctx, path, told)
	if err != nil {
		return Report{}, explainPages(ctx, path, err)
	}
	report := Report{Path: path, Size: summary.Size, Live: summary.Live}
	err = withFile(path, func(db *bbolt.DB) error {
		if report.Identity, err = queue.ReadIdentity(db); err != nil {
			return err
		}
		if err := verifyValues(ctx, db, deep, &report); err != nil || !deep {
			return err
		}
		return checkTree(ctx, path, db)
	})
	return report, explain(path, err)
}

// withFile runs read on the file at path, opened for reading only. After a
// panic the file stays open: bbolt may hold the locks that closing it takes.
func withFile(path string, read func(*bbolt.DB) error) error {
	return contain(func() error {
		db, err := queue.OpenFile(path, true)
		if err != nil {
			return err
		}
		return errors.Join(read(db), db.Close())
	})
}

func verifyValues(ctx context.Context, db *bbolt.DB, deep bool, report *Report) error {
	err := queue.Verify(db, deep, func(e *queue.DamageError) { report.Damaged = append(report.Damaged, e) })
	return errors.Join(err, context.Cause(ctx))
}

// checkTree runs bbolt's own check, which knows nothing of contexts: once one
// is cancelled, what is left is drained.
func checkTree(ctx context.Context, path string, db *bbolt.DB) error {
	var found []error
	err := db.View(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			if len(found) < maxFound {
				found = append(found, err)
			}
		}
		return nil
	})
	if err := errors.Join(err, context.Cause(ctx)); err != nil {
		return err
	}
	if len(found) > 0 {
		return damaged(path, fmt.Errorf("bbolt: %w", errors.Join(found...)))
	}
	return nil
}

// maxFound bounds the errors of bbolt's check that are kept: one torn page can
// raise thousands.
const maxFound = 10
