package bridge

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

func explode(*Job) error { panic(io.ErrUnexpectedEOF) }

func TestPanicIsAnErrorWithItsStack(t *testing.T) {
	t.Parallel()
	err := call(t.Context(), HandlerFunc(func(_ context.Context, job *Job) error { return explode(job) }), &Job{})
	var p *PanicError
	if !errors.As(err, &p) {
		t.Fatalf("got %v, want a *PanicError", err)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the error that was the panic's value is lost")
	}
	first, _, _ := strings.Cut(p.Stack, "\n")
	if !strings.HasSuffix(first, "bridge.explode") {
		t.Errorf("stack begins in %s, want the function that panicked:\n%s", first, p.Stack)
	}
	if strings.Contains(p.Stack, "testing.tRunner") {
		t.Errorf("stack goes on below the handler:\n%s", p.Stack)
	}
}
