package exec

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
)

const (
	defaultInFlight = 32
	// maxPlaces bounds the jobs in flight over all children.
	maxPlaces = 100_000
)

// StreamConfig says which children a [Stream] has.
type StreamConfig struct {
	// Config says what the children are. Its Timeout counts from when a job is put
	// in line for its child; its OutputLimit bounds the errors that children answer,
	// and what is shown of the stderr of one that ended.
	Config
	// InFlight is how many jobs a child has at a time; zero: 32.
	InFlight int
	// Processes is the number of children; zero: 1.
	Processes int
	// Base64 has every value written as base64. Otherwise one that is text, which is
	// valid UTF-8, is written as such.
	Base64 bool
	// Logger gets what children write to stderr, line by line, and why they ended.
	// nil: nobody does.
	Logger *slog.Logger
}

// Validate reports everything that is wrong with c, without looking at files and users.
func (c StreamConfig) Validate() error {
	problems := []error{c.Config.Validate()}
	if c.InFlight < 0 {
		problems = append(problems, fmt.Errorf("exec: in flight %d is negative", c.InFlight))
	}
	if c.Processes < 0 {
		problems = append(problems, fmt.Errorf("exec: processes %d is negative", c.Processes))
	}
	c = c.withDefaults()
	if c.InFlight > maxPlaces || c.Processes > maxPlaces/max(1, c.InFlight) {
		problems = append(problems, fmt.Errorf("exec: %d jobs in flight in each of %d processes are more than %d", c.InFlight, c.Processes, maxPlaces))
	}
	return errors.Join(problems...)
}

func (c StreamConfig) withDefaults() StreamConfig {
	c.InFlight = cmp.Or(c.InFlight, defaultInFlight)
	c.Processes = cmp.Or(c.Processes, 1)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
