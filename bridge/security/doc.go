// Package security makes the hook by which a bridge talks to Kafka over TLS and
// proves who it is by SASL: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, or OAUTHBEARER
// with the token of a command.
//
//	hook, err := security.New(security.Config{
//		TLS:  &security.TLS{CAFile: "ca.pem"},
//		SASL: &security.SASL{
//			Mechanism:    security.ScramSHA512,
//			User:         "billing",
//			PasswordFile: "/run/secrets/kafka",
//		},
//	})
//	if err != nil {
//		return err
//	}
//	b, err := bridge.New(bridge.Config{Sarama: hook, ...})
//
// [New] reads every file, so that what is missing or unreadable is known before
// anything starts. Secrets may change while a bridge runs: the client
// certificate, the password file and the token are looked at again for every
// connection. Errors name files, users and commands, never a password or a token.
//
// The hook is an ordinary change of sarama's configuration, for other clients
// of the same program too. Where a service wants something else, Kerberos for
// example, set it on sarama's configuration in a hook of your own.
package security
