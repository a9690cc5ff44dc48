package security

import (
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/IBM/sarama"
	"github.com/xdg-go/scram"

	"github.com/seed-2837c37b/holdfast/bridge/internal/credential"
)

func (v *validator) sasl(s *SASL) func(*sarama.Config) {
	if s == nil {
		return nothing
	}
	var credentials func(*sarama.Config)
	switch s.Mechanism {
	case Plain:
		credentials = v.plain(s)
	case ScramSHA256:
		credentials = v.scram(s, scram.SHA256)
	case ScramSHA512:
		credentials = v.scram(s, scram.SHA512)
	case OAuthBearer:
		credentials = v.oauth(s)
	case "":
		v.add("SASL.Mechanism", "is missing; use %s", known)
	default:
		v.add("SASL.Mechanism", "%q is unknown; use %s", s.Mechanism, known)
	}
	return func(c *sarama.Config) {
		c.Net.SASL.Enable = true
		c.Net.SASL.Handshake = true
		c.Net.SASL.Version = sarama.SASLHandshakeV1
		c.Net.SASL.Mechanism = sarama.SASLMechanism(s.Mechanism)
		c.Net.SASL.User = s.User
		credentials(c)
	}
}

const known = string(Plain + ", " + ScramSHA256 + ", " + ScramSHA512 + " or " + OAuthBearer)

func (v *validator) scram(s *SASL, hash scram.HashGeneratorFcn) func(*sarama.Config) {
	secret := v.password(s)
	return func(c *sarama.Config) {
		c.Net.SASL.Password = elsewhere
		c.Net.SASL.SCRAMClientGeneratorFunc = func() sarama.SCRAMClient {
			return &scramClient{hash: hash, password: secret}
		}
	}
}

// elsewhere stands where sarama wants a password that is not taken from there.
const elsewhere = "read at each connection"

// password checks what mechanisms with a password need.
func (v *validator) password(s *SASL) password {
	secret := password{file: s.PasswordFile, text: s.Password}
	if s.User == "" {
		v.add("SASL.User", "is missing; %s needs one", s.Mechanism)
	}
	if len(s.TokenCommand) > 0 {
		v.add("SASL.TokenCommand", "is of no use under %s; remove it, or use %s", s.Mechanism, OAuthBearer)
	}
	switch {
	case s.Password == "" && s.PasswordFile == "":
		v.add("SASL.PasswordFile", "is missing; a user needs a password")
	case s.Password != "" && s.PasswordFile != "":
		v.add("SASL.PasswordFile", "is set and so is Password; keep one")
	default:
		if _, err := secret.read(); err != nil {
			v.add("SASL.PasswordFile", "%v; %s", err, credential.RemedyOf(err))
		}
	}
	return secret
}

func (v *validator) oauth(s *SASL) func(*sarama.Config) {
	if s.User != "" {
		v.add("SASL.User", "is of no use under %s, the token names the user; remove it", s.Mechanism)
	}
	if s.Password != "" || s.PasswordFile != "" {
		v.add("SASL.PasswordFile", "is of no use under %s; remove the password", s.Mechanism)
	}
	tokens := &tokens{command: v.command(s.TokenCommand)} // all clients share them
	return func(c *sarama.Config) { c.Net.SASL.TokenProvider = tokens }
}

// command finds the program, so that a later change of the working directory
// changes nothing.
func (v *validator) command(words []string) []string {
	const field = "SASL.TokenCommand"
	if len(words) == 0 {
		v.add(field, "is missing; %s needs a command that prints a token", OAuthBearer)
		return nil
	}
	for _, word := range words {
		if strings.ContainsRune(word, 0) {
			v.add(field, "%q contains a NUL byte", word)
		}
	}
	path, err := exec.LookPath(words[0])
	if err == nil {
		path, err = filepath.Abs(path)
	}
	if err != nil {
		v.add(field, "cannot be run: %v; correct the path, or make the file executable", err)
	}
	return append([]string{path}, words[1:]...)
}
