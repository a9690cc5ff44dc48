package credential

import (
	"crypto/tls"
	"crypto/x509"
	"os"
)

// TLS names the files of a client; security.TLS says what they mean.
type TLS struct {
	CAFile, CertFile, KeyFile, ServerName string
}

// Report takes a problem of a field, for example TLS.CAFile.
type Report func(field, format string, args ...any)

// Client makes the configuration of a client. The authorities are read now, the
// client's certificate again at each connection; what is wrong with either now
// is reported.
func (t TLS) Client(report Report) *tls.Config {
	conf := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CAFile != "" {
		conf.RootCAs = t.roots(report)
	}
	if t.hasKeyPair(report) {
		conf.GetClientCertificate = t.certificate
	}
	return conf
}

func (t TLS) certificate(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		return nil, &Error{"read the client certificate", err, "mend the files " + t.CertFile + " and " + t.KeyFile}
	}
	return &pair, nil
}

func (t TLS) roots(report Report) *x509.CertPool {
	pool := x509.NewCertPool()
	content, ok := read("TLS.CAFile", t.CAFile, report)
	if ok && !pool.AppendCertsFromPEM(content) {
		report("TLS.CAFile", "%s holds no certificate in PEM; give it the one that signed the server's certificate", t.CAFile)
	}
	return pool
}

// hasKeyPair checks the client's certificate and tells whether there is one.
func (t TLS) hasKeyPair(report Report) bool {
	switch {
	case t.CertFile == "" && t.KeyFile == "":
		return false
	case t.CertFile == "":
		report("TLS.CertFile", "is missing; a key needs its certificate")
		return false
	case t.KeyFile == "":
		report("TLS.KeyFile", "is missing; a certificate needs its key")
		return false
	}
	cert, certRead := read("TLS.CertFile", t.CertFile, report)
	key, keyRead := read("TLS.KeyFile", t.KeyFile, report)
	if certRead && keyRead {
		if _, err := tls.X509KeyPair(cert, key); err != nil {
			report("TLS.KeyFile", "%s and the certificate in %s are no pair: %v; both have to be PEM, the key without a passphrase", t.KeyFile, t.CertFile, err)
		}
	}
	return true
}

// read reads the file that a field names; false: it was reported.
func read(field, path string, report Report) ([]byte, bool) {
	content, err := os.ReadFile(path)
	if err != nil {
		report(field, "cannot be read: %v; correct the path or the file's permissions", err)
	}
	return content, err == nil
}
