package inspect

import (
	"time"
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
	// Bound says what keeps it from growing: budget, keep 30d, none.
	Bound     string         `json:"bound"`
	Keep      *time.Duration `json:"keep_seconds"` // of dead letters; nil: for ever, or not known
	KeepBytes *int64         `json:"keep_bytes"`   // of dead letters; nil: no bound, or not known
	Largest   bool           `json:"largest"`      // of all uses
}

// Action is something that an operator can do, as a command of the binary.
type Action struct {
	Command string `json:"command"`
	Effect  string `json:"effect"`
}
