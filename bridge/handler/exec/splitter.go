package exec

import "bytes"

// splitter is a writer that cuts what is written to it into lines and keeps no more than a
// bounded part of one.
type splitter struct {
	limit int
	// emit takes a line without its end, which is its own only during the call. cut: it
	// is the beginning of one that is longer than the limit. An error ends the writing.
	emit func(line []byte, cut bool) error

	partial []byte // of a line that has not ended yet
	skip    bool   // until the end of a line that was too long
}

func (s *splitter) Write(p []byte) (int, error) {
	for rest := p; len(rest) > 0; {
		part, after, ended := bytes.Cut(rest, []byte{'\n'})
		rest = after
		if err := s.take(part, ended); err != nil {
			return len(p) - len(rest), err
		}
	}
	return len(p), nil
}

// take takes a part of a line, and its end.
func (s *splitter) take(part []byte, ended bool) (err error) {
	skip := s.skip
	s.skip = skip && !ended
	switch {
	case skip:
	case len(s.partial)+len(part) > s.limit:
		s.partial = append(s.partial, part[:s.limit-len(s.partial)]...)
		s.skip = !ended
		err = s.emit(s.partial, true)
		s.partial = nil
	case !ended:
		s.partial = append(s.partial, part...)
	case len(s.partial) == 0:
		err = s.emit(part, false)
	default:
		s.partial = append(s.partial, part...)
		err = s.emit(s.partial, false)
		s.partial = s.partial[:0]
	}
	return err
}

// end emits what is left, which no end of a line follows.
func (s *splitter) end() error {
	if len(s.partial) == 0 {
		return nil
	}
	defer func() { s.partial = nil }()
	return s.emit(s.partial, false)
}
