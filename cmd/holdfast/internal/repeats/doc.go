// Package repeats keeps a log readable while the same goes wrong thousands of
// times a second: of warnings and errors of one kind the first few in each
// interval are written, and the others are counted.
//
//	h := repeats.New(slog.NewJSONHandler(os.Stderr, nil), repeats.Options{})
//	log := slog.New(h)
//	...
//	h.Flush(time.Now()) // now and then, and at the end: says what was counted
//
// Of one kind are records with the same level, message, topic and partition. A
// record below warning is always written.
package repeats
