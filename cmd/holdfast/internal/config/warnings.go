package config

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/seed-2837c37b/holdfast/bridge/security"
)

// Warnings are what is allowed and probably not meant.
func (c *Config) Warnings() []string {
	var found []string
	if sasl := c.Kafka.SASL; sasl != nil && sasl.Mechanism == security.Plain && c.Kafka.TLS == nil {
		found = append(found, "kafka.sasl: PLAIN without TLS shows the password to whoever sees the network; set kafka.tls, or use SCRAM-SHA-512")
	}
	found = append(found, c.Metrics.warnings()...)
	if c.Admin.Group != "" && c.Admin.Socket == socketAuto && !enterable(c.DataDir) {
		found = append(found, fmt.Sprintf("admin.socket_group: the members of %s cannot reach the socket in data_dir, which is its owner's alone; set admin.socket to a path in a directory that lets them in", c.Admin.Group))
	}
	found = append(found, c.overlaps()...)
	found = append(found, c.Handler.warnings("handler")...)
	for _, t := range c.Topics {
		found = append(found, t.Handler.warnings(t.key()+".handler")...)
	}
	return found
}

func (h *Handler) warnings(key string) (found []string) {
	switch {
	case h == nil:
	case h.Exec != nil:
		for _, entry := range h.Exec.Env {
			if _, set := os.LookupEnv(entry); !set && !strings.Contains(entry, "=") {
				found = append(found, fmt.Sprintf("%s.exec.env: %s is not set here, so that jobs do not get it", key, entry))
			}
		}
	case h.HTTP != nil && len(h.HTTP.HeaderFiles) > 0 && h.HTTP.inTheOpen():
		found = append(found, key+".http: without TLS whoever sees the network sees what header_files hold; write https")
	}
	return found
}

// enterable tells whether others than its owner may have a way into a directory;
// one that is not there yet is made for the owner alone.
func enterable(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.Mode()&0o011 != 0
}

// inTheOpen tells whether requests leave this machine without TLS.
func (h *HTTP) inTheOpen() bool {
	u, err := url.Parse(h.URL)
	if err != nil || u.Scheme != "http" {
		return false
	}
	host := u.Hostname()
	return host != "localhost" && !net.ParseIP(host).IsLoopback()
}
