package security

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/xdg-go/scram"

	"github.com/seed-2837c37b/holdfast/bridge/internal/credential"
)

// A password that changes in its file counts at the next exchange.
func TestScramTakesThePasswordOfTheFileAsItIs(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		file, stored string
		ok           bool
	}{
		{"first\n", "first", true},
		{"second\r\n", "second", true},
		{"second", "first", false},
		{" ½ \n", " ½ ", true}, // neither trimmed nor normalized
	} {
		write(tt.file)
		client := &scramClient{hash: scram.SHA256, password: password{file: path}}
		if err := client.Begin("billing", elsewhere, ""); err != nil {
			t.Fatal(err)
		}
		if err := exchange(client, server(t, tt.stored, minIterations)); (err == nil) != tt.ok {
			t.Errorf("%q against %q: %v", tt.file, tt.stored, err)
		}
	}
}

func TestScramRefusesAServerThatAsksForLittleWork(t *testing.T) {
	t.Parallel()
	client := &scramClient{hash: scram.SHA512, password: password{text: "s3cret"}}
	if err := client.Begin("billing", elsewhere, ""); err != nil {
		t.Fatal(err)
	}
	if err := exchange(client, server(t, "s3cret", 1)); err == nil {
		t.Error("one iteration was accepted")
	}
}

func TestScramSaysThatThePasswordIsGone(t *testing.T) {
	t.Parallel()
	client := &scramClient{hash: scram.SHA256, password: password{file: filepath.Join(t.TempDir(), "none")}}
	if err := client.Begin("billing", elsewhere, ""); credential.RemedyOf(err) == "" {
		t.Errorf("error is %v", err)
	}
}

// server is one side of an exchange, with a stored password.
func server(t *testing.T, stored string, iterations int) *scram.ServerConversation {
	t.Helper()
	hash := scram.SHA256
	if iterations == 1 {
		hash = scram.SHA512
	}
	keys, err := hash.NewClientUnprepped("billing", stored, "")
	if err != nil {
		t.Fatal(err)
	}
	credentials, err := keys.GetStoredCredentialsWithError(scram.KeyFactors{Salt: "salt", Iters: iterations})
	if err != nil {
		t.Fatal(err)
	}
	s, err := hash.NewServer(func(string) (scram.StoredCredentials, error) { return credentials, nil })
	if err != nil {
		t.Fatal(err)
	}
	return s.NewConversation()
}

// exchange drives the client as sarama does.
func exchange(client *scramClient, server *scram.ServerConversation) error {
	message, err := client.Step("")
	for err == nil && !client.Done() {
		var answer string
		if answer, err = server.Step(message); err == nil {
			message, err = client.Step(answer)
		}
	}
	return err
}
