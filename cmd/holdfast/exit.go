package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/produce"
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
)

// meanings are what the help says about each code, and the errors that lead to it.
var meanings = []struct {
	code   exitCode
	text   string
	errors []error
}{
	{exitOK, "done", nil},
	{exitFailure, "failed", nil},
	{exitUsage, "wrong usage or configuration", nil},
	{exitNothingMatched, "nothing matched", []error{errNothingMatched}},
	{exitStoreInUse, "the store is in use by another process", []error{bridge.ErrStoreInUse, recovery.ErrInUse}},
	{exitStoreUnusable, "the store is damaged, foreign or of a newer version", []error{
		bridge.ErrStoreDamaged, bridge.ErrStoreForeign, bridge.ErrStoreNewer,
		recovery.ErrDamaged, recovery.ErrForeign, recovery.ErrNewer,
	}},
	{exitKafkaUnreachable, "Kafka is unreachable", []error{bridge.ErrKafkaUnreachable, produce.ErrUnreachable}},
	{exitRefused, "refused, because a promise would be broken or nothing would be gained", []error{bridge.ErrRefused, recovery.ErrNoRoom}},
	{exitStoreFailed, "a write to the store failed", []error{bridge.ErrStoreFailed}},
}

// errNothingMatched means that a selector selects nothing.
var errNothingMatched = errors.New("nothing matched")

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
	if err != nil {
		fmt.Fprintf(w.stderr, "holdfast: %v\n", err)
	}
	return codeOf(err)
}

// exitCodes is the table of the codes for the help.
func exitCodes() string {
	var b strings.Builder
	for _, m := range meanings {
		fmt.Fprintf(&b, "\n  %d  %s", m.code, m.text)
	}
	return b.String()
}
