package exec

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// maxAnswer bounds one line of a child.
const maxAnswer = 1 << 20

// ProtocolError is a child that wrote what is no answer.
type ProtocolError struct {
	Reason string // what is wrong with the line
	Line   string // its beginning, quoted
}

func (e *ProtocolError) Error() string {
	return fmt.Sprintf("it answered nonsense: %s: %s", e.Reason, e.Line)
}

// answer is what a child says about a run.
type answer struct {
	id         string
	final      bool   // the run has ended
	err        error  // of a final one; nil: done
	result     string // of one that is done: what is to be produced
	checkpoint []byte // nil: none
	unknown    bool   // nothing in it is of a kind that this version knows
}

// fields are those of a line; nil: not there, or null.
type fields struct {
	id         *string
	ok         *bool
	reason     *string
	giveUp     *bool
	retryAfter *string
	snooze     *string
	skip       *string
	heartbeat  *bool
	checkpoint textOrBinary
	result     textOrBinary
}

// textOrBinary is a pair of fields, of which one may be there.
type textOrBinary struct {
	text   *string
	binary *[]byte // JSON has it as base64
}

func (v textOrBinary) there() bool { return v.text != nil || v.binary != nil }

// value needs one to be there.
func (v textOrBinary) value() []byte {
	if v.text != nil {
		return []byte(*v.text)
	}
	return append([]byte{}, *v.binary...)
}

// decodeAnswer reads a line of a child; errors are cut to limit bytes.
func decodeAnswer(line []byte, limit int) (answer, error) {
	f, err := decodeFields(line)
	if err != nil {
		return answer{}, err
	}
	if f.id == nil {
		return answer{}, errors.New("it has no id")
	}
	a := answer{id: *f.id}
	if a.checkpoint, err = f.reached(); err != nil {
		return answer{}, err
	}
	if a.result, err = f.produced(); err != nil {
		return answer{}, err
	}
	if a.final, a.err, err = f.verdict(limit); err != nil {
		return answer{}, err
	}
	a.unknown = !a.final && a.checkpoint == nil && f.heartbeat == nil
	return a, nil
}

func decodeFields(line []byte) (f fields, err error) {
	// A map and no struct, because names of fields are exact.
	var values map[string]json.RawMessage
	if err := json.Unmarshal(line, &values); err != nil || values == nil {
		return f, errors.New("it is not a JSON object")
	}
	for name, to := range map[string]any{
		"id": &f.id, "ok": &f.ok, "error": &f.reason, "give_up": &f.giveUp, "retry_after": &f.retryAfter,
		"snooze": &f.snooze, "skip": &f.skip,
		"heartbeat": &f.heartbeat, "checkpoint": &f.checkpoint.text, "checkpoint_base64": &f.checkpoint.binary,
		"result": &f.result.text, "result_base64": &f.result.binary,
	} {
		if value, there := values[name]; there && json.Unmarshal(value, to) != nil {
			return f, fmt.Errorf("its field %q is of another type", name)
		}
	}
	return f, nil
}

// reached is the checkpoint; nil: the line has none.
func (f *fields) reached() ([]byte, error) {
	switch c := f.checkpoint; {
	case !c.there():
		return nil, nil
	case c.text != nil && c.binary != nil:
		return nil, errors.New("it has both a checkpoint and a checkpoint_base64")
	case len(c.value()) > bridge.MaxCheckpoint:
		return nil, fmt.Errorf("its checkpoint of %d bytes is above %d", len(c.value()), bridge.MaxCheckpoint)
	default:
		return c.value(), nil
	}
}

// produced is what a child hands over with a job that is done.
func (f *fields) produced() (string, error) {
	switch r := f.result; {
	case !r.there():
		return "", nil
	case f.ok == nil && f.reason == nil && f.snooze == nil && f.skip == nil:
		return "", errors.New("it has a result and does not say that the job is done")
	case f.ok == nil || !*f.ok:
		return "", errors.New("it has a result of a job that is not done")
	case r.text != nil && r.binary != nil:
		return "", errors.New("it has both a result and a result_base64")
	default:
		return string(r.value()), nil
	}
}

// verdict is what becomes of the job, if the line says so; err is nonsense.
func (f *fields) verdict(limit int) (final bool, failed, err error) {
	done := f.ok != nil && *f.ok
	buried := f.giveUp != nil && *f.giveUp
	switch {
	case f.snooze != nil:
		if f.ok != nil || f.reason != nil || buried || f.retryAfter != nil || f.skip != nil {
			return false, nil, errors.New("it says that the job snoozes and something else")
		}
		delay, err := span("snooze", *f.snooze)
		return true, bridge.Snooze(delay), err
	case f.skip != nil:
		if f.ok != nil || f.reason != nil || buried || f.retryAfter != nil {
			return false, nil, errors.New("it says that the job is skipped and something else")
		}
		return true, bridge.Skip(head(*f.skip, limit)), nil
	case f.ok == nil && f.reason == nil:
		return false, nil, nil
	case done:
		if f.reason != nil || buried || f.retryAfter != nil {
			return false, nil, errors.New("it says both that the job is done and that it is not")
		}
		return true, nil, nil
	}
	failed, err = f.failure(buried, limit)
	return true, failed, err
}

// failure is the error of a job that its child says has failed; err is nonsense.
func (f *fields) failure(buried bool, limit int) (failed, err error) {
	failed = errors.New("the child gives no reason")
	if f.reason != nil && *f.reason != "" {
		failed = errors.New(head(*f.reason, limit))
	}
	switch {
	case buried && f.retryAfter != nil:
		return nil, errors.New("it says both that the job is given up and when it runs again")
	case buried:
		return bridge.Bury(failed), nil
	case f.retryAfter != nil:
		delay, err := span("retry_after", *f.retryAfter)
		return bridge.RetryAfter(delay, failed), err
	}
	return failed, nil
}

// span reads the duration in a field.
func span(field, text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf(`its %s is not a duration such as "30s" or "1m30s"`, field)
	}
	return d, nil
}

// head is the beginning of a text, not cut within a character.
func head(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "..."
}
