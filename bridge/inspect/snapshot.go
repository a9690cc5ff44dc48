package inspect

import (
	"context"
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
	taken := i.now()
	file, size, err := recovery.Snapshot(ctx, i.store, filepath.Clean(path))
	if err != nil {
		return SnapshotReport{}, err
	}
	id, took := i.store.Identity(), i.now().Sub(taken)
	i.opt.Logger.Info("snapshot taken", "file", file, "bytes", size, "took", took)
	return SnapshotReport{Path: file, Size: size, Store: id.StoreID, Epoch: id.Epoch, Taken: taken, Took: took}, nil
}

var snapshotForm = flat.Of[SnapshotReport]()

func (v SnapshotReport) MarshalJSON() ([]byte, error)     { return snapshotForm.Marshal(v) }
func (v *SnapshotReport) UnmarshalJSON(data []byte) error { return snapshotForm.Unmarshal(data, v) }
