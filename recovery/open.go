package recovery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery/internal/pages"
)

// Options describes the store to open.
type Options struct {
	Dir string // data directory; made if missing
	// Group is the consumer group that the store belongs to. Empty: any, and a
	// store that is missing is not made.
	Group   string
	Cluster string // Kafka's cluster id; empty: not known yet, see ConfirmCluster
	Queue   queue.Options
	// Verify checks the file at path in a way that cannot harm this process,
	// and refuses the opening with an error. Nil: no check beyond the own one.
	Verify func(ctx context.Context, path string) error
	Logger *slog.Logger // nil: nothing is logged
}

// Opened is an open store and the right to its directory.
type Opened struct {
	Store *queue.Store
	// Nonce tells this opening from one of the same number of a copy of the store.
	Nonce string

	opt     Options
	lock    *Lock
	slots   *slots
	copier  copier
	life    *Life // nil until Begin
	created bool  // the file was made by this opening
}

// A file is compacted at its opening when it is larger than drainedFile and
// less than one part in drainedShare of it is in use.
const (
	drainedFile  = 100 << 20
	drainedShare = 4
)

// Open opens the store in opt.Dir, whatever happened to it before, or makes a
// new one. README.md lists the cases. The lock of the directory is held until
// [Opened.Close].
func Open(ctx context.Context, opt Options) (*Opened, error) {
	return open(ctx, opt, copier{free: diskFree})
}

func open(ctx context.Context, opt Options, copier copier) (*Opened, error) {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Group == "" {
		if _, err := os.Stat(filepath.Join(opt.Dir, queue.FileName)); err != nil {
			return nil, fmt.Errorf("data directory %s has no store: %w", opt.Dir, err)
		}
	} else if err := makeDir(opt.Dir); err != nil {
		return nil, err
	}
	lock, err := LockDir(opt.Dir)
	if err != nil {
		return nil, err
	}
	o := &Opened{Nonce: newNonce(), opt: opt, lock: lock, copier: copier}
	if err := o.open(ctx); err != nil {
		return nil, errors.Join(err, o.release())
	}
	return o, nil
}

func (o *Opened) open(ctx context.Context) (err error) {
	if o.slots, err = openSlots(o.opt.Dir); err != nil {
		return err
	}
	if err := removeTemporaries(o.opt.Dir); err != nil {
		return err
	}
	path := filepath.Join(o.opt.Dir, queue.FileName)
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := o.create(path); err != nil {
			return err
		}
	} else if err := o.prepare(ctx, path); err != nil {
		return err
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	err = contain(func() (err error) {
		o.Store, err = queue.Open(path, o.opt.Queue)
		return err
	})
	return explain(path, o.noteIfFailed(err)) // an opening writes too
}

func newNonce() string { return strings.ToLower(rand.Text()[:len(SomeNonce)]) }

// create makes a new store. A failure that was noted is of one that is gone.
func (o *Opened) create(path string) error {
	id := queue.Identity{
		Format: queue.FormatVersion, Cluster: o.opt.Cluster, Group: o.opt.Group,
		StoreID: strings.ToLower(rand.Text()),
	}
	if err := queue.Create(path, id); err != nil {
		return err
	}
	o.opt.Logger.Info("created a new store", "file", path, "store", id.StoreID)
	o.created = true
	return o.slots.clearFailure()
}

// prepare makes an existing file fit to be opened, or says why it is not.
func (o *Opened) prepare(ctx context.Context, path string) error {
	summary, err := checkPages(ctx, path, nil)
	if err != nil {
		return explainPages(ctx, path, err)
	}
	if o.opt.Verify != nil {
		if err := o.opt.Verify(ctx, path); err != nil {
			return fmt.Errorf("verify %s: %w", path, err)
		}
	}
	var id queue.Identity
	if err := withFile(path, func(db *bbolt.DB) (err error) {
		id, err = queue.ReadIdentity(db)
		return err
	}); err != nil {
		return explain(path, err)
	}
	if err := o.belongs(id); err != nil {
		return err
	}
	return o.renew(ctx, path, summary)
}

// belongs checks that the store is the one that the configuration means.
func (o *Opened) belongs(id queue.Identity) error {
	if o.opt.Group != "" && id.Group != o.opt.Group {
		return fmt.Errorf("%w: data directory %s belongs to group %q, not %q; use that group's configuration, or another data_dir for this group",
			ErrForeign, o.opt.Dir, id.Group, o.opt.Group)
	}
	if id.Cluster != "" && o.opt.Cluster != "" && id.Cluster != o.opt.Cluster {
		return fmt.Errorf("%w: data directory %s belongs to Kafka cluster %s, and the brokers are of cluster %s; "+
			"check kafka.brokers, or use another data_dir for this cluster", ErrForeign, o.opt.Dir, id.Cluster, o.opt.Cluster)
	}
	return nil
}

// ConfirmCluster checks the store against Kafka's cluster id, for callers that
// learn it after the opening. A store that records none takes it over, durably.
func (o *Opened) ConfirmCluster(id string) error {
	o.opt.Cluster = id
	recorded := o.Store.Identity()
	if err := o.belongs(recorded); err != nil || recorded.Cluster != "" || id == "" {
		return err
	}
	return o.Store.SetCluster(id)
}

// renew copies a file whose last fsync failed: the memory that is mapped from
// it may show pages that never reached the disk. It also copies one that has
// drained, where there is room.
func (o *Opened) renew(ctx context.Context, path string, summary pages.Summary) error {
	failure, err := o.slots.failure()
	if err != nil {
		return err
	}
	drained := summary.Size > drainedFile && summary.Live < summary.Size/drainedShare
	if failure == "" && !drained {
		return nil
	}
	report, err := o.copier.rewrite(ctx, path, path)
	switch {
	case failure != "" && err != nil:
		return fmt.Errorf("the last write to the store failed (%s), so it must be copied before it is used: %w", failure, err)
	case errors.Is(err, ErrNoRoom):
		o.opt.Logger.Warn("the drained store was not compacted", "file", path, "error", err)
		return nil
	case err != nil:
		return err
	}
	o.opt.Logger.Info("copied the store to a new file", "file", path, "before_bytes", report.Before, "after_bytes", report.After, "failure", failure)
	if failure == "" {
		return nil
	}
	return o.slots.clearFailure()
}

// NoteFailure is to be called with [queue.Store.Err] as soon as the store has
// failed: it makes the next opening copy the store first. A
// write that failed before any fsync is not noted, because the file is then
// what its last commit made it.
func (o *Opened) NoteFailure(cause error) error {
	if plainWrite(cause) {
		return nil
	}
	return o.slots.noteFailure(time.Now(), cause)
}

// Close closes the store, which flushes it, and gives the directory back. It
// notes a failure as NoteFailure does.
func (o *Opened) Close() error {
	return errors.Join(o.noteIfFailed(o.Store.Close()), o.release())
}

// Abandon is Close for a start that came to nothing. A store that this opening
// has made, and that has met no cluster, is removed again: it would otherwise
// hold its directory for a group that may have been a mistake.
func (o *Opened) Abandon() error {
	err := o.noteIfFailed(o.Store.Close())
	if err == nil && o.created && o.Store.Identity().Cluster == "" {
		err = os.Remove(filepath.Join(o.opt.Dir, queue.FileName))
	}
	return errors.Join(err, o.release())
}

func (o *Opened) noteIfFailed(err error) error {
	if !errors.Is(err, queue.ErrStoreFailed) {
		return err
	}
	return errors.Join(err, o.NoteFailure(err))
}

func (o *Opened) release() error {
	var err error
	if o.life != nil {
		o.life.end()
	}
	if o.slots != nil {
		err = o.slots.close()
	}
	return errors.Join(err, o.lock.Release())
}

// makeDir makes a data directory that outlives a power cut.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	parent, err := os.Open(filepath.Dir(filepath.Clean(dir)))
	if err != nil {
		return fmt.Errorf("make data directory: %w", err)
	}
	return errors.Join(parent.Sync(), parent.Close())
}

// removeTemporaries removes what a creation or a copy left when it was cut off.
func removeTemporaries(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read data directory: %w", err)
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), queue.FileName) && strings.HasSuffix(e.Name(), queue.TempSuffix) {
			if err := os.Remove(filepath.Join(dir, e.Name())); err != nil {
				return fmt.Errorf("remove left-over: %w", err)
			}
		}
	}
	return nil
}
