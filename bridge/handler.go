package bridge

import "context"

// Handler does the work of a job. A nil error completes the job; any other
// makes it run again by the topic's [RetryPolicy]. [RetryAfter], [Snooze], [Bury]
// and [Skip] say otherwise, also when wrapped further. A panic is an error.
//
// Handle is called from many goroutines, for one job of a lane at a time. Its
// side effects happen at least once: a crash between an effect and the
// completion's fsync runs the job again, with the same [Job.ID].
//
// The context ends when the run is to be given up; [context.Cause] says why:
// [ErrStopping] or [ErrRevoked], and a run that then returns an error loses no
// attempt; [ErrTimeout], and it has failed; or [ErrCancelled], and an operator
// has said what becomes of the job. A run that returns nil all the same is done.
type Handler interface {
	Handle(ctx context.Context, job *Job) error
}

// HandlerFunc is a function as a [Handler].
type HandlerFunc func(ctx context.Context, job *Job) error

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, job *Job) error { return f(ctx, job) }

// Middleware wraps a handler.
type Middleware func(Handler) Handler

// wrap applies the middleware so that the first one is the outermost.
func wrap(h Handler, use []Middleware) Handler {
	for i := len(use) - 1; i >= 0; i-- {
		h = use[i](h)
	}
	return h
}
