package admin

import (
	"context"
	"net"
	"sync"
	"time"
)

// What a connection may take. The bridge goes on under whatever clients do.
const (
	maxConnections = 256
	maxHeader      = 256 << 10 // bytes; a selection of offsets is in it
	maxBody        = 8 << 20   // bytes; a plan of 10,000 jobs has about 2 MiB
)

// limits is what requests may take.
type limits struct {
	reads, changes int // at a time; the bodies of changes are large

	header time.Duration // for a request to arrive, but its body
	body   time.Duration // for its body
	idle   time.Duration // for a connection without a request
	answer time.Duration // for what is not streamed
	page   time.Duration // for a client to take a page of a list
	turn   time.Duration // for others to make room
	end    time.Duration // for all of them to end with the server
}

func defaultLimits() limits {
	return limits{
		reads: 32, changes: 4,
		header: 5 * time.Second, body: 15 * time.Second, idle: 2 * time.Minute,
		answer: 5 * time.Minute, page: 30 * time.Second, turn: 5 * time.Second, end: 2 * time.Second,
	}
}

// slots bounds what is done at a time.
type slots chan struct{}

// take waits for a slot; false: there was none in time.
func (s slots) take(ctx context.Context, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(ctx, within)
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
