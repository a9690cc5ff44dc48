package bridge

import (
	"context"
	"fmt"
	"runtime"
	"strings"
)

// PanicError is the error of a run whose handler panicked.
type PanicError struct {
	Value any    // what the handler panicked with
	Stack string // of the panicking goroutine, innermost call first
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v\n%s", e.Value, e.Stack) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// call runs the handler; a panic is an error.
func call(ctx context.Context, h Handler, job *Job) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: stack()}
		}
	}()
	return h.Handle(ctx, job)
}

// stack describes the calls between the panic and this package, innermost
// first. Called while a panic is being recovered.
func stack() string {
	var pcs [64]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	var b strings.Builder
	for {
		f, more := frames.Next()
		if f.Function != "runtime.gopanic" {
			fmt.Fprintf(&b, "%s\n\t%s:%d\n", f.Function, f.File, f.Line)
		}
		if !more || strings.HasSuffix(f.Function, "bridge.call") {
			return b.String()
		}
	}
}
