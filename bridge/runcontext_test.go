package bridge

import (
	"context"
	"errors"
	"testing"
)

func TestRunContextEndsWithItsScope(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(context.Context){
		"asked before": func(ctx context.Context) { _ = ctx.Done() },
		"asked after":  func(context.Context) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			scope, cancel := context.WithCancelCause(t.Context())
			ctx := &runContext{scope: scope}
			ask(ctx)
			child, stop := context.WithCancel(ctx)
			defer stop()
			cancel(ErrRevoked)
			<-child.Done()
			if cause := context.Cause(ctx); !errors.Is(cause, ErrRevoked) {
				t.Errorf("cause %v", cause)
			}
			if cause := context.Cause(child); !errors.Is(cause, ErrRevoked) {
				t.Errorf("cause of a child %v", cause)
			}
		})
	}
}

func TestRunContextEndsWithItsRun(t *testing.T) {
	t.Parallel()
	for name, ask := range map[string]func(context.Context){
		"asked before": func(ctx context.Context) { _ = ctx.Done() },
		"asked after":  func(context.Context) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := &runContext{scope: t.Context()}
			ask(ctx)
			ctx.end()
			<-ctx.Done()
			if err := ctx.Err(); !errors.Is(err, context.Canceled) {
				t.Errorf("err %v", err)
			}
			if t.Context().Err() != nil {
				t.Error("the scope ended too")
			}
		})
	}
}
