package flat

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Form is how a T is written and read. It is immutable.
type Form[T any] struct{ whole codec }

// Of prepares the form of T. It panics where T has a field that has none, so
// that it is for package-level variables.
func Of[T any]() Form[T] { return Form[T]{codecOf(reflect.TypeFor[T](), "")} }

// Marshal writes v as JSON.
func (f Form[T]) Marshal(v T) ([]byte, error) { return f.Append(nil, v) }

// Append is Marshal at the end of a buffer.
func (f Form[T]) Append(to []byte, v T) ([]byte, error) {
	return f.whole.write(to, reflect.ValueOf(&v).Elem())
}

// Unmarshal reads what Marshal has written into v. Members that it does not
// know are ignored.
func (f Form[T]) Unmarshal(data []byte, v *T) error { return f.read(data, v, lenient) }

// UnmarshalStrict is Unmarshal for requests: a member that it does not know is
// an error.
func (f Form[T]) UnmarshalStrict(data []byte, v *T) error { return f.read(data, v, strict) }

func (f Form[T]) read(data []byte, v *T, m mode) error {
	if !json.Valid(data) { // what is below relies on it
		return errors.New("is not JSON")
	}
	return f.whole.read(bytes.TrimSpace(data), reflect.ValueOf(v).Elem(), m)
}

// mode is what becomes of members that are not known.
type mode bool

const (
	lenient mode = false
	strict  mode = true
)

// codec writes and reads values of one type.
type codec interface {
	write(to []byte, v reflect.Value) ([]byte, error)
	read(data []byte, v reflect.Value, m mode) error
}

// object is the codec of a struct.
type object struct {
	of     reflect.Type
	fields []field // as they are declared, those of embedded structs in their places
}

type field struct {
	name  string
	index []int
	omit  bool // where it is zero
	codec codec
}

const base64Ending = "_base64"

func newObject(of reflect.Type) *object {
	o := &object{of: of}
	o.add(of, nil)
	seen := make(map[string]bool)
	for _, f := range o.fields {
		if seen[f.name] {
			panic(fmt.Sprintf("flat: %v has two members %s", of, f.name))
		}
		seen[f.name] = true
	}
	return o
}

func (o *object) add(of reflect.Type, at []int) {
	for i := range of.NumField() {
		f := of.Field(i)
		index := append(at[:len(at):len(at)], i)
		tag, tagged := f.Tag.Lookup("json")
		switch {
		case tag == "-":
			continue
		case f.Anonymous && !tagged && f.Type.Kind() == reflect.Struct:
			o.add(f.Type, index)
			continue
		case !f.IsExported():
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		if name == "" {
			panic(fmt.Sprintf("flat: field %s of %v has no name in a json tag", f.Name, of))
		}
		o.fields = append(o.fields, field{name, index, options == "omitempty" || options == "omitzero", codecOf(f.Type, name)})
	}
}

func (o *object) write(to []byte, v reflect.Value) ([]byte, error) {
	var err error
	to = append(to, '{')
	for _, f := range o.fields {
		value := v.FieldByIndex(f.index)
		if f.omit && value.IsZero() {
			continue
		}
		if to[len(to)-1] != '{' {
			to = append(to, ',')
		}
		name := f.name
		if d, ok := f.codec.(data); ok && !d.isText(value) {
			name += base64Ending
		}
		to = append(append(append(to, '"'), name...), '"', ':')
		if to, err = f.codec.write(to, value); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	return append(to, '}'), nil
}

func (o *object) read(raw []byte, v reflect.Value, m mode) error {
	if isNull(raw) {
		return nil
	}
	members := make(map[string]json.RawMessage)
	if err := json.Unmarshal(raw, &members); err != nil {
		return errors.New("is not a JSON object") // the words of encoding/json are about Go
	}
	for _, f := range o.fields {
		if err := f.readFrom(members, v, m); err != nil {
			return err
		}
	}
	if m == strict && len(members) > 0 {
		return unknown(members)
	}
	return nil
}

// readFrom reads the field's member, if it is there, and takes it out.
func (f field) readFrom(members map[string]json.RawMessage, v reflect.Value, m mode) error {
	value := v.FieldByIndex(f.index)
	if d, ok := f.codec.(data); ok {
		name := f.name + base64Ending
		if raw, there := members[name]; there && !isNull(raw) {
			if _, both := members[f.name]; both && m == strict {
				return fmt.Errorf("%s and %s are both given", f.name, name)
			}
			delete(members, name)
			delete(members, f.name)
			return within(name, d.readBase64(raw, value))
		}
		delete(members, name)
	}
	raw, there := members[f.name]
	if !there {
		return nil
	}
	delete(members, f.name)
	return within(f.name, f.codec.read(raw, value, m))
}

func within(name string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func unknown(members map[string]json.RawMessage) error {
	var names []string
	for name := range members {
		names = append(names, name)
	}
	return fmt.Errorf("%s is not known here", quoted(names))
}
