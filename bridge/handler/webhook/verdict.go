package webhook

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/handler/internal/progress"
)

// What a receiver can say beside the status.
const (
	headerOutcome    = "Holdfast-Outcome"
	headerAfter      = "Holdfast-After"
	headerReason     = "Holdfast-Reason"
	headerCheckpoint = "Holdfast-Checkpoint"
)

// errNoReason is the error of a job that its receiver gives up without a word.
var errNoReason = errors.New("the receiver gives no reason")

// verdict is what the answer says of the job itself, which counts more than its
// status; said is false where it says nothing. reason is what it gives, without
// secrets, and status the error of the status, nil for 2xx.
func verdict(answer http.Header, reason string, status error) (failed error, said bool) {
	outcome := answer.Get(headerOutcome)
	if outcome == "" {
		return nil, false
	}
	delay, err := after(answer)
	why := because(reason, status)
	switch {
	case err != nil:
	case outcome == "done":
		return nil, true
	case outcome == "skip":
		return bridge.Skip(why.Error()), true
	case outcome == "bury":
		return bridge.Bury(why), true
	case outcome == "retry" && delay < 0:
		return why, true
	case outcome == "retry":
		return bridge.RetryAfter(delay, why), true
	case outcome == "snooze" && delay < 0:
		err = fmt.Errorf("%s is snooze without %s", headerOutcome, headerAfter)
	case outcome == "snooze":
		return bridge.Snooze(delay), true
	default:
		err = fmt.Errorf("%s is %q and none of done, retry, snooze, bury and skip", headerOutcome, short(outcome))
	}
	return errors.Join(fmt.Errorf("the answer is nonsense: %w", err), status), true
}

// done tells whether the answer completes the job.
func done(answer *http.Response) bool {
	outcome := answer.Header.Get(headerOutcome)
	return outcome == "done" || outcome == "" && answer.StatusCode/100 == 2
}

// after is the delay that the answer names; below zero: none.
func after(answer http.Header) (time.Duration, error) {
	text := answer.Get(headerAfter)
	if text == "" {
		return -1, nil
	}
	delay, err := time.ParseDuration(text)
	if err != nil || delay < 0 {
		return -1, fmt.Errorf(`%s is %q and no duration such as "30s" or "1m30s"`, headerAfter, short(text))
	}
	return delay, nil
}

// because is the error that an answer gives.
func because(reason string, status error) error {
	switch {
	case reason != "" && status != nil:
		return &explained{error: status, reason: reason}
	case reason != "":
		return errors.New(reason)
	case status != nil:
		return status
	}
	return errNoReason
}

// explained is a [StatusError] whose receiver has said why.
type explained struct {
	error
	reason string
}

func (e *explained) Error() string { return e.reason + ": " + e.error.Error() }
func (e *explained) Unwrap() error { return e.error }

// short bounds what an error shows of a header.
func short(text string) string {
	if len(text) <= maxBody {
		return text
	}
	return text[:maxBody] + "..."
}

// listens is the context of a request whose interim answers (1xx) are signs of
// life, and may have checkpoints.
func listens(ctx context.Context, job *bridge.Job, reached *progress.Saver) context.Context {
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		Got1xxResponse: func(_ int, header textproto.MIMEHeader) error {
			job.Heartbeat()
			return keep(reached, http.Header(header))
		},
	})
}

// keep keeps the checkpoint of an answer, if it has one. An error is nonsense.
func keep(reached *progress.Saver, answer http.Header) error {
	text := answer.Get(headerCheckpoint)
	if text == "" {
		return nil
	}
	data, err := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil:
		return fmt.Errorf("the answer is nonsense: %s is not base64", headerCheckpoint)
	case len(data) > bridge.MaxCheckpoint:
		return fmt.Errorf("the answer is nonsense: %s of %d bytes is above %d", headerCheckpoint, len(data), bridge.MaxCheckpoint)
	}
	reached.Save(data)
	return nil
}
