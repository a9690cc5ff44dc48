package main

import (
	"errors"
	"io"
	"sync"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// closeHandlers ends what handlers have started, all at once. It is called when
// no job runs any more. Topics may share a handler.
func closeHandlers(topics []bridge.Topic) error {
	errs := make([]error, len(topics))
	var closing sync.WaitGroup
	for i, t := range topics {
		if h, ok := t.Handler.(io.Closer); ok {
			closing.Go(func() { errs[i] = h.Close() })
		}
	}
	closing.Wait()
	return errors.Join(errs...)
}
