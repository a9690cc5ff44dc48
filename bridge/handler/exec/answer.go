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
	id     string
	final  bool   // false: of a kind that this version does not know
	err    error  // of a final one; nil: done
	result string // of one that is done: what is to be produced
}

// decodeAnswer reads a line of a child; errors are cut to limit bytes.
func decodeAnswer(line []byte, limit int) (answer, error) {
	// A map and no struct, because names of fields are exact.
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil || fields == nil {
		return answer{}, errors.New("it is not a JSON object")
	}
	var (
		id, reason, after *string
		ok, giveUp        *bool
		text              *string
		binary            *[]byte // JSON has it as base64
	)
	for name, to := range map[string]any{
		"id": &id, "ok": &ok, "error": &reason, "give_up": &giveUp, "retry_after": &after,
		"result": &text, "result_base64": &binary,
	} {
		if value, there := fields[name]; there && json.Unmarshal(value, to) != nil {
			return answer{}, fmt.Errorf("its field %q is of another type", name)
		}
	}
	switch {
	case id == nil:
		return answer{}, errors.New("it has no id")
	case ok == nil && reason == nil:
		return answer{id: *id}, nil
	case ok != nil && *ok:
		if reason != nil || giveUp != nil && *giveUp || after != nil {
			return answer{}, errors.New("it says both that the job is done and that it is not")
		}
		result, err := resultOf(text, binary)
		return answer{id: *id, final: true, result: result}, err
	case text != nil || binary != nil:
		return answer{}, errors.New("it has a result of a job that is not done")
	}
	failed, err := failure(reason, giveUp != nil && *giveUp, after, limit)
	if err != nil {
		return answer{}, err
	}
	return answer{id: *id, final: true, err: failed}, nil
}

// resultOf is what a child hands over, as text or as base64.
func resultOf(text *string, binary *[]byte) (string, error) {
	switch {
	case text != nil && binary != nil:
		return "", errors.New("it has both a result and a result_base64")
	case text != nil:
		return *text, nil
	case binary != nil:
		return string(*binary), nil
	}
	return "", nil
}

// failure is the error of a job that its child says has failed; err is nonsense.
func failure(reason *string, giveUp bool, after *string, limit int) (failed, err error) {
	failed = errors.New("the child gives no reason")
	if reason != nil && *reason != "" {
		failed = errors.New(head(*reason, limit))
	}
	switch {
	case giveUp && after != nil:
		return nil, errors.New("it says both that the job is given up and when it runs again")
	case giveUp:
		return bridge.Bury(failed), nil
	case after != nil:
		delay, invalid := time.ParseDuration(*after)
		if invalid != nil || delay < 0 {
			return nil, errors.New(`its retry_after is not a duration such as "30s" or "1m30s"`)
		}
		return bridge.RetryAfter(delay, failed), nil
	}
	return failed, nil
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
