package main

import (
	"context"
	"io"
)

// input is stdin, which ends with the cause of ctx when that does. A read of a
// terminal cannot be interrupted: the goroutine that waits in one ends with
// the process.
func (w *world) input(ctx context.Context) io.Reader {
	out, in := io.Pipe()
	go func() {
		_, err := io.Copy(in, w.stdin)
		in.CloseWithError(err) // nil is the end of the stream
	}()
	context.AfterFunc(ctx, func() { in.CloseWithError(context.Cause(ctx)) })
	return out
}
