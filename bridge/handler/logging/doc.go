// Package logging is the handler for a first look at a topic: it logs one line
// per job and completes it.
//
//	bridge.Topic{Name: "orders", Handler: logging.New(slog.Default())}
//
// A line has topic, partition, offset, key, lane, attempt, the value's size and
// the beginning of the value. Keys, lanes and values that are not text are shown
// quoted as Go would; nothing of a record is logged at full length.
package logging
