package main

import (
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// A job that was requeued and buried once more, beside a letter that stayed.
func TestLettersOfOneJobAreToldApart(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	letters := func(yield func(inspect.DeadLetter, error) bool) {
		for number, offset := range []int64{4, 5, 5, 5, 6} {
			if !yield(inspect.DeadLetter{Name: inspect.Name{Topic: "orders", Partition: 3, Offset: offset}, Number: uint64(number)}, nil) {
				return
			}
		}
		yield(inspect.DeadLetter{}, broken)
	}
	var names []string
	for l, err := range told(letters) {
		if err != nil {
			names = append(names, err.Error())
			continue
		}
		names = append(names, l.name())
	}
	want := []string{"orders/3@4", "orders/3@5 (burial 1)", "orders/3@5 (burial 2)", "orders/3@5 (burial 3)", "orders/3@6", "broken"}
	if !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
	next, stop := iter.Pull2(told(letters))
	defer stop()
	if first, err, ok := next(); first.Offset != 4 || err != nil || !ok {
		t.Errorf("%v, %v, %v", first, err, ok)
	}
}
