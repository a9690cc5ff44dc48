package flat

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// dataNames are the members whose text is data: its bytes count.
var dataNames = []string{"key", "lane"}

const secondsEnding = "seconds"

// codecOf is the codec of a type under a name.
func codecOf(of reflect.Type, name string) codec {
	switch {
	case of == reflect.TypeFor[time.Time]():
		return moment{}
	case of == reflect.TypeFor[time.Duration]():
		if !strings.HasSuffix(name, secondsEnding) {
			panic(fmt.Sprintf("flat: a duration is called %q: its name is to end with _%s", name, secondsEnding))
		}
		return span{}
	case of == reflect.TypeFor[error]():
		return failure{}
	case reflect.PointerTo(of).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return word{}
	}
	switch of.Kind() {
	case reflect.String:
		if slices.Contains(dataNames, name) {
			return data{}
		}
		return text{}
	case reflect.Bool:
		return truth{}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return whole{}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return natural{}
	case reflect.Float64:
		return real{}
	case reflect.Struct:
		return newObject(of)
	case reflect.Pointer:
		return pointer{codecOf(of.Elem(), name)}
	case reflect.Slice:
		if of.Elem().Kind() == reflect.Uint8 {
			return data{}
		}
		if of := codecOf(of.Elem(), ""); of != codec(data{}) { // which member would tell its form?
			return list{of}
		}
	case reflect.Map:
		if of.Key().Kind() == reflect.String {
			return table{codecOf(of.Elem(), "")}
		}
	}
	panic(fmt.Sprintf("flat: %v has no form", of))
}

func isNull(raw []byte) bool { return string(bytes.TrimSpace(raw)) == "null" }

// data is text where that is possible; whoever writes the name of the member
// asks isText.
type data struct{}

func (data) isText(v reflect.Value) bool { return utf8.Valid(bytesOf(v)) }

func bytesOf(v reflect.Value) []byte {
	if v.Kind() == reflect.String {
		return []byte(v.String())
	}
	return v.Bytes()
}

func (d data) write(to []byte, v reflect.Value) ([]byte, error) {
	switch {
	case v.Kind() == reflect.Slice && v.IsNil():
		return append(to, "null"...), nil
	case d.isText(v):
		return appendText(to, string(bytesOf(v))), nil
	}
	to = base64.StdEncoding.AppendEncode(append(to, '"'), bytesOf(v))
	return append(to, '"'), nil
}

func (d data) read(raw []byte, v reflect.Value, m mode) error {
	if isNull(raw) {
		v.SetZero()
		return nil
	}
	s, err := readText(raw)
	if err == nil {
		setBytes(v, []byte(s))
	}
	return err
}

func (data) readBase64(raw []byte, v reflect.Value) error {
	s, err := readText(raw)
	if err != nil {
		return err
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return errors.New("is not base64")
	}
	setBytes(v, b)
	return nil
}

func setBytes(v reflect.Value, b []byte) {
	if v.Kind() == reflect.String {
		v.SetString(string(b))
		return
	}
	v.SetBytes(b)
}

// text is what people read.
type text struct{}

func (text) write(to []byte, v reflect.Value) ([]byte, error) { return appendText(to, v.String()), nil }

func (text) read(raw []byte, v reflect.Value, _ mode) error {
	if isNull(raw) {
		v.SetZero()
		return nil
	}
	s, err := readText(raw)
	if err == nil {
		v.SetString(s)
	}
	return err
}

func readText(raw []byte) (s string, err error) {
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", errors.New("is not a text")
	}
	return s, nil
}

// word is a type that has a text of its own.
type word struct{}

func (word) write(to []byte, v reflect.Value) ([]byte, error) {
	m, ok := v.Interface().(encoding.TextMarshaler)
	if !ok {
		return nil, fmt.Errorf("%v does not say its text", v.Type())
	}
	b, err := m.MarshalText()
	return appendText(to, string(b)), err
}

func (word) read(raw []byte, v reflect.Value, _ mode) error {
	if isNull(raw) {
		v.SetZero()
		return nil
	}
	s, err := readText(raw)
	if err != nil {
		return err
	}
	return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s))
}

// failure is an error; what it is beside its text is lost.
type failure struct{}

func (failure) write(to []byte, v reflect.Value) ([]byte, error) {
	if err, ok := v.Interface().(error); ok {
		return appendText(to, err.Error()), nil
	}
	return append(to, "null"...), nil
}

func (failure) read(raw []byte, v reflect.Value, _ mode) error {
	if isNull(raw) {
		v.SetZero()
		return nil
	}
	s, err := readText(raw)
	if err == nil {
		v.Set(reflect.ValueOf(errors.New(s)))
	}
	return err
}

type moment struct{}

func (moment) write(to []byte, v reflect.Value) ([]byte, error) {
	t := v.Interface().(time.Time).UTC()
	if t.IsZero() {
		return append(to, "null"...), nil
	}
	if t.Year() < 1 || t.Year() > 9999 {
		return nil, fmt.Errorf("the year %d has not four digits", t.Year())
	}
	return append(t.AppendFormat(append(to, '"'), time.RFC3339Nano), '"'), nil
}

func (moment) read(raw []byte, v reflect.Value, _ mode) error {
	if isNull(raw) {
		v.SetZero()
		return nil
	}
	s, err := readText(raw)
	if err != nil {
		return err
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return fmt.Errorf("%q is not a time such as 2026-01-02T15:04:05Z", s)
	}
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 { // could not be written again
		return fmt.Errorf("the year of %q has not four digits", s)
	}
	v.Set(reflect.ValueOf(t))
	return nil
}

type span struct{}

func (span) write(to []byte, v reflect.Value) ([]byte, error) {
	whole, rest := v.Int()/int64(time.Second), v.Int()%int64(time.Second)
	if v.Int() < 0 {
		to, whole, rest = append(to, '-'), -whole, -rest
	}
	to = strconv.AppendInt(to, whole, 10)
	if rest != 0 {
		to = append(to, strings.TrimRight(fmt.Sprintf(".%09d", rest), "0")...)
	}
	return to, nil
}

func (span) read(raw []byte, v reflect.Value, _ mode) error {
	if isNull(raw) {
		v.SetZero()
		return nil
	}
	if strings.Trim(string(raw), "-.0123456789") == "" {
		if d, err := time.ParseDuration(string(raw) + "s"); err == nil {
			v.SetInt(int64(d))
			return nil
		}
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || !(math.Abs(f) < float64(math.MaxInt64)/float64(time.Second)) {
		return fmt.Errorf("%.40q is not a number of seconds", raw)
	}
	v.SetInt(int64(math.Round(f * float64(time.Second))))
	return nil
}
