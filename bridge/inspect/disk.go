package inspect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Disk is what takes up room, and what will become of it.
type Disk struct {
	At         time.Time `json:"at"`
	Path       string    `json:"path"`        // of the data directory
	FileSystem string    `json:"file_system"` // its kind, such as ext4
	FreeBytes  int64     `json:"free_bytes"`  // on the file system, for this process
	TotalBytes int64     `json:"total_bytes"` // of the file system
	MinFree    *int64    `json:"min_free_bytes"`
	Budget     *int64    `json:"budget_bytes"` // of the file; 0: none
	FileBytes  int64     `json:"file_bytes"`
	InUseBytes int64     `json:"in_use_bytes"` // of the file, in pages that hold something
	FreePages  int64     `json:"free_page_bytes"`
	// Finished are bytes of jobs that are done and still take up room beside
	// others of their blocks. It goes by itself.
	Finished int64 `json:"finished_bytes"`

	Uses []DiskUse `json:"uses"` // the largest first

	Throttled bool           `json:"throttled"` // fetching waits for room
	Growth    *float64       `json:"growth_bytes_per_second"`
	FullIn    *time.Duration `json:"full_in_seconds"` // until fetching throttles; nil: not in sight, or not known
	Outlook   string         `json:"outlook"`         // that in one sentence
	Actions   []Action       `json:"actions"`         // what one can do
}

// Kinds of [DiskUse].
const (
	UseWaiting = "waiting"
	UseDead    = "dead"
	UseParked  = "parked"
)

// DiskUse is what the jobs of one topic take up, of one kind.
type DiskUse struct {
	Topic  string    `json:"topic"`
	Kind   string    `json:"kind"` // waiting, dead or parked
	Bytes  int64     `json:"bytes"`
	Jobs   int64     `json:"jobs"`
	Oldest time.Time `json:"oldest"`
	// Bound says what keeps it from growing: budget, keep 30d, none. Nil: not
	// known, since only a bridge does.
	Bound     *string        `json:"bound"`
	Keep      *time.Duration `json:"keep_seconds"` // of dead letters; nil: for ever, or not known
	KeepBytes *int64         `json:"keep_bytes"`   // of dead letters; nil: no bound, or not known
	Largest   bool           `json:"largest"`      // of all uses
}

// Action is something that an operator can do, as a command of the binary.
type Action struct {
	Command string `json:"command"`
	Effect  string `json:"effect"`
}

// inSight is how far ahead anything is foretold.
const inSight = 30 * 24 * time.Hour

// fullIn tells when fetching throttles, as things go; nil: that is not in sight,
// or not known.
func (i *inspector) fullIn(room queue.Room) (growth *float64, in *time.Duration) {
	if i.opt.Live == nil {
		return nil, nil
	}
	growth = i.opt.Live.Growth()
	if growth == nil || *growth <= 0 && room.Left > 0 {
		return growth, nil
	}
	seconds := 0.0
	if room.Left > 0 {
		seconds = float64(room.Left) / *growth
	}
	if seconds > inSight.Seconds() {
		return growth, nil
	}
	d := time.Duration(seconds * float64(time.Second))
	return growth, &d
}

func (i *inspector) diskSummary() DiskSummary {
	u, room := i.store.Usage(), i.store.Room()
	d := DiskSummary{FileBytes: u.File, InUseBytes: u.InUse, FreeBytes: u.Free}
	if i.opt.Live != nil {
		d.Budget, d.MinFree = &room.Disk, &room.MinFree
	}
	_, d.FullIn = i.fullIn(room)
	return d
}

// Disk tells what takes up room.
func (i *inspector) Disk(ctx context.Context) (Disk, error) {
	if err := i.store.Sync(ctx); err != nil { // what is on its way counts, too
		return Disk{}, err
	}
	u, room := i.store.Usage(), i.store.Room()
	dir := filepath.Dir(room.Path)
	d := Disk{
		At: i.now(), Path: dir, FreeBytes: u.Free,
		FileBytes: u.File, InUseBytes: u.InUse, FreePages: max(0, u.File-u.InUse),
	}
	d.FileSystem, d.TotalBytes = fileSystem(dir)
	if i.opt.Live != nil {
		d.Budget, d.MinFree = &room.Disk, &room.MinFree
	}
	for _, p := range i.store.Attached() {
		s := p.Survey()
		d.Finished += s.FinishedBytes
		d.Throttled = d.Throttled || s.Throttle == queue.ThrottledByDisk || s.Throttle == queue.ThrottledByMinFree
		d.use(s.Topic, UseWaiting, s.WaitingBytes, int64(s.State.Open), p.Oldest())
	}
	for _, l := range i.store.DeadCounts() {
		d.use(l.Topic, UseDead, l.Bytes, int64(l.Letters), l.Oldest)
	}
	if err := i.addParked(ctx, &d); err != nil {
		return Disk{}, err
	}
	d.sort()
	for j := range d.Uses {
		i.bound(&d.Uses[j], room)
	}
	d.Growth, d.FullIn = i.fullIn(room)
	d.outlook(i.opt.Live != nil)
	d.advise()
	return d, nil
}

// addParked counts the jobs of parked lanes, of all partitions.
func (i *inspector) addParked(ctx context.Context, d *Disk) error {
	tps, err := i.store.Partitions()
	if err != nil && !errors.As(err, new(*queue.DamageError)) {
		return err
	}
	for _, tp := range tps {
		for l, err := range i.store.ParkedLanes(ctx, tp) {
			if err != nil {
				return err
			}
			if !l.Released {
				d.use(tp.Topic, UseParked, l.Bytes, l.Jobs, l.Since)
			}
		}
	}
	return nil
}

// use adds to what a topic takes up.
func (d *Disk) use(topic, kind string, bytes, jobs int64, oldest time.Time) {
	if bytes == 0 && jobs == 0 {
		return
	}
	at := slices.IndexFunc(d.Uses, func(u DiskUse) bool { return u.Topic == topic && u.Kind == kind })
	if at < 0 {
		at = len(d.Uses)
		d.Uses = append(d.Uses, DiskUse{Topic: topic, Kind: kind})
	}
	u := &d.Uses[at]
	u.Bytes += bytes
	u.Jobs += jobs
	if u.Oldest.IsZero() || !oldest.IsZero() && oldest.Before(u.Oldest) {
		u.Oldest = oldest
	}
}

func (d *Disk) sort() {
	slices.SortFunc(d.Uses, func(a, b DiskUse) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Kind, b.Kind))
	})
	if len(d.Uses) > 0 {
		d.Uses[0].Largest = true
	}
}

// bound tells what keeps a use from growing. Only a bridge knows it of waiting
// jobs and of dead letters.
func (i *inspector) bound(u *DiskUse, room queue.Room) {
	if i.opt.Live == nil && u.Kind != UseParked {
		return
	}
	bound := "none"
	u.Bound = &bound
	if u.Kind == UseWaiting && room.Disk > 0 {
		bound = "budget"
	}
	if u.Kind != UseDead {
		return
	}
	set, ok := i.opt.Live.Topic(u.Topic)
	if !ok {
		return
	}
	bound = "keep " + orNone(set.Keep > 0, words.Span(set.Keep)) + ", keep_bytes " + orNone(set.KeepBytes > 0, words.Amount(set.KeepBytes))
	if set.Keep > 0 {
		u.Keep = &set.Keep
	}
	if set.KeepBytes > 0 {
		u.KeepBytes = &set.KeepBytes
	}
}

func orNone(some bool, text string) string {
	if some {
		return text
	}
	return "none"
}

// outlook says what will become of it.
func (d *Disk) outlook(live bool) {
	const calm = "workers go on; nothing is lost"
	switch {
	case d.Throttled:
		d.Outlook = "fetching waits for room; " + calm + "."
	case d.FullIn != nil:
		d.Outlook = fmt.Sprintf("fetching throttles in about %s; %s.", words.Roughly(*d.FullIn), calm)
	case !live:
		d.Outlook = "nothing grows while no bridge runs."
	case d.Growth == nil:
		d.Outlook = "not known yet: growth is measured for half a minute first."
	case *d.Growth > 0:
		d.Outlook = "grows, and has room for more than a month."
	default:
		d.Outlook = "does not grow."
	}
}

// worthCompacting is the share of the file that has to be free pages.
const worthCompacting = 10 // 1/10

// advise says what one can do about it.
func (d *Disk) advise() {
	add := func(effect, format string, args ...any) {
		d.Actions = append(d.Actions, Action{Command: fmt.Sprintf(format, args...), Effect: effect})
	}
	for _, u := range d.Uses {
		topic := words.Quoted(u.Topic)
		switch {
		case u.Bytes*4 < d.InUseBytes: // small beside the rest
		case u.Kind == UseDead:
			if old := 7 * 24 * time.Hour; d.At.Sub(u.Oldest) > old {
				add("saves the older dead letters as text, then removes them", "holdfast dead export --topic %s --buried-before 7d --to FILE --discard", topic)
			} else {
				add("saves the dead letters as text, then removes them", "holdfast dead export --topic %s --to FILE --discard", topic)
			}
			if u.KeepBytes == nil {
				add("above it the oldest dead letters go", "holdfast set --topic %s --dead-keep-bytes 5GiB", topic)
			}
		case u.Kind == UseParked:
			add("what is set aside, and why: release or discard it", "holdfast inspect lanes --topic %s --state parked", topic)
		case u.Kind == UseWaiting:
			add("what keeps the oldest job waiting", "holdfast inspect lanes --topic %s --sort age", topic)
		}
	}
	if d.FreePages > d.FileBytes/worthCompacting && d.FreePages > 64<<20 {
		add(fmt.Sprintf("returns %s now; needs %s there; stop the bridge first", words.Amount(d.FreePages), words.Amount(d.InUseBytes)), "holdfast compact --to DIR")
	}
}
