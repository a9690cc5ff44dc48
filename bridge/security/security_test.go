package security_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/security"
)

func TestProblemsAreToldAllAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := write(t, dir, "password", "s3cret\n")
	cert, key := pair(t, dir, "one", "one.example")
	_, otherKey := pair(t, dir, "two", "two.example")
	for name, tt := range map[string]struct {
		config security.Config
		want   []string // fields
	}{
		"nothing":                 {security.Config{}, nil},
		"system roots":            {security.Config{TLS: &security.TLS{}}, nil},
		"certificate and key":     {security.Config{TLS: &security.TLS{CertFile: cert, KeyFile: key}}, nil},
		"key of another":          {security.Config{TLS: &security.TLS{CertFile: cert, KeyFile: otherKey}}, []string{"TLS.KeyFile"}},
		"key without certificate": {security.Config{TLS: &security.TLS{KeyFile: key}}, []string{"TLS.CertFile"}},
		"missing files": {
			security.Config{TLS: &security.TLS{CAFile: dir + "/x", CertFile: dir + "/y", KeyFile: dir + "/z"}},
			[]string{"TLS.CAFile", "TLS.CertFile", "TLS.KeyFile"},
		},
		"no mechanism":      {security.Config{SASL: &security.SASL{}}, []string{"SASL.Mechanism"}},
		"unknown mechanism": {security.Config{SASL: &security.SASL{Mechanism: "GSSAPI"}}, []string{"SASL.Mechanism"}},
		"neither user nor password": {
			security.Config{TLS: &security.TLS{CAFile: secret}, SASL: &security.SASL{Mechanism: security.ScramSHA256}},
			[]string{"TLS.CAFile", "SASL.User", "SASL.PasswordFile"},
		},
		"password":          {security.Config{SASL: &security.SASL{Mechanism: security.Plain, User: "a", Password: "s3cret"}}, nil},
		"password file":     {security.Config{SASL: &security.SASL{Mechanism: security.ScramSHA512, User: "a", PasswordFile: secret}}, nil},
		"both passwords":    {security.Config{SASL: &security.SASL{Mechanism: security.Plain, User: "a", Password: "s3cret", PasswordFile: secret}}, []string{"SASL.PasswordFile"}},
		"password is huge":  {security.Config{SASL: &security.SASL{Mechanism: security.Plain, User: "a", PasswordFile: write(t, dir, "huge", strings.Repeat("s3cret", 20_000))}}, []string{"SASL.PasswordFile"}},
		"password with NUL": {security.Config{SASL: &security.SASL{Mechanism: security.Plain, User: "a", PasswordFile: write(t, dir, "nul", "s3cret\x00")}}, []string{"SASL.PasswordFile"}},
		"token command":     {security.Config{SASL: &security.SASL{Mechanism: security.OAuthBearer, TokenCommand: []string{"true"}}}, nil},
		"no token command":  {security.Config{SASL: &security.SASL{Mechanism: security.OAuthBearer}}, []string{"SASL.TokenCommand"}},
		"token and password": {
			security.Config{SASL: &security.SASL{Mechanism: security.OAuthBearer, User: "a", Password: "s3cret", TokenCommand: []string{"no-such-program"}}},
			[]string{"SASL.User", "SASL.PasswordFile", "SASL.TokenCommand"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			hook, err := security.New(tt.config)
			var got []string
			var invalid *bridge.ConfigError
			if errors.As(err, &invalid) {
				for _, p := range invalid.Problems {
					got = append(got, p.Field)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s\n%v", diff, err)
			}
			if err != nil {
				if strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n") {
					t.Errorf("the error tells the secret or has several lines: %v", err)
				}
				return
			}
			conf := sarama.NewConfig()
			hook(conf)
			if err := conf.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The certificate that a client shows is the one that its files hold then.
func TestClientCertificateIsReadForEachConnection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	serverCert, serverKey := pair(t, dir, "server", "broker.example")
	cert, key := pair(t, dir, "client", "first")
	hook, err := security.New(security.Config{TLS: &security.TLS{CAFile: serverCert, CertFile: cert, KeyFile: key, ServerName: "broker.example"}})
	if err != nil {
		t.Fatal(err)
	}
	conf := sarama.NewConfig()
	hook(conf)
	shown := func() (string, error) { return handshake(t, conf.Net.TLS.Config, serverCert, serverKey) }

	if name, err := shown(); err != nil || name != "first" {
		t.Errorf("first shown %q, %v", name, err)
	}
	pair(t, dir, "client", "second")
	if name, err := shown(); err != nil || name != "second" {
		t.Errorf("then shown %q, %v", name, err)
	}
	write(t, dir, "client.key", "half written")
	_, err = shown()
	var remedy interface{ Remedy() string }
	if !errors.As(err, &remedy) || !strings.Contains(remedy.Remedy(), key) {
		t.Errorf("with a broken key the error is %v", err)
	}
}

func TestBrokersAreCheckedForTheServerName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	serverCert, serverKey := pair(t, dir, "server", "broker.example")
	for name, want := range map[string]string{"broker.example": "", "other.example": "x509: certificate is valid for broker.example, not other.example"} {
		hook, err := security.New(security.Config{TLS: &security.TLS{CAFile: serverCert, ServerName: name}})
		if err != nil {
			t.Fatal(err)
		}
		conf := sarama.NewConfig()
		hook(conf)
		_, err = handshake(t, conf.Net.TLS.Config, serverCert, serverKey)
		if got := text(err); got != want && !strings.HasSuffix(got, want) || (want == "") != (err == nil) {
			t.Errorf("as %s: %v", name, err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// handshake connects to a server that asks for a certificate, and returns the
// name in the one that it was shown.
func handshake(t *testing.T, client *tls.Config, certFile, keyFile string) (string, error) {
	t.Helper()
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	shown := make(chan string, 1)
	go func() {
		name := ""
		defer func() { shown <- name }()
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		server := conn.(*tls.Conn)
		if server.Handshake() == nil && len(server.ConnectionState().PeerCertificates) > 0 {
			name = server.ConnectionState().PeerCertificates[0].Subject.CommonName
		}
	}()
	conn, err := tls.Dial("tcp", listener.Addr().String(), client)
	if err != nil {
		<-shown
		return "", err
	}
	defer conn.Close()
	return <-shown, nil
}

// pair writes a self-signed certificate and its key.
func pair(t *testing.T, dir, file, name string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, dir, file+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}))),
		write(t, dir, file+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}
