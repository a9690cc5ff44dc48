package bridge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
)

// JSON is a handler of values that are JSON: f gets each decoded into a T. A
// value that does not decode, or has more behind it, is given up as by [Bury]:
// no attempt would mend it. So is Kafka's null, unless T can be nil.
func JSON[T any](f func(ctx context.Context, job *Job, value T) error) Handler {
	return HandlerFunc(func(ctx context.Context, job *Job) error {
		var value T
		if err := decodeJSON(job.Value, &value); err != nil {
			return Bury(fmt.Errorf("value is no JSON of %v: %w", reflect.TypeFor[T](), err))
		}
		return f(ctx, job, value)
	})
}

var errNullValue = errors.New("it is null")

// decodeJSON reads a null record as JSON's null where that says something.
func decodeJSON[T any](data []byte, value *T) error {
	if data != nil {
		return json.Unmarshal(data, value)
	}
	switch reflect.TypeFor[T]().Kind() {
	case reflect.Pointer, reflect.Map, reflect.Slice, reflect.Interface:
		return nil
	}
	return errNullValue
}
