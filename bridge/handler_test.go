package bridge

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestFirstMiddlewareIsOutermost(t *testing.T) {
	t.Parallel()
	var calls []string
	say := func(name string) Middleware {
		return func(next Handler) Handler {
			return HandlerFunc(func(ctx context.Context, job *Job) error {
				calls = append(calls, name)
				return next.Handle(ctx, job)
			})
		}
	}
	h := wrap(HandlerFunc(func(context.Context, *Job) error {
		calls = append(calls, "handler")
		return nil
	}), []Middleware{say("first"), say("second")})
	if err := h.Handle(t.Context(), &Job{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"first", "second", "handler"}, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestJobIDOutlivesNames(t *testing.T) {
	t.Parallel()
	job := &Job{Record: Record{Topic: "orders", Partition: 3, Offset: 1042}, topicID: "Mi0vqYzuQ2K_x-1abcdefg"}
	if got := job.ID(); got != "Mi0vqYzuQ2K_x-1abcdefg/3@1042" {
		t.Errorf("ID %s", got)
	}
	if got := job.String(); got != "orders/3@1042" {
		t.Errorf("name %s", got)
	}
	job.topicID = ""
	if got := job.ID(); got != "orders/3@1042" {
		t.Errorf("ID without topic ids %s", got)
	}
}

func TestAJobIsLoggedByItsName(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	job := &Job{Record: Record{Topic: "orders", Partition: 3, Offset: 1042, Value: []byte("secret")}}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("taken", "job", job)
	if text := out.String(); !strings.Contains(text, `"job":"orders/3@1042"`) || strings.Contains(text, "secret") {
		t.Error(text)
	}
}
