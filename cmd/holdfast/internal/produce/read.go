package produce

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/nearest"
)

// Record is what is produced; a nil key or value is Kafka's null.
type Record struct {
	Key, Value []byte
	Headers    []Header
}

// Header is one header; a nil value is null.
type Header struct {
	Name  string
	Value []byte
}

// Format says how lines become records.
type Format struct {
	JSON      bool   // each line is a JSON object, see README.md; else it is a value
	Separator string // between key and value of a line; empty: lines have no key
	Defaults  Record // key where a line has none, and headers for every record
}

// maxLine bounds a line; Kafka's own limit for a record is 1 MiB by default.
const maxLine = 4 << 20

// Reader reads records.
type Reader struct {
	in     *bufio.Reader
	format Format
	line   int // number of the last line
}

// NewReader reads the records of r.
func NewReader(r io.Reader, f Format) *Reader {
	return &Reader{in: bufio.NewReaderSize(r, maxLine), format: f}
}

// Next returns the next record, or io.EOF after the last.
func (r *Reader) Next() (Record, error) {
	for {
		line, err := r.readLine()
		if err != nil {
			return Record{}, err
		}
		if r.format.JSON && len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		rec, err := r.format.record(line)
		if err != nil {
			return Record{}, fmt.Errorf("line %d: %w", r.line, err)
		}
		return rec, nil
	}
}

// readLine returns a line without its end. A carriage return may well be part
// of the value. Only the end of the stream ends a line like a line feed does:
// what an error has cut off is none.
func (r *Reader) readLine() ([]byte, error) {
	line, err := r.in.ReadSlice('\n')
	r.line++
	switch {
	case err == nil:
		return bytes.Clone(line[:len(line)-1]), nil
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, fmt.Errorf("line %d is longer than %d MiB", r.line, maxLine>>20)
	case !errors.Is(err, io.EOF):
		return nil, fmt.Errorf("line %d: %w", r.line, err)
	case len(line) == 0:
		return nil, io.EOF
	}
	return bytes.Clone(line), nil
}

func (f Format) record(line []byte) (Record, error) {
	rec := Record{Key: f.Defaults.Key, Headers: f.Defaults.Headers}
	if f.JSON {
		return fromJSON(line, rec)
	}
	if f.Separator == "" {
		rec.Value = line
		return rec, nil
	}
	key, value, ok := bytes.Cut(line, []byte(f.Separator))
	if !ok {
		return Record{}, fmt.Errorf("%s has no key separator %q", quote(line), f.Separator)
	}
	rec.Key, rec.Value = key, value
	return rec, nil
}

// jsonFields are the keys of a record as JSON.
var jsonFields = []string{"key", "key_base64", "value", "value_base64", "headers"}

func fromJSON(line []byte, rec Record) (Record, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil || fields == nil {
		return Record{}, fmt.Errorf(`%s is not a JSON object; write for example {"key": "k1", "value": "v1"}`, quote(line))
	}
	for name := range fields {
		if err := knownField(name); err != nil {
			return Record{}, err
		}
	}
	var err error
	if rec.Key, err = bytesOf(fields, "key", rec.Key); err != nil {
		return Record{}, err
	}
	if rec.Value, err = bytesOf(fields, "value", nil); err != nil {
		return Record{}, err
	}
	headers, err := headersOf(fields["headers"])
	rec.Headers = append(rec.Headers[:len(rec.Headers):len(rec.Headers)], headers...)
	return rec, err
}

func knownField(name string) error {
	for _, f := range jsonFields {
		if f == name {
			return nil
		}
	}
	if meant, ok := nearest.Name(name, jsonFields); ok {
		return fmt.Errorf("unknown field %q; did you mean %s?", name, meant)
	}
	return fmt.Errorf("unknown field %q; known: %s", name, strings.Join(jsonFields, ", "))
}

// bytesOf reads a field that is given as JSON or, with _base64 added to its
// name, as bytes.
func bytesOf(fields map[string]json.RawMessage, name string, missing []byte) ([]byte, error) {
	plain, isPlain := fields[name]
	encoded, isEncoded := fields[name+"_base64"]
	switch {
	case isPlain && isEncoded:
		return nil, fmt.Errorf("%s and %s_base64 are both given; keep one", name, name)
	case isPlain:
		return plainBytes(plain)
	case !isEncoded:
		return missing, nil
	}
	var text string
	if err := json.Unmarshal(encoded, &text); err != nil {
		return nil, fmt.Errorf("%s_base64 is not a string", name)
	}
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%s_base64 is not base64: %w", name, err)
	}
	return b, nil
}

// plainBytes is the text of a JSON string, nil for null, and anything else as
// it is written, without white space around its parts.
func plainBytes(raw json.RawMessage) ([]byte, error) {
	if raw[0] == '"' {
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return nil, err
		}
		return []byte(text), nil
	}
	if string(raw) == "null" {
		return nil, nil
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return nil, err
	}
	return compact.Bytes(), nil
}

// headersOf reads {"name": "value"}, in the order of the text, names repeated
// as often as they are.
func headersOf(raw json.RawMessage) ([]Header, error) {
	if raw == nil || string(raw) == "null" {
		return nil, nil
	}
	wrong := errors.New(`headers is not an object of strings; write {"name": "value"}`)
	in := json.NewDecoder(bytes.NewReader(raw))
	if start, err := in.Token(); err != nil || start != json.Delim('{') {
		return nil, wrong
	}
	var headers []Header
	for in.More() {
		name, err := in.Token()
		if err != nil {
			return nil, wrong
		}
		value, err := in.Token()
		if err != nil {
			return nil, wrong
		}
		h := Header{Name: name.(string)} // the only kind of token in this place
		switch v := value.(type) {
		case string:
			h.Value = []byte(v)
		case nil:
		default:
			return nil, wrong
		}
		headers = append(headers, h)
	}
	return headers, nil
}

// quote is the beginning of a line, for people.
func quote(line []byte) string {
	const most = 40
	if len(line) > most {
		return fmt.Sprintf("%q...", line[:most])
	}
	return fmt.Sprintf("%q", line)
}
