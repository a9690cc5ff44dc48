package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Metrics is where others may read how the bridge does.
type Metrics struct {
	Listen string // host:port; empty: nowhere
}

func (m *Metrics) fields() fields {
	return fields{{"listen", one(&m.Listen, listenAddress)}}
}

// listenAddress is an address to listen at, or none.
var listenAddress = kind[string]{
	parse: func(s string) (string, error) {
		if s == none {
			return "", nil
		}
		_, port, err := net.SplitHostPort(s)
		if err != nil {
			return "", fmt.Errorf("%q is not host:port; write for example 127.0.0.1:9464, or none", s)
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return "", fmt.Errorf("%q has no port from 0 to 65535; write for example 127.0.0.1:9464, or none", s)
		}
		return s, nil
	},
	format: func(s string) string {
		if s == "" {
			return none
		}
		return s
	},
}

// none is the word for a listener that there is not to be.
const none = "none"

// warnings tell who else can read.
func (m *Metrics) warnings() []string {
	host, _, err := net.SplitHostPort(m.Listen)
	if err != nil || onLoopback(host) {
		return nil
	}
	return []string{fmt.Sprintf("metrics.listen: whoever reaches %s can read the metrics: names of topics, offsets and counts, no payloads; "+
		"write 127.0.0.1:9464 unless that is meant, as in a container", m.Listen)}
}

// onLoopback tells whether only this machine reaches a host's listeners.
func onLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback()
}
