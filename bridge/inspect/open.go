package inspect

import (
	"context"
	"errors"
	"fmt"

	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// Offline inspects the data directory of a stopped bridge. No job runs and no
// offset is committed meanwhile.
type Offline struct {
	Inspector
	opened *recovery.Opened
}

// Open takes the lock of a data directory and opens its store. The error says
// so where a bridge runs on it ([recovery.ErrInUse]) or where it holds none.
// Until Close the directory belongs to this process.
func Open(ctx context.Context, dataDir string, opt Options) (*Offline, error) {
	opened, err := recovery.Open(ctx, recovery.Options{
		Dir:    dataDir,
		Queue:  queue.Options{Clock: opt.Clock, Logger: opt.Logger},
		Verify: opt.Verify,
		Logger: opt.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("inspect %s: %w", dataDir, err)
	}
	i := newInspector(opened.Store, opt)
	i.offline = true
	if err := i.attachAll(); err != nil {
		return nil, errors.Join(fmt.Errorf("inspect %s: %w", dataDir, err), opened.Close())
	}
	return &Offline{Inspector: i, opened: opened}, nil
}

// attachAll loads the partitions. One that is damaged is left out; the others
// can still be worked on.
func (i *inspector) attachAll() error {
	tps, err := i.store.Partitions()
	if err != nil {
		return err
	}
	i.unreadable = make(map[queue.TopicPartition]error)
	for _, tp := range tps {
		if _, err := i.store.Attach(tp); err != nil {
			i.unreadable[tp] = err
			i.opt.Logger.Warn("partition cannot be read and is left out", "topic", tp.Topic, "partition", tp.Partition, "error", err)
		}
	}
	return nil
}

// Identity says whose store it is.
func (o *Offline) Identity() queue.Identity { return o.opened.Store.Identity() }

// Close gives the directory back.
func (o *Offline) Close() error { return o.opened.Close() }
