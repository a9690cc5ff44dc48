package queue

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/vmihailenco/msgpack/v5"
)

// A body is a framed msgpack array: offset, lane id, flags, scheme, timestamp,
// key, value, lane name, headers. It repeats what its index row says, so that
// an index can be rebuilt from bodies and a body read under a wrong row is
// recognised. Later elements are ignored, so that a body can grow.
const (
	bodyFields = 9

	flagOwn     = 1 << 0 // the lane holds this record only
	flagNameKey = 1 << 1 // the lane's name is the record's key and not repeated
)

var errBodyLength = errors.New("length exceeds the body")

// bodyWriter encodes bodies into one growing buffer.
type bodyWriter struct {
	buf []byte
	enc *msgpack.Encoder
}

func newBodyWriter() *bodyWriter {
	w := &bodyWriter{}
	w.enc = msgpack.NewEncoder(w)
	return w
}

func (w *bodyWriter) Write(p []byte) (int, error) {
	w.buf = append(w.buf, p...)
	return len(p), nil
}

func (w *bodyWriter) WriteByte(b byte) error {
	w.buf = append(w.buf, b)
	return nil
}

// stored is a record's place in an encoded block. key and value are where
// their bytes begin in the block, so that memory can alias the copy.
type stored struct {
	row        row
	key, value int
}

// add appends the body of rec and returns where it is. Writing to memory
// cannot fail, so the encoder's errors are not looked at.
func (w *bodyWriter) add(rec *Record, scheme uint16) stored {
	start := len(w.buf)
	w.buf = beginFrame(w.buf)
	flags := uint64(0)
	if rec.Lane.Own {
		flags |= flagOwn
	}
	nameIsKey := rec.Key != nil && bytes.Equal(rec.Lane.Name, rec.Key)
	if nameIsKey {
		flags |= flagNameKey
	}
	w.enc.EncodeArrayLen(bodyFields)
	w.enc.EncodeInt(rec.Offset)
	w.enc.EncodeUint64(rec.Lane.ID)
	w.enc.EncodeUint(flags)
	w.enc.EncodeUint(uint64(scheme))
	w.enc.EncodeInt(rec.Timestamp)
	w.enc.EncodeBytes(rec.Key)
	key := len(w.buf) - len(rec.Key)
	w.enc.EncodeBytes(rec.Value)
	value := len(w.buf) - len(rec.Value)
	if nameIsKey {
		w.enc.EncodeNil()
	} else {
		w.enc.EncodeBytes(rec.Lane.Name)
	}
	w.enc.EncodeArrayLen(2 * len(rec.Headers))
	for _, h := range rec.Headers {
		w.enc.EncodeString(h.Key)
		w.enc.EncodeBytes(h.Value)
	}
	endFrame(w.buf, start)
	return stored{
		row: row{
			offset: rec.Offset, lane: rec.Lane.ID, pos: uint32(start), length: uint32(len(w.buf) - start),
			scheme: scheme, flags: uint16(flags),
		},
		key: key, value: value,
	}
}

// decodeBody decodes the framed body at the start of b. The record's slices
// alias b.
func decodeBody(b []byte) (rec Record, scheme uint16, err error) {
	payload, _, err := openFrame(b)
	if err != nil {
		return Record{}, 0, err
	}
	r := bodyReader{src: bytes.NewReader(payload), buf: payload}
	r.dec = msgpack.GetDecoder()
	defer msgpack.PutDecoder(r.dec)
	r.dec.Reset(r.src)
	rec, scheme = r.record()
	if r.err != nil {
		return Record{}, 0, fmt.Errorf("body: %w", r.err)
	}
	return rec, scheme, nil
}

// bodyReader keeps the first error; after it every read returns zero.
type bodyReader struct {
	buf []byte
	src *bytes.Reader
	dec *msgpack.Decoder
	err error
}

func (r *bodyReader) record() (rec Record, scheme uint16) {
	if n := r.length(r.dec.DecodeArrayLen); n < bodyFields && r.err == nil {
		r.err = fmt.Errorf("%d fields, %d expected", n, bodyFields)
	}
	rec.Offset = r.int()
	rec.Lane.ID = r.uint()
	flags := r.uint()
	scheme = uint16(r.uint())
	rec.Timestamp = r.int()
	rec.Key = r.bytes()
	rec.Value = r.bytes()
	rec.Lane.Name = r.bytes()
	rec.Lane.Own = flags&flagOwn != 0
	if flags&flagNameKey != 0 {
		rec.Lane.Name = rec.Key
	}
	n := r.length(r.dec.DecodeArrayLen) / 2
	if r.err == nil && n > 0 {
		rec.Headers = make([]Header, 0, n)
	}
	for i := 0; i < n && r.err == nil; i++ {
		rec.Headers = append(rec.Headers, Header{Key: string(r.bytes()), Value: r.bytes()})
	}
	return rec, scheme
}

func (r *bodyReader) int() (v int64) {
	if r.err == nil {
		v, r.err = r.dec.DecodeInt64()
	}
	return v
}

func (r *bodyReader) uint() (v uint64) {
	if r.err == nil {
		v, r.err = r.dec.DecodeUint64()
	}
	return v
}

// length bounds every announced length by the bytes that are left.
func (r *bodyReader) length(decode func() (int, error)) (n int) {
	if r.err != nil {
		return 0
	}
	n, r.err = decode()
	if r.err == nil && n > r.src.Len() {
		r.err = errBodyLength
	}
	if r.err != nil {
		return 0
	}
	return n
}

// bytes returns nil for nil; strings are read as bytes too.
func (r *bodyReader) bytes() []byte {
	n := r.length(r.dec.DecodeBytesLen)
	if r.err != nil || n < 0 {
		return nil
	}
	at := len(r.buf) - r.src.Len()
	if _, r.err = r.src.Seek(int64(n), io.SeekCurrent); r.err != nil {
		return nil
	}
	return r.buf[at : at+n : at+n]
}
