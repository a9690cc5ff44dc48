package flat

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

type truth struct{}

func (truth) write(to []byte, v reflect.Value) ([]byte, error) {
	return strconv.AppendBool(to, v.Bool()), nil
}

func (truth) read(raw []byte, v reflect.Value, _ mode) error {
	switch string(raw) {
	case "true", "false":
		v.SetBool(string(raw) == "true")
	case "null":
		v.SetZero()
	default:
		return fmt.Errorf("%.40q is neither true nor false", raw)
	}
	return nil
}

type whole struct{}

func (whole) write(to []byte, v reflect.Value) ([]byte, error) {
	return strconv.AppendInt(to, v.Int(), 10), nil
}

func (whole) read(raw []byte, v reflect.Value, _ mode) error {
	if isNull(raw) {
		v.SetZero()
		return nil
	}
	n, err := strconv.ParseInt(string(raw), 10, v.Type().Bits())
	if err != nil {
		return fmt.Errorf("%.40q is not a whole number of %d bits", raw, v.Type().Bits())
	}
	v.SetInt(n)
	return nil
}

type natural struct{}

func (natural) write(to []byte, v reflect.Value) ([]byte, error) {
	return strconv.AppendUint(to, v.Uint(), 10), nil
}

func (natural) read(raw []byte, v reflect.Value, _ mode) error {
	if isNull(raw) {
		v.SetZero()
		return nil
	}
	n, err := strconv.ParseUint(string(raw), 10, v.Type().Bits())
	if err != nil {
		return fmt.Errorf("%.40q is not a whole number from 0 on, of %d bits", raw, v.Type().Bits())
	}
	v.SetUint(n)
	return nil
}

type real struct{}

func (real) write(to []byte, v reflect.Value) ([]byte, error) {
	f := v.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(to, "null"...), nil
	}
	b, err := json.Marshal(f)
	return append(to, b...), err
}

func (real) read(raw []byte, v reflect.Value, _ mode) error {
	if isNull(raw) {
		v.SetZero()
		return nil
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return fmt.Errorf("%.40q is not a number", raw)
	}
	v.SetFloat(f)
	return nil
}

// pointer is what may be unknown.
type pointer struct{ to codec }

func (p pointer) write(to []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return append(to, "null"...), nil
	}
	return p.to.write(to, v.Elem())
}

func (p pointer) read(raw []byte, v reflect.Value, m mode) error {
	if isNull(raw) {
		v.SetZero()
		return nil
	}
	fresh := reflect.New(v.Type().Elem())
	if err := p.to.read(raw, fresh.Elem(), m); err != nil {
		return err
	}
	v.Set(fresh)
	return nil
}

type list struct{ of codec }

func (l list) write(to []byte, v reflect.Value) ([]byte, error) {
	var err error
	to = append(to, '[')
	for i := range v.Len() {
		if i > 0 {
			to = append(to, ',')
		}
		if to, err = l.of.write(to, v.Index(i)); err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return append(to, ']'), nil
}

func (l list) read(raw []byte, v reflect.Value, m mode) error {
	var items []json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return errors.New("is not a list")
	}
	v.SetZero()
	if len(items) == 0 {
		return nil
	}
	fresh := reflect.MakeSlice(v.Type(), len(items), len(items))
	for i, item := range items {
		if m == strict && isNull(item) && neverNull(l.of) { // it would be read as zero
			return fmt.Errorf("[%d]: is null", i)
		}
		if err := l.of.read(item, fresh.Index(i), m); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	v.Set(fresh)
	return nil
}

// neverNull tells whether the form has no null, which stands for what is left out.
func neverNull(of codec) bool {
	switch of.(type) {
	case whole, natural, truth, *object:
		return true
	}
	return false
}

// table is a map by names.
type table struct{ of codec }

func (t table) write(to []byte, v reflect.Value) ([]byte, error) {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	var err error
	to = append(to, '{')
	for i, key := range keys {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendText(to, key.String()), ':')
		if to, err = t.of.write(to, v.MapIndex(key)); err != nil {
			return nil, fmt.Errorf("%s: %w", key.String(), err)
		}
	}
	return append(to, '}'), nil
}

func (t table) read(raw []byte, v reflect.Value, m mode) error {
	var items map[string]json.RawMessage
	if json.Unmarshal(raw, &items) != nil {
		return errors.New("is not a JSON object")
	}
	v.SetZero()
	if len(items) == 0 {
		return nil
	}
	fresh := reflect.MakeMapWithSize(v.Type(), len(items))
	for name, item := range items {
		value := reflect.New(v.Type().Elem()).Elem()
		if err := t.of.read(item, value, m); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fresh.SetMapIndex(reflect.ValueOf(name).Convert(v.Type().Key()), value)
	}
	v.Set(fresh)
	return nil
}
