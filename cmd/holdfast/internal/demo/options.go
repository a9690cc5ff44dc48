package demo

import (
	"errors"
	"fmt"
	"time"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/screen"
)

// Options are the size and the kind of a run.
type Options struct {
	Records    int
	Keys       int
	Partitions int
	Latency    time.Duration // of one job
	Workers    int
	Crash      bool           // kill the process that works half-way, and start it again
	Output     listing.Format // of the summary

	// Self is the command that runs [Work] in a process of its own; only a run
	// with Crash starts it.
	Self []string
	// Status is the terminal that stderr is; nil: it is none.
	Status *screen.Screen
}

// Defaults give a run of about ten seconds: 64 workers need 7 s for all
// records, and the hottest key alone needs 3 s.
func Defaults() Options {
	return Options{Records: 40_000, Keys: 5_000, Partitions: 4, Latency: 10 * time.Millisecond, Workers: 64}
}

// Validate reports everything that is wrong with o.
func (o Options) Validate() error {
	var problems []error
	atLeast := func(name string, value, least int) {
		if value < least {
			problems = append(problems, fmt.Errorf("--%s is %d: it must be at least %d", name, value, least))
		}
	}
	atLeast("records", o.Records, 1)
	atLeast("keys", o.Keys, 1)
	atLeast("partitions", o.Partitions, 1)
	atLeast("workers", o.Workers, 1)
	if o.Latency < 0 {
		problems = append(problems, fmt.Errorf("--latency is %v: it must not be negative", o.Latency))
	}
	return errors.Join(problems...)
}
