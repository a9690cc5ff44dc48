package config

import (
	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/security"
)

// Security is how Kafka is talked to; see package security for what the values
// mean.
type Security struct {
	TLS  *TLS
	SASL *SASL
}

// TLS encrypts connections. Without values it trusts the system's roots.
type TLS security.TLS

func newTLS() *TLS { return new(TLS) }

func (t *TLS) fields() fields {
	return fields{
		{"ca_file", filePath(&t.CAFile)},
		{"cert_file", filePath(&t.CertFile)},
		{"key_file", filePath(&t.KeyFile)},
		{"server_name", one(&t.ServerName, text)},
	}
}

// SASL proves who the bridge is.
type SASL security.SASL

func newSASL() *SASL { return new(SASL) }

func (s *SASL) fields() fields {
	mechanism := words(string(security.Plain), string(security.ScramSHA256), string(security.ScramSHA512), string(security.OAuthBearer))
	return fields{
		{"mechanism", one((*string)(&s.Mechanism), mechanism)},
		{"user", one(&s.User, text)},
		{"password_file", filePath(&s.PasswordFile)},
		{"password", passwordCodec{value[string]{&s.Password, secret}}},
		{"token_command", command(&s.TokenCommand)},
	}
}

// secret is a text that is not printed.
var secret = kind[string]{
	parse: text.parse,
	format: func(s string) string {
		if s == "" {
			return ""
		}
		return Redacted
	},
}

// passwordCodec takes a password from the environment alone: the file is shown,
// copied and kept under version control, and a flag is seen by every process.
type passwordCodec struct{ value[string] }

func (c passwordCodec) decode(n node) {
	if n.origin == "" {
		n.fail("does not belong into this file; write it into one of its own and name that as password_file, or set %s", Variable(n.key))
		return
	}
	c.value.decode(n)
}

// Sarama makes the hook that sets this on a client; nil where there is nothing
// to set. Its error is a [*bridge.ConfigError].
func (s Security) Sarama() (func(*sarama.Config), error) {
	if s == (Security{}) {
		return nil, nil
	}
	return security.New(security.Config{TLS: (*security.TLS)(s.TLS), SASL: (*security.SASL)(s.SASL)})
}
