package security_test

import (
	"context"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/security"
)

// A bridge whose brokers want TLS and a password.
func Example() {
	hook, err := security.New(security.Config{
		TLS: &security.TLS{}, // the system's roots
		SASL: &security.SASL{
			Mechanism:    security.ScramSHA512,
			User:         "billing",
			PasswordFile: "/run/secrets/kafka",
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	b, err := bridge.New(bridge.Config{
		Brokers: []string{"kafka.example:9093"},
		Group:   "billing",
		DataDir: "/var/lib/billing",
		Sarama:  hook,
		Topics: []bridge.Topic{{
			Name:    "orders",
			Handler: bridge.HandlerFunc(func(context.Context, *bridge.Job) error { return nil }),
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := b.Run(context.Background()); err != nil {
		log.Fatal(err)
	}
}

// Tokens come from a program; a hook of one's own adds what else is wanted.
func Example_token() {
	home, err := os.UserHomeDir()
	if err != nil {
		log.Fatal(err)
	}
	secure, err := security.New(security.Config{
		TLS: &security.TLS{CAFile: filepath.Join(home, "ca.pem")},
		SASL: &security.SASL{
			Mechanism:    security.OAuthBearer,
			TokenCommand: []string{"fetch-token", "--audience", "kafka"},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	_ = bridge.Config{Sarama: func(conf *sarama.Config) {
		secure(conf)
		conf.Net.KeepAlive = time.Minute
	}}
}
