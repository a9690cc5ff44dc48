package security

import (
	"crypto/tls"
	"crypto/x509"

	"github.com/IBM/sarama"
)

func (v *validator) tls(t *TLS) func(*sarama.Config) {
	if t == nil {
		return nothing
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		conf.RootCAs = v.roots(t.CAFile)
	}
	if v.keyPair(t) {
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
			if err != nil {
				return nil, &credentialError{"read the client certificate", err, "mend the files " + t.CertFile + " and " + t.KeyFile}
			}
			return &pair, nil
		}
	}
	return func(c *sarama.Config) {
		c.Net.TLS.Enable = true
		c.Net.TLS.Config = conf.Clone()
	}
}

func (v *validator) roots(path string) *x509.CertPool {
	pool := x509.NewCertPool()
	content, ok := v.read("TLS.CAFile", path)
	if ok && !pool.AppendCertsFromPEM(content) {
		v.add("TLS.CAFile", "%s holds no certificate in PEM; give it the one that signed the brokers' certificates", path)
	}
	return pool
}

// keyPair checks the client's certificate and tells whether there is one.
func (v *validator) keyPair(t *TLS) bool {
	switch {
	case t.CertFile == "" && t.KeyFile == "":
		return false
	case t.CertFile == "":
		v.add("TLS.CertFile", "is missing; a key needs its certificate")
		return false
	case t.KeyFile == "":
		v.add("TLS.KeyFile", "is missing; a certificate needs its key")
		return false
	}
	cert, certRead := v.read("TLS.CertFile", t.CertFile)
	key, keyRead := v.read("TLS.KeyFile", t.KeyFile)
	if certRead && keyRead {
		if _, err := tls.X509KeyPair(cert, key); err != nil {
			v.add("TLS.KeyFile", "%s and the certificate in %s are no pair: %v; both have to be PEM, the key without a passphrase", t.KeyFile, t.CertFile, err)
		}
	}
	return true
}
