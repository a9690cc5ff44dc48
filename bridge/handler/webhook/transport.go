package webhook

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/seed-2837c37b/holdfast/bridge/internal/credential"
)

const (
	idleFor = 30 * time.Second
	// A connection that has become silent would fail every job that shares it.
	pingAfter  = 15 * time.Second
	pingWithin = 15 * time.Second
	// maxHeader bounds the header of an answer, in bytes.
	maxHeader = 64 << 10
)

// files reads every header file once.
func (v *validator) files(h headers) {
	for _, f := range h.files {
		if _, err := f.read(); err != nil {
			v.add("HeaderFiles["+f.name+"]", "%v; write it there, readable for this process", err)
		}
	}
}

func (v *validator) transport(c Config) *http.Transport {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS != nil {
		conf = credential.TLS(*c.TLS).Client(v.add)
	}
	dialer := &net.Dialer{Timeout: c.Timeout}
	return &http.Transport{
		Proxy:                  http.ProxyURL(v.proxy(c)),
		DialContext:            dialer.DialContext,
		TLSClientConfig:        conf,
		TLSHandshakeTimeout:    c.Timeout,
		ForceAttemptHTTP2:      true, // off by default where there is a TLSClientConfig
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: pingAfter, PingTimeout: pingWithin},
		DisableCompression:     true,
		MaxIdleConnsPerHost:    c.IdleConnections,
		IdleConnTimeout:        idleFor,
		MaxResponseHeaderBytes: maxHeader,
	}
}

// proxy is the one that the environment names for the URL; nil: none.
func (v *validator) proxy(c Config) *url.URL {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil // reported
	}
	proxy, err := httpproxy.FromEnvironment().ProxyFunc()(u)
	if err != nil {
		v.add("URL", "cannot be reached through the proxy of the environment: %v", err)
	}
	return proxy
}
