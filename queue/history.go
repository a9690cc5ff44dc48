package queue

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/vmihailenco/msgpack/v5"
	"github.com/vmihailenco/msgpack/v5/msgpcode"
)

const (
	// MaxHistory is the number of failed attempts that are kept of a job: the
	// first one and the last ones.
	MaxHistory = 11
	// MaxHistoryError is the number of bytes of an error's text that are kept of
	// each of them.
	MaxHistoryError = 512
)

// Attempt is a run that failed.
type Attempt struct {
	Number int // counted from 1
	At     time.Time
	Error  string // cut to [MaxHistoryError] bytes
}

// failure is an Attempt as a note holds it.
type failure struct {
	Attempt int
	At      int64 // Unix nanoseconds
	Error   string
}

// failures are at most [MaxHistory], by time. A list never changes: notes share
// it.
type failures []failure

// with returns the list with one more failure. A text like that of the one
// before is shared: a job often fails for the same reason. What failed without
// another run of the job, again and again, is listed once.
func (f failures) with(next failure) failures {
	last := len(f) - 1
	if last >= 0 && f[last].Error == next.Error {
		next.Error = f[last].Error
		if f[last].Attempt == next.Attempt {
			f, last = f[:last], last-1
		}
	}
	longer := make(failures, 0, min(len(f)+1, MaxHistory))
	longer = append(longer, f...)
	if len(f) == MaxHistory {
		copy(longer[1:], f[2:])
		longer = longer[:last]
	}
	return append(longer, next)
}

// attempts is the list as it is shown.
func (f failures) attempts() []Attempt {
	if len(f) == 0 {
		return nil
	}
	list := make([]Attempt, len(f))
	for i, one := range f {
		list[i] = Attempt{Number: one.Attempt, At: time.Unix(0, one.At), Error: one.Error}
	}
	return list
}

// Each failure is three elements of one array; its error is nil where it is that
// of the failure before.
const failureFields = 3

// EncodeMsgpack writes the array.
func (f failures) EncodeMsgpack(enc *msgpack.Encoder) error {
	problems := []error{enc.EncodeArrayLen(failureFields * len(f))}
	for i, one := range f {
		problems = append(problems, enc.EncodeInt(int64(one.Attempt)), enc.EncodeInt(one.At))
		if i > 0 && f[i-1].Error == one.Error {
			problems = append(problems, enc.EncodeNil())
		} else {
			problems = append(problems, enc.EncodeString(one.Error))
		}
	}
	return errors.Join(problems...)
}

// DecodeMsgpack reads the array.
func (f *failures) DecodeMsgpack(dec *msgpack.Decoder) error {
	n, err := dec.DecodeArrayLen()
	if err == nil && (n > failureFields*MaxHistory || n > 0 && n%failureFields != 0) {
		err = fmt.Errorf("history of %d elements, %d for each of at most %d attempts expected", n, failureFields, MaxHistory)
	}
	*f = nil
	for ; n > 0 && err == nil; n -= failureFields {
		err = f.decodeNext(dec)
	}
	return err
}

func (f *failures) decodeNext(dec *msgpack.Decoder) (err error) {
	var next failure
	if next.Attempt, err = dec.DecodeInt(); err != nil {
		return err
	}
	if next.At, err = dec.DecodeInt64(); err != nil {
		return err
	}
	code, err := dec.PeekCode()
	if err != nil {
		return err
	}
	if next.Error, err = dec.DecodeString(); err != nil { // of nil it makes an empty one
		return err
	}
	if last := len(*f) - 1; code == msgpcode.Nil && last >= 0 {
		next.Error = (*f)[last].Error
	}
	*f = append(*f, next)
	return nil
}

// cut shortens text to at most n bytes without splitting a character. What is
// cut off is let go of.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && text[n]&0xC0 == 0x80 {
		n--
	}
	return strings.Clone(text[:n])
}
