package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/admin"
	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/produce"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// exitCode is what the process ends with. The numbers are part of the
// command's contract.
type exitCode int

const (
	exitOK exitCode = iota
	exitFailure
	exitUsage
	exitNothingMatched
	exitStoreInUse
	exitStoreUnusable
	exitKafkaUnreachable
	exitRefused
	exitStoreFailed
	exitNotDone
)

// meanings are what the help says about each code, and the errors that lead to it.
var meanings = []struct {
	code   exitCode
	text   string
	remedy string // for errors that cannot know theirs
	errors []error
}{
	{code: exitOK, text: "done"},
	{code: exitFailure, text: "failed"},
	{code: exitUsage, text: "wrong usage or configuration", errors: []error{inspect.ErrOutOfRange, inspect.ErrMalformed, inspect.ErrNoKafka, recovery.ErrOccupied}},
	{code: exitNothingMatched, text: "nothing matched, or no bridge runs where only a running one could", errors: []error{errNothingMatched, inspect.ErrNotHeld, inspect.ErrNotFound, inspect.ErrNoTopic, inspect.ErrNoBridge}},
	{code: exitStoreInUse, text: "the store is in use by another process", errors: []error{bridge.ErrStoreInUse, recovery.ErrInUse}},
	{code: exitStoreUnusable, text: "the store is damaged, foreign or of a newer version", errors: []error{
		bridge.ErrStoreDamaged, bridge.ErrStoreForeign, bridge.ErrStoreNewer,
		recovery.ErrDamaged, recovery.ErrForeign, recovery.ErrNewer,
	}},
	{code: exitKafkaUnreachable, text: "Kafka is unreachable", errors: []error{bridge.ErrKafkaUnreachable, inspect.ErrKafkaUnreachable, produce.ErrUnreachable}},
	{code: exitRefused, text: "refused, because a promise would be broken or the disk has no room", errors: []error{bridge.ErrRefused, recovery.ErrNoRoom, errRefused, inspect.ErrRefused, admin.ErrReadOnly}},
	{
		code: exitStoreFailed, text: "a write to the store failed", errors: []error{bridge.ErrStoreFailed, queue.ErrStoreFailed},
		remedy: "make room or mend the disk, then start again: what was on disk is not lost",
	},
	{code: exitNotDone, text: "the job that was tried would run again or be given up", errors: []error{errNotDone}},
}

// errNothingMatched means that a selector selects nothing.
var errNothingMatched = errors.New("nothing matched")

// errNotDone means that the job of try was run and is not done.
var errNotDone = errors.New("not done")

// errAbandoned means that a third signal came.
var errAbandoned = errors.New("ended without a stop, as if killed; running jobs run again at the next start")

// codeOf is the exit code of a command that ended with err; of several, the
// highest, because a store that failed matters more than what led to it.
func codeOf(err error) exitCode {
	if err == nil {
		return exitOK
	}
	for _, m := range slices.Backward(meanings) {
		for _, target := range m.errors {
			if errors.Is(err, target) {
				return m.code
			}
		}
	}
	var (
		usage  *usageError
		file   *config.Error
		fields *bridge.ConfigError
		parser cli.ExitCoder // urfave/cli's own errors are about usage
	)
	if errors.As(err, &usage) || errors.As(err, &file) || errors.As(err, &fields) || errors.As(err, &parser) {
		return exitUsage
	}
	return exitFailure
}

// report says on stderr what went wrong.
func (w *world) report(err error) exitCode {
	code := codeOf(err)
	if err == nil {
		return code
	}
	text := err.Error()
	if remedy := meanings[code].remedy; remedy != "" {
		text += "; " + remedy
	}
	fmt.Fprintf(w.stderr, "holdfast: %s\n", text)
	return code
}

// exitCodes is the table of the codes for the help.
func exitCodes() string {
	var b strings.Builder
	for _, m := range meanings {
		fmt.Fprintf(&b, "\n  %d  %s", m.code, m.text)
	}
	return b.String()
}
