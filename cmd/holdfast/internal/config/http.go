package config

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/handler/webhook"
)

// HTTP posts each job to a receiver; see package webhook for what the values
// mean.
type HTTP struct {
	webhook.Config
	TLS *TLS
}

func newHTTP() *HTTP { return &HTTP{Config: webhook.Defaults()} }

func (h *HTTP) fields() fields {
	return fields{
		{"url", one(&h.URL, address)},
		{"timeout", one(&h.Timeout, duration(time.Millisecond))},
		{"give_up", orNone(&h.GiveUp, count(100))},
		{"source", one(&h.Source, text)},
		{"type", one(&h.Type, text)},
		{"content_type", one(&h.ContentType, text)},
		{"headers", named(&h.Headers, secret)},
		{"header_files", namedPaths(&h.HeaderFiles)},
		{"forward_headers", many(&h.ForwardHeaders, text)},
		{"tls", optional(&h.TLS, newTLS)},
	}
}

// address is a URL, whose query is not printed: it may contain a token.
var address = kind[string]{
	parse: text.parse,
	format: func(s string) string {
		if u, err := url.Parse(s); err == nil && u.RawQuery != "" {
			u.RawQuery = Redacted
			return u.String()
		}
		return s
	},
}

// handler makes the handler for a number of workers. Its error is a
// [*bridge.ConfigError].
func (h *HTTP) handler(workers int) (bridge.Handler, error) {
	made, err := webhook.New(h.settings(workers))
	var invalid *bridge.ConfigError
	if !errors.As(err, &invalid) {
		invalid = new(bridge.ConfigError)
	}
	for name := range h.Headers {
		if credentials[http.CanonicalHeaderKey(name)] {
			invalid.Problems = append(invalid.Problems, bridge.Problem{Field: "Headers[" + name + "]",
				Reason: "does not belong into this file; write it into one of its own and name that in header_files"})
		}
	}
	switch {
	case len(invalid.Problems) > 0:
		return nil, invalid
	case err != nil:
		return nil, err
	}
	return made, nil
}

// settings are the values as the library takes them.
func (h *HTTP) settings(workers int) webhook.Config {
	c := h.Config
	c.IdleConnections = workers
	c.TLS = (*webhook.TLS)(h.TLS)
	return c
}

// credentials are the headers that have no place in a file that is shown,
// copied and kept under version control.
var credentials = map[string]bool{"Authorization": true, "Cookie": true}

var httpKeys = map[string]string{
	"URL": "url", "Timeout": "timeout", "GiveUp": "give_up", "Source": "source", "Type": "type",
	"ContentType": "content_type", "Headers": "headers", "HeaderFiles": "header_files",
	"ForwardHeaders": "forward_headers", "TLS": "tls",
	"TLS.CAFile": "tls.ca_file", "TLS.CertFile": "tls.cert_file", "TLS.KeyFile": "tls.key_file",
}

// invalidHTTP reports what is wrong with the http handler below key. A key has
// one report, whatever is wrong with it.
func (b *builder) invalidHTTP(key string, err error) {
	var invalid *bridge.ConfigError
	if !errors.As(err, &invalid) {
		b.fail(key, err.Error())
		return
	}
	var keys []string
	reasons := make(map[string][]string)
	for _, p := range invalid.Problems {
		field, name, _ := strings.Cut(strings.TrimSuffix(p.Field, "]"), "[")
		at := key + "." + httpKeys[field]
		if name != "" {
			at += "." + name
		}
		if reasons[at] == nil {
			keys = append(keys, at)
		}
		reasons[at] = append(reasons[at], p.Reason)
	}
	for _, at := range keys {
		b.fail(at, strings.Join(reasons[at], "; "))
	}
}
