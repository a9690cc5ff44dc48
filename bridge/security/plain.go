package security

import "github.com/IBM/sarama"

func (v *validator) plain(s *SASL) func(*sarama.Config) {
	secret := v.password(s)
	return func(c *sarama.Config) {
		c.Net.SASL.Password, _ = secret.read()
	}
}
