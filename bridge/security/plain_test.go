package security_test

import (
	"net"
	"strings"
	"testing"

	"github.com/IBM/sarama"
	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge/security"
)

// Every version of the protocol carries the password that the file has then.
func TestPlainTakesThePasswordOfTheFile(t *testing.T) {
	t.Parallel()
	for _, version := range []sarama.KafkaVersion{sarama.V1_1_0_0, sarama.V2_4_0_0, sarama.V3_2_0_0} {
		t.Run(version.String(), func(t *testing.T) {
			t.Parallel()
			server := plainBroker(t)
			dir := t.TempDir()
			file := write(t, dir, "password", "first\n")
			conf := configuration(t, security.SASL{Mechanism: security.Plain, User: "billing", PasswordFile: file})
			conf.Version = version
			passwords := []string{"first", strings.Repeat("longer", 50), "s"}
			var want []string
			for _, password := range passwords {
				write(t, dir, "password", password+"\n")
				want = append(want, "\x00billing\x00"+password)
				if err := connect(conf, server.Addr()); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(want, messages(server)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPlainSaysWhyThePasswordCannotBeHad(t *testing.T) {
	t.Parallel()
	server := plainBroker(t)
	dir := t.TempDir()
	conf := configuration(t, security.SASL{Mechanism: security.Plain, User: "billing", PasswordFile: write(t, dir, "password", "first")})
	write(t, dir, "password", "")
	if err := connect(conf, server.Addr()); err == nil || !strings.Contains(err.Error(), "read the password: "+dir+"/password is empty") {
		t.Errorf("error is %v", err)
	}
	write(t, dir, "password", "first")
	conf.Net.SASL.User = "another"
	if err := connect(conf, server.Addr()); err == nil || !strings.Contains(err.Error(), "was changed after package security had set it") {
		t.Errorf("error is %v", err)
	}
}

// A proxy that was set before is kept.
func TestPlainDialsThroughTheProxy(t *testing.T) {
	t.Parallel()
	server := plainBroker(t)
	hook, err := security.New(security.Config{SASL: &security.SASL{
		Mechanism: security.Plain, User: "billing", PasswordFile: write(t, t.TempDir(), "password", "first"),
	}})
	if err != nil {
		t.Fatal(err)
	}
	conf := sarama.NewConfig()
	conf.Net.Proxy.Enable, conf.Net.Proxy.Dialer = true, proxyTo(server.Addr())
	hook(conf)
	if err := connect(conf, "kafka.example:9093"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"\x00billing\x00first"}, messages(server)); diff != "" {
		t.Error(diff)
	}
}

type proxyTo string

func (p proxyTo) Dial(network, _ string) (net.Conn, error) { return net.Dial(network, string(p)) }

func configuration(t *testing.T, s security.SASL) *sarama.Config {
	t.Helper()
	hook, err := security.New(security.Config{SASL: &s})
	if err != nil {
		t.Fatal(err)
	}
	conf := sarama.NewConfig()
	hook(conf)
	return conf
}

func plainBroker(t *testing.T) *sarama.MockBroker {
	t.Helper()
	server := sarama.NewMockBroker(t, 1)
	t.Cleanup(server.Close)
	server.SetHandlerByMap(map[string]sarama.MockResponse{
		"ApiVersionsRequest":      sarama.NewMockApiVersionsResponse(t).SetApiKeys([]sarama.ApiVersionsResponseKey{{ApiKey: 17, MaxVersion: 1}, {ApiKey: 36, MaxVersion: 2}}),
		"SaslHandshakeRequest":    sarama.NewMockSaslHandshakeResponse(t).SetEnabledMechanisms([]string{sarama.SASLTypePlaintext}),
		"SaslAuthenticateRequest": sarama.NewMockSaslAuthenticateResponse(t),
	})
	return server
}

func connect(conf *sarama.Config, address string) error {
	broker := sarama.NewBroker(address)
	if err := broker.Open(conf); err != nil {
		return err
	}
	if _, err := broker.Connected(); err != nil {
		return err
	}
	return broker.Close()
}

func messages(server *sarama.MockBroker) []string {
	var found []string
	for _, each := range server.History() {
		if request, ok := each.Request.(*sarama.SaslAuthenticateRequest); ok {
			found = append(found, string(request.SaslAuthBytes))
		}
	}
	return found
}
