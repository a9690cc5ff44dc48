package inspect

import (
	"context"
)

func (i *inspector) diskSummary() DiskSummary {
	u := i.store.Usage()
	return DiskSummary{FileBytes: u.File, InUseBytes: u.InUse, FreeBytes: u.Free}
}

// Disk tells what takes up room.
func (i *inspector) Disk(ctx context.Context) (Disk, error) {
	u := i.store.Usage()
	return Disk{At: i.now(), FileBytes: u.File, InUseBytes: u.InUse, FreeBytes: u.Free, FreePages: u.File - u.InUse}, i.store.Err()
}
