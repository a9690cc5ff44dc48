package webhook

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// counted starts a receiver that counts its connections.
func counted(t *testing.T, answer http.HandlerFunc) (*httptest.Server, *atomic.Int32) {
	t.Helper()
	opened := new(atomic.Int32)
	server := httptest.NewUnstartedServer(answer)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	return server, opened
}

// fewMore is how many connections may be lost to a busy machine: net/http gives
// one up when it does not hear within 50 ms that a request was written.
const fewMore = 5

// Jobs one after another use one connection, whatever the answers and their
// bodies are.
func TestConnectionIsUsedAgain(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"no body": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"body": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat("x", maxDrain/2))
		},
		"error": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, strings.Repeat("x", maxDrain/2))
		},
	} {
		server, opened := counted(t, answer)
		h := handler(t, Config{URL: server.URL})
		for range 20 {
			_ = h.Handle(context.Background(), &bridge.Job{Record: bridge.Record{Value: []byte("x")}})
		}
		if n := opened.Load(); n > fewMore {
			t.Errorf("%s: %d connections for 20 jobs", name, n)
		}
	}
}

// Each worker keeps its connection.
func TestConnectionsAreKeptForAllWorkers(t *testing.T) {
	t.Parallel()
	const workers, rounds = 16, 5
	var here sync.WaitGroup // all workers of a round
	server, opened := counted(t, func(http.ResponseWriter, *http.Request) {
		here.Done()
		here.Wait()
	})
	h := handler(t, Config{URL: server.URL, IdleConnections: workers})
	for range rounds {
		here.Add(workers)
		var done sync.WaitGroup
		for range workers {
			done.Go(func() {
				if err := h.Handle(context.Background(), &bridge.Job{}); err != nil {
					t.Error(err)
				}
			})
		}
		done.Wait()
	}
	if n := opened.Load(); n > workers+fewMore {
		t.Errorf("%d connections for %d workers", n, workers)
	}
}

// A receiver that closes a connection between two jobs costs no attempt.
func TestConnectionClosedBetweenJobsCostsNoAttempt(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	t.Cleanup(ended.Wait)
	t.Cleanup(func() { listener.Close() })
	ended.Go(func() { closeAtSecond(listener) })
	h := handler(t, Config{URL: "http://" + listener.Addr().String()})
	for range 2 {
		post(t, h, &bridge.Job{Record: bridge.Record{Value: []byte("value")}})
	}
}

// closeAtSecond answers the first request on each connection, and closes it when
// a second one arrives.
func closeAtSecond(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		buf := make([]byte, 64<<10)
		if _, err := conn.Read(buf); err == nil {
			_, _ = io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
			_, _ = conn.Read(buf[:1])
		}
		conn.Close()
	}
}

func TestProxyOfTheEnvironment(t *testing.T) { // no t.Parallel: the environment is the process's
	proxy, got := record(t)
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("NO_PROXY", "")
	post(t, handler(t, Config{URL: "http://billing.test/charge"}), &bridge.Job{})
	if uri := (<-got).uri; uri != "http://billing.test/charge" {
		t.Errorf("the proxy was asked for %s", uri)
	}
	t.Setenv("REQUEST_METHOD", "GET") // then whoever sends a request could set HTTP_PROXY
	_, err := New(Config{URL: "http://billing.test"})
	if err == nil || !strings.Contains(err.Error(), "URL: cannot be reached through the proxy") {
		t.Errorf("error is %v", err)
	}
}

// secure starts a receiver that demands a client certificate of the authority.
func secure(t *testing.T, authority *authority, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := prepared(t, authority, answer)
	server.StartTLS()
	return server
}

// prepared is a secure receiver that is not started yet.
func prepared(t *testing.T, authority *authority, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	cert, key := authority.issue(t, "server", "receiver.test")
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(answer)
	server.EnableHTTP2 = true
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: authority.pool}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(server.Close)
	return server
}

func TestMutualTLSAndHTTP2(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	seen := make(chan string, 1)
	server := secure(t, ca, func(_ http.ResponseWriter, r *http.Request) {
		seen <- r.Proto + " " + r.TLS.PeerCertificates[0].Subject.CommonName
	})
	cert, key := ca.issue(t, "client", "first")
	h := handler(t, Config{URL: server.URL, TLS: &TLS{CAFile: ca.file, CertFile: cert, KeyFile: key, ServerName: "receiver.test"}})
	attempt := func() string {
		post(t, h, &bridge.Job{Record: bridge.Record{Value: []byte("x")}})
		return <-seen
	}
	if got := attempt(); got != "HTTP/2.0 first" {
		t.Errorf("the receiver saw %s", got)
	}
	ca.issue(t, "client", "second")
	got := attempt()
	for deadline := time.Now().Add(patience); got != "HTTP/2.0 second" && time.Now().Before(deadline); got = attempt() {
		h.CloseIdleConnections() // may come before the connection knows that it is idle
	}
	if got != "HTTP/2.0 second" {
		t.Errorf("with another certificate the receiver saw %s", got)
	}
}

// A receiver that allows few requests on a connection of HTTP/2 gets more
// connections: the workers alone bound how many requests run.
func TestLimitOfStreamsHoldsNoWorkerUp(t *testing.T) {
	t.Parallel()
	const workers = 8
	var here sync.WaitGroup
	here.Add(workers)
	ca := newAuthority(t)
	server := prepared(t, ca, func(http.ResponseWriter, *http.Request) {
		here.Done()
		here.Wait()
	})
	server.Config.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: 2}
	server.StartTLS()
	cert, key := ca.issue(t, "client", "client")
	h := handler(t, Config{URL: server.URL, TLS: &TLS{CAFile: ca.file, CertFile: cert, KeyFile: key, ServerName: "receiver.test"}})
	var done sync.WaitGroup
	for range workers {
		done.Go(func() {
			if err := h.Handle(context.Background(), &bridge.Job{}); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
}

func TestUntrustedReceiversGetNothing(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	server := secure(t, ca, func(http.ResponseWriter, *http.Request) { t.Error("a request arrived") })
	cert, key := ca.issue(t, "client", "client")
	for want, c := range map[string]TLS{
		"signed by unknown authority": {CertFile: cert, KeyFile: key, ServerName: "receiver.test"},
		"valid for receiver.test":     {CAFile: ca.file, CertFile: cert, KeyFile: key, ServerName: "other.test"},
		"post to " + server.URL:       {CAFile: ca.file, ServerName: "receiver.test"}, // no certificate; the text is up to the timing
	} {
		err := handler(t, Config{URL: server.URL, TLS: &c}).Handle(context.Background(), &bridge.Job{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %s", err, want)
		}
	}
}

// authority signs certificates.
type authority struct {
	dir, file string
	pool      *x509.CertPool
	cert      *x509.Certificate
	key       *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{dir: t.TempDir(), pool: x509.NewCertPool()}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	a.key = newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, a.key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	a.file = encodePEM(t, filepath.Join(a.dir, "ca.pem"), "CERTIFICATE", der)
	content, err := os.ReadFile(a.file)
	if err != nil || !a.pool.AppendCertsFromPEM(content) {
		t.Fatal(err)
	}
	return a
}

// issue writes a certificate for name and its key to files, over older ones.
func (a *authority) issue(t *testing.T, file, name string) (certFile, keyFile string) {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return encodePEM(t, filepath.Join(a.dir, file+".pem"), "CERTIFICATE", der),
		encodePEM(t, filepath.Join(a.dir, file+".key"), "PRIVATE KEY", private)
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encodePEM(t *testing.T, path, kind string, der []byte) string {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
