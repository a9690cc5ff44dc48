package security

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/IBM/sarama"
)

// plain sets a password that never changes as sarama wants it. sarama's
// connections read that unguarded, so that nothing may change it later; a
// password in a file is put in by the connection itself.
func (v *validator) plain(s *SASL) func(*sarama.Config) {
	secret := v.password(s)
	return func(c *sarama.Config) {
		c.Net.SASL.AuthIdentity = ""
		if secret.file == "" {
			c.Net.SASL.Password = secret.text
			return
		}
		c.Net.SASL.Password = elsewhere
		d := &plainDialer{dial: dialOf(c), within: c.Net.DialTimeout, user: s.User, password: secret}
		if c.Net.TLS.Enable { // what is sent has to be seen before it is encrypted
			d.tls = c.Net.TLS.Config
			c.Net.TLS.Enable, c.Net.TLS.Config = false, nil
		}
		c.Net.Proxy.Enable, c.Net.Proxy.Dialer = true, d
	}
}

type dialContext = func(ctx context.Context, network, address string) (net.Conn, error)

// dialOf is how a client would dial.
func dialOf(c *sarama.Config) dialContext {
	if !c.Net.Proxy.Enable {
		d := &net.Dialer{Timeout: c.Net.DialTimeout, KeepAlive: c.Net.KeepAlive, LocalAddr: c.Net.LocalAddr}
		return d.DialContext
	}
	via := c.Net.Proxy.Dialer
	if d, ok := via.(interface {
		DialContext(ctx context.Context, network, address string) (net.Conn, error)
	}); ok {
		return d.DialContext
	}
	return func(_ context.Context, network, address string) (net.Conn, error) { return via.Dial(network, address) }
}

// plainDialer makes connections that know the password.
type plainDialer struct {
	dial     dialContext
	tls      *tls.Config // nil: plaintext
	within   time.Duration
	user     string
	password password
}

// Dial is sarama's way in; the bridge prefers DialContext.
func (d *plainDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d *plainDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := d.dial(ctx, network, address)
	if err == nil && d.tls != nil {
		conn, err = d.encrypt(ctx, conn, address)
	}
	if err != nil {
		return nil, err
	}
	return &plainConn{Conn: conn, user: d.user, password: d.password}, nil
}

func (d *plainDialer) encrypt(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	conf := d.tls
	if conf.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		conf = conf.Clone()
		conf.ServerName = host
	}
	ctx, cancel := context.WithTimeout(ctx, d.within)
	defer cancel()
	encrypted := tls.Client(conn, conf)
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close() // the error of the handshake says why
		return nil, err
	}
	return encrypted, nil
}

// plainConn replaces the message that sarama would authenticate with.
type plainConn struct {
	net.Conn
	user     string
	password password
}

// Write gets one whole request at a time, which is how sarama writes.
func (c *plainConn) Write(request []byte) (int, error) {
	if !authenticates(request) {
		return c.Conn.Write(request)
	}
	secret, err := c.password.read()
	if err != nil {
		return 0, err
	}
	changed, err := replaceMessage(request, plainMessage(c.user, elsewhere), plainMessage(c.user, secret))
	if err != nil {
		return 0, fmt.Errorf("authenticate as %s: %w", c.user, err)
	}
	if _, err := c.Conn.Write(changed); err != nil {
		return 0, err
	}
	return len(request), nil
}

// plainMessage is the message of RFC 4616.
func plainMessage(user, password string) []byte { return []byte("\x00" + user + "\x00" + password) }

// A request begins with its length (4 bytes), its kind and its version (2 each).
const (
	requestHead      = 8
	saslAuthenticate = 36
)

func authenticates(request []byte) bool {
	return len(request) >= requestHead && binary.BigEndian.Uint16(request[4:]) == saslAuthenticate
}

// replaceMessage puts another message into a SaslAuthenticate request, whose
// last field it is.
func replaceMessage(request, old, message []byte) ([]byte, error) {
	field := fieldOf(binary.BigEndian.Uint16(request[6:]))
	head, found := bytes.CutSuffix(request, field(old))
	if !found || len(head) < requestHead {
		return nil, errors.New("sarama's configuration of SASL was changed after package security had set it")
	}
	changed := append(bytes.Clone(head), field(message)...)
	binary.BigEndian.PutUint32(changed, uint32(len(changed)-4))
	return changed, nil
}

// fieldOf is how a version of the request writes the message.
func fieldOf(version uint16) func(message []byte) []byte {
	if version < 2 {
		return func(message []byte) []byte {
			return append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
		}
	}
	return func(message []byte) []byte { // compact, with no tagged fields behind it
		return append(append(binary.AppendUvarint(nil, uint64(len(message))+1), message...), 0)
	}
}
