package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
)

// Kind says what an event tells.
type Kind string

// The kinds of event; the package comment says when each is written.
const (
	Produced  Kind = "produced"  // a record is in Kafka: Topic, Partition, Offset, Lane
	Boot      Kind = "boot"      // a life of Process begins
	Crash     Kind = "crash"     // a life of Process was ended by a kill
	Stop      Kind = "stop"      // a life of Process ended as planned
	Start     Kind = "start"     // a handler was called: Process, Topic, Partition, Offset
	End       Kind = "end"       // and is about to return; Done: without an error
	Durable   Kind = "durable"   // a completion is fsynced: Process, Topic, Partition, Offset
	Halted    Kind = "halted"    // that a job was given up is fsynced
	Retry     Kind = "retry"     // an operator asks to run a halted job again
	Skip      Kind = "skip"      // an operator asks to complete a halted job without a run
	Commanded Kind = "commanded" // what an operator asked for besides is answered
	Committed Kind = "committed" // the broker holds Offset for Topic, Partition
	Drained   Kind = "drained"   // nothing is left to do
)

// Event is one line of a history.
type Event struct {
	Kind      Kind   `json:"event"`
	Process   string `json:"process,omitempty"` // a bridge with its data directory, over all its lives
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition,omitempty"`
	Offset    int64  `json:"offset,omitempty"`
	Lane      string `json:"lane,omitempty"` // of Produced; empty: the record has no lane to keep order in
	Done      bool   `json:"done,omitempty"` // of End
	Line      int    `json:"-"`              // set by Read
}

// String names the event and where it stands.
func (e Event) String() string {
	text := string(e.Kind)
	if e.Kind == End && !e.Done {
		text = "failed end"
	}
	if e.Process != "" {
		text += " in " + e.Process
	}
	if e.Topic != "" {
		text += fmt.Sprintf(" of %s/%d@%d", e.Topic, e.Partition, e.Offset)
	}
	return fmt.Sprintf("%s (line %d)", text, e.Line)
}

// Log appends events to a file that other processes append to as well. It is
// safe for concurrent use.
type Log struct{ file *os.File }

// OpenLog opens the file for appending and creates it where it is missing.
func OpenLog(path string) (*Log, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the history: %w", err)
	}
	return &Log{file}, nil
}

// Append writes the events' lines with one write.
func (l *Log) Append(events ...Event) error {
	lines := []byte{'\n'} // ends the line of another process that a kill cut short
	for _, e := range events {
		line, err := json.Marshal(e)
		if err != nil {
			return fmt.Errorf("append to the history: %w", err)
		}
		lines = append(append(lines, line...), '\n')
	}
	if _, err := l.file.Write(lines); err != nil {
		return fmt.Errorf("append to the history: %w", err)
	}
	return nil
}

// Close closes the file.
func (l *Log) Close() error { return l.file.Close() }

// Read reads a history. Empty lines are skipped, and so is a line cut short by
// a crash that is told later: one for each crash.
func Read(r io.Reader) ([]Event, error) {
	var events []Event
	var cut []error // of lines that were not an event, and no crash since
	scanner := bufio.NewScanner(r)
	for line := 1; scanner.Scan(); line++ {
		text := bytes.TrimSpace(scanner.Bytes())
		if len(text) == 0 {
			continue
		}
		e, err := decode(text)
		if err != nil {
			cut = append(cut, fmt.Errorf("line %d of the history is not an event: %w", line, err))
			continue
		}
		if e.Kind == Crash && len(cut) > 0 {
			cut = cut[1:]
		}
		e.Line = line
		events = append(events, e)
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	if len(cut) > 0 {
		return nil, cut[0]
	}
	return events, nil
}

func decode(text []byte) (Event, error) {
	var e Event
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&e); err != nil {
		return Event{}, err
	}
	if decoder.More() {
		return Event{}, fmt.Errorf("%q holds more than one", text)
	}
	switch e.Kind {
	case Produced, Boot, Crash, Stop, Start, End, Durable, Halted, Retry, Skip, Committed, Drained:
		return e, nil
	}
	return Event{}, fmt.Errorf("unknown kind %q", e.Kind)
}
