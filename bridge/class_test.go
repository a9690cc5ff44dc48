package bridge

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// The text of a panic ends with its stack, in which names of files and
// functions say nothing about the error.
func TestTextOfAPanicIsMatchedWithoutItsStack(t *testing.T) {
	t.Parallel()
	err := call(t.Context(), HandlerFunc(func(context.Context, *Job) error { panic("duplicate order") }), &Job{})
	if !strings.Contains(err.Error(), "class_test.go") {
		t.Fatalf("no stack in %v", err)
	}
	for _, err := range []error{err, &timedOut{1, err}} {
		if MatchText("class_test")(err) || !MatchText("duplicate order")(err) {
			t.Errorf("matched by its stack, or not by its value: %v", err)
		}
	}
	if !MatchText("no such")(errors.New("no such order")) {
		t.Error("an error is not matched by its text")
	}
}
