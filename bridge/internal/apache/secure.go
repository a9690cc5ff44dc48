package apache

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Security is the protocol of a listener.
type Security string

// The protocols of the listeners that [Secured] adds. Under SSL clients must
// show a certificate.
const (
	SSL           Security = "SSL"
	SASLSSL       Security = "SASL_SSL"
	SASLPlaintext Security = "SASL_PLAINTEXT"
)

// Host is the name in the certificate of a [Secured] broker. It is no address:
// clients that dial 127.0.0.1 have to expect it.
const Host = "broker.holdfast.test"

// secured is what a broker with certificates has.
type secured struct {
	users map[string]string
	ports map[Security]int
}

// Secured adds listeners with TLS and SASL: PLAIN with the users given (name
// to password), both kinds of SCRAM with the users of [Broker.SetScram], and
// OAUTHBEARER with unsigned tokens. The plaintext listener stays.
func Secured(users map[string]string) Option {
	return func(b *Broker) { b.secured = &secured{maps.Clone(users), make(map[Security]int)} }
}

// SecureAddr is the address of a listener of [Secured].
func (b *Broker) SecureAddr(s Security) string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.secured.ports[s]))
}

// CAFile holds the certificate that signed the broker's and the client's.
func (b *Broker) CAFile() string { return filepath.Join(b.dir, "ca.pem") }

// ClientFiles hold a certificate that the broker accepts, and its key.
func (b *Broker) ClientFiles() (cert, key string) {
	return filepath.Join(b.dir, "client.pem"), filepath.Join(b.dir, "client.key")
}

// SetScram sets the password of a user of SCRAM, with the broker's own tool.
func (b *Broker) SetScram(tb testing.TB, user, password string) {
	tb.Helper()
	for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} { // the tool takes one at a time
		b.Tool(tb, ConfigCommand, "--alter", "--entity-type", "users", "--entity-name", user,
			"--add-config", mechanism+"=[password="+password+"]")
	}
}

// SetPlain sets the password of a user of PLAIN. It counts from the next start.
func (b *Broker) SetPlain(tb testing.TB, user, password string) {
	tb.Helper()
	text, err := os.ReadFile(b.configPath())
	if err != nil {
		tb.Fatalf("read the broker's configuration: %v", err)
	}
	changed := strings.ReplaceAll(string(text), plainUser(user, b.secured.users[user]), plainUser(user, password))
	if err := os.WriteFile(b.configPath(), []byte(changed), 0o644); err != nil {
		tb.Fatalf("write the broker's configuration: %v", err)
	}
	b.secured.users[user] = password
}

func plainUser(user, password string) string { return fmt.Sprintf(" user_%s=%q", user, password) }

// secure makes the certificates and returns the lines for server.properties.
func (b *Broker) secure(controller int) (map[string]string, error) {
	if err := b.certify(); err != nil {
		return nil, fmt.Errorf("make certificates: %w", err)
	}
	listeners := "PLAINTEXT://127.0.0.1:" + strconv.Itoa(b.port)
	protocols := "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"
	kinds := []Security{SSL, SASLSSL, SASLPlaintext}
	ports, err := b.reserve(len(kinds))
	if err != nil {
		return nil, err
	}
	for i, s := range kinds {
		b.secured.ports[s] = ports[i]
		listeners += fmt.Sprintf(",%s://127.0.0.1:%d", s, ports[i])
		protocols += fmt.Sprintf(",%s:%s", s, s)
	}
	lines := map[string]string{
		"listeners":                              listeners + ",CONTROLLER://127.0.0.1:" + strconv.Itoa(controller),
		"advertised.listeners":                   listeners,
		"listener.security.protocol.map":         protocols,
		"ssl.keystore.type":                      "PEM",
		"ssl.keystore.location":                  filepath.Join(b.dir, "server.pem"),
		"ssl.truststore.type":                    "PEM",
		"ssl.truststore.location":                b.CAFile(),
		"listener.name.ssl.ssl.client.auth":      "required",
		"listener.name.sasl_ssl.ssl.client.auth": "none",
		"sasl.enabled.mechanisms":                "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER",
	}
	for _, listener := range []string{"sasl_ssl", "sasl_plaintext"} {
		for mechanism, module := range b.secured.modules() {
			lines["listener.name."+listener+"."+mechanism+".sasl.jaas.config"] = "org.apache.kafka.common.security." + module + ";"
		}
	}
	return lines, nil
}

// modules are the login modules by mechanism.
func (s *secured) modules() map[string]string {
	plain := "plain.PlainLoginModule required"
	for user, password := range s.users {
		plain += plainUser(user, password)
	}
	return map[string]string{
		"plain":         plain,
		"scram-sha-256": "scram.ScramLoginModule required",
		"scram-sha-512": "scram.ScramLoginModule required",
		"oauthbearer":   `oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker"`,
	}
}

// certify writes an authority, and certificates by it for broker and client.
func (b *Broker) certify() error {
	ca := &x509.Certificate{
		Subject: pkix.Name{CommonName: "holdfast test authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign,
	}
	caKey, caText, _, err := sign(ca, ca, nil)
	if err != nil {
		return err
	}
	server := &x509.Certificate{
		Subject: pkix.Name{CommonName: Host}, DNSNames: []string{Host},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	_, serverText, serverKey, err := sign(server, ca, caKey)
	if err != nil {
		return err
	}
	client := &x509.Certificate{
		Subject: pkix.Name{CommonName: "billing"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	_, clientText, clientKey, err := sign(client, ca, caKey)
	if err != nil {
		return err
	}
	certFile, keyFile := b.ClientFiles()
	for path, text := range map[string]string{
		b.CAFile():                         caText,
		filepath.Join(b.dir, "server.pem"): serverKey + serverText + caText,
		certFile:                           clientText,
		keyFile:                            clientKey,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// sign makes a key and its certificate, both also as PEM. Without a parent's
// key it signs itself.
func sign(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (key *ecdsa.PrivateKey, cert, keyText string, err error) {
	if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, "", "", err
	}
	if parentKey == nil {
		parentKey = key
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, big.NewInt(1<<62)); err != nil {
		return nil, "", "", err
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(24*time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return nil, "", "", err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, "", "", err
	}
	return key, encode("CERTIFICATE", der), encode("PRIVATE KEY", keyDER), nil
}

func encode(kind string, der []byte) string {
	var text strings.Builder
	_ = pem.Encode(&text, &pem.Block{Type: kind, Bytes: der}) // a Builder never fails
	return text.String()
}
