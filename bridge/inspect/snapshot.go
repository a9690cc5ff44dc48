package inspect

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/flat"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// SnapshotReport is a copy of a store that was made while it was in use.
type SnapshotReport struct {
	Path  string        `json:"path"` // of the file
	Size  int64         `json:"size_bytes"`
	Store string        `json:"store"`    // its id, which the copy has, too
	Epoch uint64        `json:"epoch"`    // the opening that it was made in
	Taken time.Time     `json:"taken_at"` // everything that was done before is in it
	Took  time.Duration `json:"took_seconds"`
}

// Snapshot copies the store to the directory path, which has to be absolute: a
// bridge may run in another one than who asks it.
func (i *inspector) Snapshot(ctx context.Context, path string) (SnapshotReport, error) {
	if !filepath.IsAbs(path) {
		return SnapshotReport{}, fmt.Errorf("snapshot to %q: name the directory with its whole path", path)
	}
	path = filepath.Clean(path)
	taken := i.now()
	entry, err := WriteAudit(ctx, i.store, AuditEntry{
		At: taken, Verb: verbSnapshot, What: "snapshot --to " + quote(path), Offline: i.offline, Planned: 1, Result: ResultUnknown,
	})
	if err != nil {
		return SnapshotReport{}, err
	}
	file, size, err := recovery.Snapshot(ctx, i.store, path)
	entry.Took, entry.Result, entry.Done = i.now().Sub(taken), ResultDone, 1
	if err != nil {
		entry.Result, entry.Done, entry.Error = ResultFailed, 0, err.Error()
	}
	if _, audited := WriteAudit(ctx, i.store, entry); err != nil || audited != nil {
		return SnapshotReport{}, errors.Join(err, audited)
	}
	id := i.store.Identity()
	i.opt.Logger.Info("snapshot taken", "file", file, "bytes", size, "took", entry.Took, "actor", entry.Actor)
	return SnapshotReport{Path: file, Size: size, Store: id.StoreID, Epoch: id.Epoch, Taken: taken, Took: entry.Took}, i.store.Sync(ctx)
}

// verbSnapshot is what the audit trail calls it; there is no plan for it.
const verbSnapshot Verb = "snapshot"

var snapshotForm = flat.Of[SnapshotReport]()

func (v SnapshotReport) MarshalJSON() ([]byte, error)     { return snapshotForm.Marshal(v) }
func (v *SnapshotReport) UnmarshalJSON(data []byte) error { return snapshotForm.Unmarshal(data, v) }
