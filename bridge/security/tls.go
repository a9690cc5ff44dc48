package security

import (
	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/internal/credential"
)

func (v *validator) tls(t *TLS) func(*sarama.Config) {
	if t == nil {
		return nothing
	}
	conf := credential.TLS(*t).Client(v.add)
	return func(c *sarama.Config) {
		c.Net.TLS.Enable = true
		c.Net.TLS.Config = conf.Clone()
	}
}
