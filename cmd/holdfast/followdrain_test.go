package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// looks is a bridge whose status is one after the other.
type looks struct {
	inspect.Inspector
	next []func() (inspect.Status, error)
}

func (l *looks) Status(context.Context) (inspect.Status, error) {
	now := l.next[0]
	l.next = l.next[1:]
	return now()
}

func TestADrainIsFollowedToItsEnd(t *testing.T) {
	t.Parallel()
	ctx, interrupt := context.WithCancel(t.Context())
	at := func(epoch uint64, d *inspect.Draining) func() (inspect.Status, error) {
		return func() (inspect.Status, error) { return inspect.Status{Epoch: epoch, Drain: d}, nil }
	}
	half := &inspect.Draining{Going: 5, Running: 2, Stuck: 3}
	gone := func() (inspect.Status, error) {
		return inspect.Status{}, fmt.Errorf("%w: nobody serves", inspect.ErrNotRunning)
	}
	for name, test := range map[string]struct {
		looks []func() (inspect.Status, error)
		out   string
		err   error
	}{
		"until it is empty": {
			[]func() (inspect.Status, error){at(1, half), at(1, half), at(1, &inspect.Draining{Empty: true, Stuck: 3})},
			"draining  5 to go  2 running  3 wait for an operator\ndrained: everything that can be is finished and committed  3 wait for an operator\n", nil,
		},
		"until the bridge has left": {
			[]func() (inspect.Status, error){at(1, &inspect.Draining{Empty: true, Leaves: true}), gone},
			"drained: everything that can be is finished and committed\nthe bridge has stopped\n", nil,
		},
		"leaving at once": {[]func() (inspect.Status, error){gone}, "the bridge has stopped\n", nil},
		"and the bridge goes without being told to": {
			[]func() (inspect.Status, error){at(1, half), gone}, "draining  5 to go  2 running  3 wait for an operator\n", inspect.ErrNotRunning,
		},
		"and somebody takes it back": {
			[]func() (inspect.Status, error){at(1, half), at(1, nil)}, "draining  5 to go  2 running  3 wait for an operator\n", errNotFinished,
		},
		"and another bridge is drained by now": {
			[]func() (inspect.Status, error){at(1, half), at(2, half)}, "draining  5 to go  2 running  3 wait for an operator\n", errNotFinished,
		},
		"until a signal": {
			[]func() (inspect.Status, error){at(1, half), func() (inspect.Status, error) {
				interrupt()
				return inspect.Status{}, context.Canceled
			}},
			"draining  5 to go  2 running  3 wait for an operator\nstill being drained: holdfast status shows it, holdfast drain --undo takes it back\n", nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			use := t.Context()
			if name == "until a signal" {
				use = ctx
			}
			w := &world{stdout: &out}
			err := w.followDrain(use, &connection{Inspector: &looks{next: test.looks}, live: true}, name == "leaving at once", time.Microsecond)
			if !errors.Is(err, test.err) || (err == nil) != (test.err == nil) {
				t.Errorf("it ended with %v, want %v", err, test.err)
			}
			if out.String() != test.out {
				t.Errorf("it said\n%swant\n%s", out.String(), test.out)
			}
		})
	}
}
