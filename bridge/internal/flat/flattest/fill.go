package flattest

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
)

// hard are texts that are hard to get right.
var hard = []string{"", "a", "cust-8812", "with \"quotes\" and \\", "<tag> & more", "line\nbreak\ttab\x00\x1f", "Grüße \u2028 \U0001f600", "\ufffd"}

// notText are bytes that are no text.
var notText = []string{"\xff", "a\xc3", "\xed\xa0\x80", string([]byte{0, 255, 1})}

// Fill sets everything in v to something that the form of its type can show,
// and that comes back the same.
func Fill(v reflect.Value, r *rand.Rand) { fill(v, "", r) }

func fill(v reflect.Value, name string, r *rand.Rand) {
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		if r.IntN(4) > 0 {
			v.Set(reflect.ValueOf(time.Unix(r.Int64N(1<<34), r.Int64N(1e9)).UTC()))
		}
		return
	case reflect.TypeFor[error]():
		if r.IntN(2) > 0 {
			v.Set(reflect.ValueOf(errors.New(pick(r, hard))))
		}
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() || f.Anonymous {
				fill(v.Field(i), f.Name, r)
			}
		}
	case reflect.Pointer:
		if r.IntN(3) > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), name, r)
		}
	case reflect.Slice:
		fillSlice(v, r)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range []string{"a", "b"} {
			value := reflect.New(v.Type().Elem()).Elem()
			fill(value, "", r)
			v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), value)
		}
	default:
		fillPlain(v, name, r)
	}
}

func fillSlice(v reflect.Value, r *rand.Rand) {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		if r.IntN(4) > 0 {
			v.SetBytes([]byte(pick(r, slices.Concat(hard, notText))))
		}
		return
	}
	if n := r.IntN(3); n > 0 {
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			fill(v.Index(i), "", r)
		}
	}
}

func fillPlain(v reflect.Value, name string, r *rand.Rand) {
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(r.IntN(2) > 0)
	case reflect.String:
		texts := hard
		if name == "Lane" || name == "Key" {
			texts = slices.Concat(hard, notText)
		}
		v.SetString(pick(r, texts))
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(int64(r.Uint64()) >> (r.IntN(v.Type().Bits()) + 64 - v.Type().Bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(r.Uint64() >> (r.IntN(v.Type().Bits()) + 64 - v.Type().Bits()))
	case reflect.Float64:
		v.SetFloat(r.NormFloat64() * 1e6)
	}
}

func pick(r *rand.Rand, from []string) string { return from[r.IntN(len(from))] }

// Same compares what was written with what was read: an error by its text, an
// empty list as none, but empty data not as none.
func Same() cmp.Options {
	return cmp.Options{
		cmp.Comparer(func(a, b error) bool {
			return (a == nil) == (b == nil) && (a == nil || a.Error() == b.Error())
		}),
		cmp.FilterValues(func(a, b any) bool {
			x, y := reflect.ValueOf(a), reflect.ValueOf(b)
			return x.IsValid() && y.IsValid() && x.Kind() == reflect.Slice && y.Kind() == reflect.Slice &&
				x.Type().Elem().Kind() != reflect.Uint8 && x.Len() == 0 && y.Len() == 0
		}, cmp.Comparer(func(_, _ any) bool { return true })),
	}
}
