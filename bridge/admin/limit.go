package admin

import (
	"context"
	"net"
	"sync"
	"time"
)

// What requests may take. The bridge goes on under whatever clients do.
const (
	maxConnections = 256
	maxReads       = 32        // at a time
	maxChanges     = 4         // at a time: their bodies are large
	maxHeader      = 256 << 10 // bytes; a selection of offsets is in it
	maxBody        = 16 << 20  // bytes; a plan of 10,000 jobs has about 2 MiB

	headerWithin = 5 * time.Second
	bodyWithin   = 15 * time.Second
	idleFor      = 2 * time.Minute
	answerWithin = 5 * time.Minute  // what is not streamed
	takeWithin   = 30 * time.Second // a client has to take each page of a list
	slotWithin   = 5 * time.Second  // a request waits for others
	endWithin    = 2 * time.Second  // requests may go on at the end
)

// slots bounds what is done at a time.
type slots chan struct{}

// take waits for a slot; false: there was none in time.
func (s slots) take(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, slotWithin)
	defer cancel()
	select {
	case s <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s slots) release() { <-s }

// limited accepts no more connections than there are slots.
type limited struct {
	net.Listener
	slots slots
	done  chan struct{} // closed by Close
	once  sync.Once
}

func limit(l net.Listener) *limited {
	return &limited{Listener: l, slots: make(slots, maxConnections), done: make(chan struct{})}
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.done:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		l.slots.release()
		return nil, err
	}
	return &limitedConn{Conn: conn, release: sync.OnceFunc(l.slots.release)}, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.done) })
	return l.Listener.Close()
}

// limitedConn gives its slot back.
type limitedConn struct {
	net.Conn
	release func()
}

func (c *limitedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
