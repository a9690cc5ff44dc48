package inspect

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// AuditEntry is a line of the audit trail: who has done what, and what came of
// it. The store keeps the last 10,000 of them, and at most 16 MiB. An entry is on
// disk no later than what it tells of, but those of a compaction or a repair, which
// follow it.
type AuditEntry struct {
	Sequence uint64    `json:"sequence"` // counts the entries of the store from 1
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"` // as [As] has named it
	Verb     Verb      `json:"verb"`
	Topic    string    `json:"topic"`
	// What is the command as one would type it.
	What   string `json:"what"`
	Reason string `json:"reason"` // the operator's
	// Offline tells that no bridge was running.
	Offline bool `json:"offline"`
	// Operation is the id of the stored operation that has done it, or is to.
	Operation string `json:"operation"`
	Planned   int    `json:"planned"` // jobs, lanes, pauses or letters of the plan
	Done      int    `json:"done"`
	// AlreadyDone are those about which nothing was to be done any more.
	AlreadyDone int         `json:"already_done"`
	Refused     int         `json:"refused"`
	Result      AuditResult `json:"result"`
	Error       string      `json:"error"`
	// Took is zero until there is a result.
	Took time.Duration `json:"took_seconds"`
	// Damaged tells that the entry cannot be read. Only its sequence is known.
	Damaged error `json:"damaged"`
}

// AuditResult is how a command ended.
type AuditResult string

// The results of commands.
const (
	// ResultDone: what the counts say was done.
	ResultDone AuditResult = "done"
	// ResultStored: an operation was stored, which goes on by itself.
	ResultStored AuditResult = "stored"
	// ResultFailed: an error ended it; what the counts say was done all the same.
	ResultFailed AuditResult = "failed"
	// ResultStopped: a stored operation was stopped, by an operator or by its
	// own condition.
	ResultStopped AuditResult = "stopped"
	// ResultUnknown: the command had begun, and nobody has told of its end: it
	// is under way, or the process was killed.
	ResultUnknown AuditResult = "unknown"
)

// AuditQuery selects entries of the audit trail. Every field narrows it; the
// zero value selects all.
type AuditQuery struct {
	Actor  string    `json:"actor,omitzero"`
	Verb   Verb      `json:"verb,omitzero"`
	Topic  string    `json:"topic,omitzero"`
	Since  time.Time `json:"since,omitzero"`
	Before time.Time `json:"before,omitzero"`
	// Operation is the id of a stored operation.
	Operation string `json:"operation,omitzero"`
	Limit     int    `json:"limit,omitzero"` // the newest so many; zero: all
}

// Validate reports everything that is wrong with the query.
func (q AuditQuery) Validate() error {
	var problems []error
	if q.Limit < 0 {
		problems = append(problems, fmt.Errorf("limit %d is below zero", q.Limit))
	}
	if !q.Before.IsZero() && !q.Since.Before(q.Before) {
		problems = append(problems, errors.New("no time is since the one and before the other"))
	}
	if err := errors.Join(problems...); err != nil {
		return fmt.Errorf("audit query: %w", err)
	}
	return nil
}

func (q AuditQuery) matches(e AuditEntry) bool {
	return (q.Actor == "" || q.Actor == e.Actor) &&
		(q.Verb == "" || q.Verb == e.Verb) &&
		(q.Topic == "" || q.Topic == e.Topic) &&
		(q.Operation == "" || q.Operation == e.Operation) &&
		!e.At.Before(q.Since) && (q.Before.IsZero() || e.At.Before(q.Before))
}

type actorKey struct{}

// As tells in whose name the calls with the returned context act: the audit trail
// names the actor. "uid 1000 (eva)" is what the command line gives.
func As(ctx context.Context, actor string) context.Context {
	return context.WithValue(ctx, actorKey{}, actor)
}

// Program is the actor where [As] was not called: the program that the bridge is
// part of.
const Program = "program"

// ActorOf returns the actor of a context.
func ActorOf(ctx context.Context) string {
	if actor, _ := ctx.Value(actorKey{}).(string); actor != "" {
		return actor
	}
	return Program
}
