package endtoend

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/apache"
)

// The passwords are distinct enough to be searched for in what is printed.
const (
	plainPassword = "pl4in-s3cret"
	scramPassword = "scr4m-s3cret"
)

// secureSite is a site whose configuration talks to a secured broker.
func secureSite(t *testing.T, broker *apache.Broker, listener apache.Security, group, settings string) *site {
	t.Helper()
	s := newSite(t)
	s.write(t, "plain", plainPassword+"\n")
	s.write(t, "scram", scramPassword+"\n")
	s.write(t, "wrong", "wr0ng-s3cret\n")
	s.write(t, "token.sh", tokenScript)
	s.write(t, "seen.sh", "#!/bin/sh\ntee -a \"${0%/*}/seen\"\n")
	s.write(t, "seen", "")
	address := broker.Addr()
	if listener != "" {
		address = broker.SecureAddr(listener)
	}
	s.write(t, "holdfast.yaml", fmt.Sprintf(`
kafka: {brokers: [%s], group: %s, %s}
data_dir: ./data
topics: {%s: {produce: {topic: %s}}}
handler: {exec: {command: ./seen.sh}}
`, address, group, settings, topic, echo))
	return s
}

// echo is where the script's output goes, over connections of another client.
const echo = "echo"

// tokenScript prints the unsigned token that Kafka takes where nothing else is
// configured.
const tokenScript = `#!/bin/sh
encode() { printf %s "$1" | base64 -w 0 | tr '+/' '-_' | tr -d '='; }
now=$(date +%s)
printf '%s.%s.\n' "$(encode '{"alg":"none"}')" "$(encode "{\"sub\":\"billing\",\"iat\":$now,\"exp\":$((now + 600))}")"
`

func startSecured(t *testing.T, options ...apache.Option) *apache.Broker {
	t.Helper()
	broker := apache.Start(t, append(options, apache.Secured(map[string]string{"billing": plainPassword}))...)
	broker.CreateTopic(t, topic, 1)
	broker.CreateTopic(t, echo, 1)
	broker.SetScram(t, "billing", scramPassword)
	return broker
}

func tlsSettings(broker *apache.Broker) string {
	return fmt.Sprintf("tls: {ca_file: %s, server_name: %s}", broker.CAFile(), apache.Host)
}

func TestSecuredKafka(t *testing.T) {
	t.Parallel()
	broker := startSecured(t)
	encrypted := tlsSettings(broker)
	cert, key := broker.ClientFiles()
	accepted := map[string]struct {
		listener apache.Security
		settings string
	}{
		"client certificate": {apache.SSL, fmt.Sprintf("tls: {ca_file: %s, server_name: %s, cert_file: %s, key_file: %s}", broker.CAFile(), apache.Host, cert, key)},
		"plain":              {apache.SASLPlaintext, "sasl: {mechanism: PLAIN, user: billing, password_file: plain}"},
		"plain over TLS":     {apache.SASLSSL, encrypted + ", sasl: {mechanism: PLAIN, user: billing, password_file: plain}"},
		"scram 256":          {apache.SASLPlaintext, "sasl: {mechanism: SCRAM-SHA-256, user: billing, password_file: scram}"},
		"scram 512 over TLS": {apache.SASLSSL, encrypted + ", sasl: {mechanism: SCRAM-SHA-512, user: billing, password_file: scram}"},
		"token over TLS":     {apache.SASLSSL, encrypted + ", sasl: {mechanism: OAUTHBEARER, token_command: ./token.sh}"},
	}
	for name, tt := range accepted {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := secureSite(t, broker, tt.listener, strings.ReplaceAll(name, " ", "-"), tt.settings)
			s.produce(t, name+";")
			b := s.run(t)
			s.waitForSeen(t, b, name+";")
			s.stop(t, b)
			if log := s.logTail(); strings.Contains(log, "produce to") || strings.Contains(log, "interrupted by the stop") {
				t.Errorf("what the script wrote was not produced:\n%s", log)
			}
			s.tellsNoSecret(t, s.logTail())
		})
	}
	refused := map[string]struct {
		listener apache.Security
		settings string
		say      string
	}{
		"wrong password":        {apache.SASLPlaintext, "sasl: {mechanism: PLAIN, user: billing, password_file: wrong}", "check user, password or token, and mechanism"},
		"wrong scram password":  {apache.SASLSSL, encrypted + ", sasl: {mechanism: SCRAM-SHA-512, user: billing, password_file: wrong}", "check user, password or token, and mechanism"},
		"unknown user":          {apache.SASLSSL, encrypted + ", sasl: {mechanism: SCRAM-SHA-256, user: nobody, password_file: scram}", "check user, password or token, and mechanism"},
		"untrusted certificate": {apache.SASLSSL, "tls: {server_name: " + apache.Host + "}, sasl: {mechanism: PLAIN, user: billing, password_file: plain}", "certificate signed by unknown authority: check the certificates and the server name"},
		"other server":          {apache.SASLSSL, fmt.Sprintf("tls: {ca_file: %s}, sasl: {mechanism: PLAIN, user: billing, password_file: plain}", broker.CAFile()), "check the certificates and the server name"},
		"no certificate":        {apache.SSL, encrypted, "check the certificates and the server name"},
		"failing token":         {apache.SASLPlaintext, "sasl: {mechanism: OAUTHBEARER, token_command: [sh, -c, 'echo no network >&2; exit 1']}", "get a token from sh: exit status 1: no network: run that command by hand"},
		"rejected token":        {apache.SASLPlaintext, "sasl: {mechanism: OAUTHBEARER, token_command: [echo, t0ken-s3cret]}", "check user, password or token, and mechanism"},
		"TLS without TLS":       {apache.SASLPlaintext, encrypted + ", sasl: {mechanism: PLAIN, user: billing, password_file: plain}", "EOF: the broker hung up, check whether the listener wants TLS or SASL"},
		"no TLS":                {apache.SASLSSL, "sasl: {mechanism: PLAIN, user: billing, password_file: plain}", "check whether the listener wants TLS or SASL"},
		"no SASL":               {apache.SASLPlaintext, "isolation: read_committed", "check whether the listener wants TLS or SASL"},
		"SASL where none is":    {"", "sasl: {mechanism: PLAIN, user: billing, password_file: plain}", "this listener does without SASL"},
	}
	for name, tt := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := secureSite(t, broker, tt.listener, "refused", tt.settings)
			s.refuses(t, tt.say, "run")
			s.refuses(t, tt.say, "produce", "--topic", topic)
		})
	}
}

// Passwords change on both sides, the broker starts again, and bridges that
// were running go on. Until then each connection has to prove itself again and
// again.
func TestPasswordsChangeWhileABridgeRuns(t *testing.T) {
	t.Parallel()
	broker := startSecured(t, apache.Property("connections.max.reauth.ms", "2000"))
	encrypted := tlsSettings(broker)
	sites := []*site{
		secureSite(t, broker, apache.SASLSSL, "plain", encrypted+", sasl: {mechanism: PLAIN, user: billing, password_file: plain}"),
		secureSite(t, broker, apache.SASLSSL, "scram", encrypted+", sasl: {mechanism: SCRAM-SHA-512, user: billing, password_file: scram}"),
	}
	sites[0].produce(t, "before;")
	var bridges []*life
	for _, s := range sites {
		b := s.run(t)
		bridges = append(bridges, b)
		s.waitForSeen(t, b, "before;")
	}

	broker.SetPlain(t, "billing", "new-pl4in-s3cret")
	broker.SetScram(t, "billing", "new-scr4m-s3cret")
	broker.Stop(t)
	for _, s := range sites {
		s.write(t, "plain", "new-pl4in-s3cret\n")
		s.write(t, "scram", "new-scr4m-s3cret\n")
	}
	broker.Restart(t)
	sites[1].produce(t, "after;")
	for i, s := range sites {
		s.waitForSeen(t, bridges[i], "after;")
		s.stop(t, bridges[i])
		s.tellsNoSecret(t, s.logTail())
	}
}

// refuses runs a command that has to end because Kafka cannot be reached.
func (s *site) refuses(t *testing.T, say string, command ...string) {
	t.Helper()
	cmd := exec.Command(binary, append(command, "--config", s.path("holdfast.yaml"))...)
	cmd.Stdin = strings.NewReader("value\n")
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 6 {
		t.Errorf("%s: %v, want exit code 6\n%s", command[0], err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if last := lines[len(lines)-1]; !strings.HasPrefix(last, "holdfast: cannot reach Kafka at 127.0.0.1:") || !strings.Contains(last, say) {
		t.Errorf("%s says %q at the end, want %q", command[0], last, say)
	}
	s.tellsNoSecret(t, string(out))
}

// produce writes one record with the configuration of the bridge.
func (s *site) produce(t *testing.T, value string) {
	t.Helper()
	cmd := exec.Command(binary, "produce", "--topic", topic, "--config", s.path("holdfast.yaml"))
	cmd.Stdin = strings.NewReader(value + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("produce: %v\n%s", err, out)
	}
}

// waitForSeen waits until the handler was given value.
func (s *site) waitForSeen(t *testing.T, b *life, value string) {
	t.Helper()
	for deadline := time.After(patience); ; {
		if strings.Contains(s.read(t, "seen"), value) {
			return
		}
		select {
		case <-b.done:
			t.Fatalf("holdfast ended by itself: %v\n%s", b.err, s.logTail())
		case <-deadline:
			t.Fatalf("%q not seen within %v\n%s", value, patience, s.logTail())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (s *site) tellsNoSecret(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, "s3cret") {
		t.Errorf("a secret is told:\n%s", text)
	}
}
