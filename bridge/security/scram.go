package security

import (
	"fmt"

	"github.com/xdg-go/scram"
)

// minIterations is the least that RFC 5802 and Kafka allow: a server that asks
// for less wants to guess the password from the answer.
const minIterations = 4096

// scramClient is one exchange of SCRAM with a broker.
type scramClient struct {
	hash     scram.HashGeneratorFcn
	password password
	exchange *scram.ClientConversation
}

// Begin takes the password from its source, not from sarama, which would keep
// the one that it began with. Kafka does not normalize names and passwords, so
// neither does this side.
func (c *scramClient) Begin(user, _, authzID string) error {
	secret, err := c.password.read()
	if err != nil {
		return err
	}
	client, err := c.hash.NewClientUnprepped(user, secret, authzID)
	if err != nil {
		return fmt.Errorf("begin SCRAM as %s: %w", user, err)
	}
	c.exchange = client.WithMinIterations(minIterations).NewConversation()
	return nil
}

func (c *scramClient) Step(challenge string) (string, error) { return c.exchange.Step(challenge) }

func (c *scramClient) Done() bool { return c.exchange.Done() }
