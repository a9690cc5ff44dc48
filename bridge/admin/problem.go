package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// Errors of the interface itself, beside those that [inspect.Inspector] has.
var (
	// ErrReadOnly means that the bridge carries out no commands of its socket.
	ErrReadOnly = errors.New("the admin socket is read-only")
	// ErrBusy means that too many requests are answered just now.
	ErrBusy = errors.New("too many requests at a time")
	// ErrUnknown means that the bridge does not know a request: it is of another
	// version.
	ErrUnknown = errors.New("unknown request")
	// ErrInvalid means that a request is malformed or asks for nonsense.
	ErrInvalid = errors.New("invalid request")
	// ErrTooLarge means that a request has too many bytes.
	ErrTooLarge = errors.New("request too large")

	// What [Client] never asks for is known to other clients by code and status.
	errMethod      = errors.New("wrong method")
	errContentType = errors.New("the body is not understood")
)

// kinds are what errors are called in JSON. The first that an error is counts;
// the last is every other.
var kinds = []struct {
	code   string
	status int
	is     error
}{
	{"invalid", http.StatusBadRequest, ErrInvalid},
	{"read_only", http.StatusForbidden, ErrReadOnly},
	{"unknown", http.StatusNotFound, ErrUnknown},
	{"too_large", http.StatusRequestEntityTooLarge, ErrTooLarge},
	{"wrong_method", http.StatusMethodNotAllowed, errMethod},
	{"wrong_content_type", http.StatusUnsupportedMediaType, errContentType},
	{"busy", http.StatusServiceUnavailable, ErrBusy},
	{"not_running", http.StatusServiceUnavailable, inspect.ErrNotRunning},
	{"not_held", http.StatusConflict, inspect.ErrNotHeld},
	{"no_topic", http.StatusNotFound, inspect.ErrNoTopic},
	{"kafka_unreachable", http.StatusServiceUnavailable, inspect.ErrKafkaUnreachable},
	{"not_found", http.StatusNotFound, inspect.ErrNotFound},
	{"out_of_range", http.StatusConflict, inspect.ErrOutOfRange},
	{"occupied", http.StatusConflict, recovery.ErrOccupied},
	{"refused", http.StatusConflict, inspect.ErrRefused},
	{"store_failed", http.StatusInternalServerError, queue.ErrStoreFailed},
	{"timeout", http.StatusGatewayTimeout, context.DeadlineExceeded},
	{"failed", http.StatusInternalServerError, nil},
}

// problem is an error as it travels.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	// Result is what was reached before it.
	Result json.RawMessage `json:"result,omitempty"`
}

// failed is what is sent instead of an answer, and as the last line of a list.
// No other line of one begins like that.
type failed struct {
	Problem *problem `json:"problem"`
}

const problemLine = `{"problem":`

func problemOf(err error) (p problem, status int) {
	for _, k := range kinds {
		if k.is == nil || errors.Is(err, k.is) {
			return problem{Code: k.code, Message: err.Error()}, k.status
		}
	}
	return problem{}, 0 // there is always the last
}

// Error is an error of the bridge at the other end of a socket. It says what it
// said there, and is the same to [errors.Is] where that is a sentinel of this
// package, of inspect, queue.ErrStoreFailed or recovery.ErrOccupied.
type Error struct {
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Message }

// Is reports whether target is what the error was there.
func (e *Error) Is(target error) bool {
	for _, k := range kinds {
		if k.code == e.Code {
			return k.is != nil && k.is == target
		}
	}
	return false
}

// named says what err says, and is also the sentinel.
type named struct{ sentinel, err error }

func (n *named) Error() string   { return n.err.Error() }
func (n *named) Unwrap() []error { return []error{n.sentinel, n.err} }

func invalid(format string, args ...any) error {
	return &named{ErrInvalid, fmt.Errorf(format, args...)}
}

// notAllowed is the error of a path that is known, with a method that is not.
type notAllowed struct{ path, method, allowed string }

func (n *notAllowed) Error() string {
	return fmt.Sprintf("%s is not asked for with %.20q; use %s", n.path, n.method, n.allowed)
}

func (n *notAllowed) Unwrap() error { return errMethod }
