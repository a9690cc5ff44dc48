package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"

	"github.com/IBM/sarama"
	"golang.org/x/net/proxy"
)

// connections dials for one client and can cut what it dialled. sarama holds a
// broker's lock while it waits for an answer, so that closing a client waits
// for a join that other members hold up; closing the socket does not.
type connections struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)

	mu   sync.Mutex
	open map[*connection]struct{} // guarded by mu
	// ctx ends what is dialling; cut replaces it unless the client is over.
	// Guarded by mu, as is cancel.
	ctx    context.Context
	cancel context.CancelFunc
}

type connection struct {
	net.Conn
	of *connections
}

func (c *connection) Close() error {
	c.of.mu.Lock()
	delete(c.of.open, c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// take makes the client of conf dial through the connections returned. A proxy
// that the caller has set keeps being used.
func take(conf *sarama.Config) *connections {
	c := &connections{open: make(map[*connection]struct{})}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	direct := &net.Dialer{Timeout: conf.Net.DialTimeout, KeepAlive: conf.Net.KeepAlive, LocalAddr: conf.Net.LocalAddr}
	c.dial = direct.DialContext
	if conf.Net.Proxy.Enable {
		via := conf.Net.Proxy.Dialer
		c.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if d, ok := via.(proxy.ContextDialer); ok {
				return d.DialContext(ctx, network, address)
			}
			return via.Dial(network, address)
		}
	}
	conf.Net.Proxy.Enable, conf.Net.Proxy.Dialer = true, c
	return c
}

// Dial is sarama's way in.
func (c *connections) Dial(network, address string) (net.Conn, error) {
	c.mu.Lock()
	ctx := c.ctx
	c.mu.Unlock()
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil { // cut meanwhile
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	tracked := &connection{Conn: conn, of: c}
	c.open[tracked] = struct{}{}
	return tracked, nil
}

// cut closes every connection; the client dials anew when it needs one.
func (c *connections) cut() {
	c.drop(context.WithCancel(context.Background()))
}

// end closes every connection for good.
func (c *connections) end() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c.drop(ctx, cancel)
}

func (c *connections) drop(next context.Context, cancel context.CancelFunc) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cancel()
	c.ctx, c.cancel = next, cancel
	for conn := range c.open {
		_ = conn.Conn.Close()
	}
	clear(c.open)
}

// unreachable says in one sentence which brokers did not answer, why, and what to do.
func unreachable(brokers []string, cause error) error {
	text := reason(cause)
	return fmt.Errorf("%w at %s: %w: %s", ErrUnreachable, strings.Join(brokers, ", "), inOneLine{cause, text}, remedy(cause, text))
}

func remedy(cause error, text string) string {
	var own interface{ Remedy() string } // of what the configuration of TLS and SASL calls
	switch {
	case errors.As(cause, &own):
		return own.Remedy()
	case errors.Is(cause, sarama.ErrSASLAuthenticationFailed):
		return "check user, password or token, and mechanism"
	case errors.Is(cause, sarama.ErrUnsupportedSASLMechanism):
		return "use a mechanism that this listener offers"
	case errors.Is(cause, sarama.ErrIllegalSASLState):
		return "this listener does without SASL, use the port of another or remove it"
	case strings.Contains(text, "x509:") || strings.Contains(text, "tls:"):
		return "check the certificates and the server name"
	case errors.Is(cause, context.DeadlineExceeded) || errors.Is(cause, context.Canceled):
		return "check the network, or wait longer"
	case strings.HasSuffix(text, "i/o timeout"):
		return "check the addresses, the network, and whether the listener is one for TLS"
	case strings.HasSuffix(text, io.EOF.Error()):
		return "the broker hung up, check whether the listener wants TLS or SASL"
	}
	return "start the brokers, or correct their addresses"
}

type inOneLine struct {
	cause error
	text  string
}

func (e inOneLine) Error() string { return e.text }
func (e inOneLine) Unwrap() error { return e.cause }

// reason is the text of cause on one line, without what sarama puts before it.
func reason(cause error) string {
	text := strings.TrimPrefix(cause.Error(), sarama.ErrOutOfBrokers.Error()+": ")
	seen := make(map[string]bool)
	var lines []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !seen[line] {
			seen[line] = true
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "; ")
}
