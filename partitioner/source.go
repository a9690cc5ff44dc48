package partitioner

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// Source says where the value comes from that decides a record's lane. The zero
// value is Key.
type Source struct {
	kind  sourceKind
	text  string // header name, JSON path or name of the function
	count int    // round robin
	call  func(Record) ([]byte, error)
}

type sourceKind uint8

const (
	fromKey sourceKind = iota
	fromHeader
	fromJSON
	fromTurn
	fromFunc
)

// Key is the record's key. A null key is missing, an empty one is a value.
func Key() Source { return Source{} }

// HeaderValue is the value of the header of exactly that name: the last one
// where several have it, as with lastHeader of Kafka's Java client.
func HeaderValue(name string) Source { return Source{kind: fromHeader, text: name} }

// JSON is a string, number or boolean inside a JSON value, by path: names and
// array indexes separated by dots, as in customer.id or items.0.id. A dot in a
// name is written \. and a backslash \\. Anything else at that place is missing,
// as is all of a value that is not one valid JSON text. Where a name occurs
// twice in an object the last one counts, as in encoding/json.
//
// Values are compared as text, numbers in one exact spelling: 42, 42.0, 4.2e1
// and "42" are the same lane.
func JSON(path string) Source { return Source{kind: fromJSON, text: path} }

// RoundRobin deals records out over n lanes by their offsets, so that a record
// has the same lane after a restart or when it is delivered again. With n zero
// it is as many as the scheme's Lanes.
func RoundRobin(n int) Source { return Source{kind: fromTurn, count: n} }

// Func is a value computed by f; nil means missing. The fingerprint of a scheme
// knows f only by name: give it a new one when it answers differently. f must be
// deterministic, safe for concurrent use and leave the record as it is. If it
// fails or panics, that record gets a lane of its own.
func Func(name string, f func(Record) ([]byte, error)) Source {
	return Source{kind: fromFunc, text: name, call: f}
}

// String returns the textual form, which ParseSource reads.
func (s Source) String() string {
	switch s.kind {
	case fromHeader:
		return "header:" + s.text
	case fromJSON:
		return "json:" + s.text
	case fromTurn:
		if s.count == 0 {
			return "round_robin"
		}
		return "round_robin:" + strconv.Itoa(s.count)
	case fromFunc:
		return "func:" + s.text
	default:
		return "key"
	}
}

// ParseSource reads key, header:NAME, json:PATH, round_robin:N and round_robin.
func ParseSource(text string) (Source, error) {
	s, err := splitSource(text)
	if err == nil {
		err = s.problem()
	}
	if err != nil {
		return Source{}, fmt.Errorf("partitioner: source %q: %w", text, err)
	}
	return s, nil
}

func splitSource(text string) (Source, error) {
	kind, rest, hasRest := strings.Cut(text, ":")
	switch {
	case text == "key":
		return Key(), nil
	case text == "round_robin":
		return RoundRobin(0), nil
	case kind == "header" && hasRest:
		return HeaderValue(rest), nil
	case kind == "json" && hasRest:
		return JSON(rest), nil
	case kind == "round_robin":
		n, err := parseCount(rest)
		return RoundRobin(n), err
	case kind == "func":
		return Source{}, errors.New("a Go function cannot be named in text: set it in Go with partitioner.Func")
	default:
		return Source{}, errors.New("unknown: use key, header:NAME, json:PATH or round_robin:N")
	}
}

// problem says what is wrong with the source by itself.
func (s Source) problem() error {
	switch {
	case s.kind == fromHeader && s.text == "":
		return errors.New("the name of the header is missing: write header:NAME")
	case s.kind == fromJSON:
		_, err := parsePath(s.text)
		return err
	case s.kind == fromTurn && s.count < 0:
		return errors.New("at least 1 lane is needed")
	case s.kind == fromFunc && s.text == "":
		return errors.New("the function needs a name: it stands for it in the fingerprint")
	case s.kind == fromFunc && s.call == nil:
		return errors.New("the function is nil")
	}
	return nil
}

func parseCount(text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("%q is not a number of lanes: use 1 or more", text)
	}
	return n, nil
}

// PanicError is the error of a Func that panicked.
type PanicError struct {
	Value any    // what was passed to panic
	Stack []byte // of the goroutine that panicked
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the value of the panic where it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

func callContained(f func(Record) ([]byte, error), rec Record) (value []byte, err error) {
	// Key and value are slices of a whole fetch response: without the clip,
	// rec.Key[:8] of a shorter key would read on into its neighbours.
	rec.Key, rec.Value = slices.Clip(rec.Key), slices.Clip(rec.Value)
	defer func() {
		if cause := recover(); cause != nil {
			value, err = nil, &PanicError{Value: cause, Stack: debug.Stack()}
		}
	}()
	return f(rec)
}
