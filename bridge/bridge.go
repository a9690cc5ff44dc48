package bridge

import "context"

// Bridge moves records from Kafka through the store to handlers. Make it with
// [New], run it once with [Bridge.Run].
type Bridge struct{ cfg Config }

// New validates cfg and opens nothing.
func New(cfg Config) (*Bridge, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Bridge{cfg: cfg.withDefaults()}, nil
}

// Run works until ctx ends, which is a planned stop, or until it cannot go on.
func (b *Bridge) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Ready is closed once the store is open and the group was joined.
func (b *Bridge) Ready() <-chan struct{} { return nil }

// SetWorkers changes how many jobs run at a time.
func (b *Bridge) SetWorkers(n int) {}

// Abort ends a planned stop at once: it cancels the contexts of running jobs.
func (b *Bridge) Abort() {}
