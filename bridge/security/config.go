package security

import (
	"fmt"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// Config says how a client checks whom it talks to and proves who it is. The
// zero value is plaintext without a name.
type Config struct {
	TLS  *TLS  // nil: plaintext
	SASL *SASL // nil: no authentication beyond TLS
}

// TLS encrypts connections and checks the brokers' certificates. The zero value
// trusts the system's roots.
type TLS struct {
	// CAFile holds the certificates to trust, as PEM. Zero: the system's roots.
	CAFile string
	// CertFile and KeyFile are the client's certificate with its chain and its
	// key, as PEM; they are read again at each connection. Zero: none is shown.
	CertFile, KeyFile string
	// ServerName is the name that certificates are checked for. Zero: the host
	// that is dialled.
	ServerName string
}

// SASL proves who the client is.
type SASL struct {
	Mechanism Mechanism
	// User has a password under PLAIN and SCRAM.
	User string
	// PasswordFile holds the password, less a line break at its end. It is read
	// again at each connection. Either it or Password is set.
	PasswordFile string
	Password     string
	// TokenCommand prints the token of OAUTHBEARER: the token alone, or the
	// answer of an OAuth token endpoint, a JSON object with access_token and
	// expires_in. It may take 10 s. The token is kept until shortly before it
	// expires, as expires_in or the token itself, where it is a JWT, tells;
	// where neither does, each connection runs the command.
	TokenCommand []string
}

// Mechanism is a SASL mechanism.
type Mechanism string

// The mechanisms that [SASL] knows.
const (
	Plain       Mechanism = sarama.SASLTypePlaintext
	ScramSHA256 Mechanism = sarama.SASLTypeSCRAMSHA256
	ScramSHA512 Mechanism = sarama.SASLTypeSCRAMSHA512
	OAuthBearer Mechanism = sarama.SASLTypeOAuth
)

// New makes the hook for [bridge.Config.Sarama]. Its error is a
// [*bridge.ConfigError] that lists everything wrong with c.
//
// A hook of your own may call it and change more; a proxy is set before, since
// PLAIN with a PasswordFile takes over sarama's dialer, and TLS with it.
func New(c Config) (func(*sarama.Config), error) {
	var v validator
	encrypt := v.tls(c.TLS)
	authenticate := v.sasl(c.SASL)
	if len(v.problems) > 0 {
		return nil, &bridge.ConfigError{Problems: v.problems}
	}
	return func(conf *sarama.Config) {
		encrypt(conf)
		authenticate(conf)
	}, nil
}

// validator collects problems.
type validator struct{ problems []bridge.Problem }

func (v *validator) add(field, format string, args ...any) {
	v.problems = append(v.problems, bridge.Problem{Field: field, Reason: fmt.Sprintf(format, args...)})
}

// nothing changes nothing.
func nothing(*sarama.Config) {}
