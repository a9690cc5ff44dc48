package flat

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"reflect"
	"slices"
	"strings"
)

// fields are those of a T that is a struct; others have none.
func (f Form[T]) fields() []field {
	if o, ok := f.whole.(*object); ok {
		return o.fields
	}
	return nil
}

// Values writes v, whose fields are no structs, as the parameters of a URL by
// the names of its JSON. Lists of numbers are joined by commas, lists of texts
// are given as several parameters. What is zero is left out, except data that
// is empty and not nil, and the fields named in needed.
func (f Form[T]) Values(v T, needed ...string) (url.Values, error) {
	values, whole := make(url.Values), reflect.ValueOf(&v).Elem()
	for _, each := range f.fields() {
		value := whole.FieldByIndex(each.index)
		if value.IsZero() && !slices.Contains(needed, each.name) {
			continue
		}
		name := each.name
		if d, ok := each.codec.(data); ok && !d.isText(value) {
			name += base64Ending
		}
		raw, err := each.codec.write(nil, value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		switch raw[0] {
		case '"':
			values.Set(name, mustText(raw))
		case '[':
			values[name] = items(raw)
		default:
			values.Set(name, string(raw))
		}
	}
	return values, nil
}

func mustText(raw []byte) string {
	s, _ := readText(raw) // it was just written
	return s
}

func items(raw []byte) []string {
	var list []json.RawMessage
	_ = json.Unmarshal(raw, &list) // it was just written
	var texts []string
	joined := true
	for _, item := range list {
		s := string(item)
		if item[0] == '"' {
			s, joined = mustText(item), false
		}
		texts = append(texts, s)
	}
	if joined && len(texts) > 0 {
		return []string{strings.Join(texts, ",")}
	}
	return texts
}

// FromValues reads the parameters of a URL into v. One that it does not know is
// an error.
func (f Form[T]) FromValues(values url.Values, v *T) error {
	members, fields := make(map[string]json.RawMessage), f.fields()
	for name, given := range values {
		of, known := parameter(fields, name)
		if !known {
			return fmt.Errorf("parameter %s is not known here", quoted([]string{name}))
		}
		raw, err := memberOf(of, given)
		if err != nil {
			return fmt.Errorf("parameter %s: %w", name, err)
		}
		members[name] = raw
	}
	for _, each := range fields {
		if err := each.readFrom(members, reflect.ValueOf(v).Elem(), strict); err != nil {
			return fmt.Errorf("parameter %w", err)
		}
	}
	return nil
}

// parameter is the codec of what a parameter is about.
func parameter(fields []field, name string) (codec, bool) {
	at := slices.IndexFunc(fields, func(f field) bool {
		_, isData := f.codec.(data)
		return f.name == name || isData && f.name+base64Ending == name
	})
	if at < 0 {
		return nil, false
	}
	return fields[at].codec, true
}

// memberOf is the JSON of a parameter.
func memberOf(of codec, given []string) (json.RawMessage, error) {
	if l, ok := of.(list); ok {
		return listOf(l.of, given), nil
	}
	if len(given) != 1 {
		return nil, fmt.Errorf("is given %d times", len(given))
	}
	if !quotes(of) && given[0] == "null" { // it would be read as zero; who means none leaves it out
		return nil, errors.New("is null")
	}
	return scalar(of, given[0]), nil
}

func listOf(of codec, given []string) json.RawMessage {
	raw := []byte{'['}
	for _, each := range given {
		parts := []string{each}
		if !quotes(of) {
			parts = strings.Split(each, ",")
		}
		for _, part := range parts {
			if len(raw) > 1 {
				raw = append(raw, ',')
			}
			raw = append(raw, scalar(of, part)...)
		}
	}
	return append(raw, ']')
}

func scalar(of codec, given string) json.RawMessage {
	if quotes(of) {
		return appendText(nil, given)
	}
	return json.RawMessage(given)
}

// quotes tells whether the JSON of a codec is a string.
func quotes(of codec) bool {
	switch of := of.(type) {
	case data, text, word, moment, failure:
		return true
	case pointer:
		return quotes(of.to)
	}
	return false
}
