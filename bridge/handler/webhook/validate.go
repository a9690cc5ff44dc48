package webhook

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// Validate returns a [*bridge.ConfigError] with every problem of c that can be
// seen without looking at the file system, or nil.
func (c Config) Validate() error {
	var v validator
	v.config(c.filled())
	return v.err()
}

// validator collects problems.
type validator struct{ problems []bridge.Problem }

func (v *validator) add(field, format string, args ...any) {
	v.problems = append(v.problems, bridge.Problem{Field: field, Reason: fmt.Sprintf(format, args...)})
}

func (v *validator) err() error {
	if len(v.problems) == 0 {
		return nil
	}
	return &bridge.ConfigError{Problems: v.problems}
}

func (v *validator) config(c Config) {
	v.url(c)
	if c.Timeout < 0 {
		v.add("Timeout", "is negative; leave it out for the default")
	}
	if c.IdleConnections < 0 {
		v.add("IdleConnections", "is negative; leave it out for the default")
	}
	for _, code := range c.GiveUp {
		v.giveUp(code)
	}
	v.event(c)
	v.headers(c)
}

// url never shows what it refuses: it may contain a password.
func (v *validator) url(c Config) {
	u, err := url.Parse(c.URL)
	switch {
	case c.URL == "":
		v.add("URL", "is empty; name where jobs are posted, for example https://billing.example/charge")
	case err != nil, u.Scheme != "http" && u.Scheme != "https", u.Hostname() == "":
		v.add("URL", "is no http or https URL; write for example https://billing.example/charge")
	case u.User != nil:
		v.add("URL", "contains a user or a password; remove them, and put the Authorization header into a file of its own")
	case u.Fragment != "":
		v.add("URL", "has a fragment, which is never sent; remove what follows #")
	case c.TLS != nil && u.Scheme == "http":
		v.add("TLS", "is of no use for an http URL; write https, or remove it")
	}
}

// blameless are the status codes that say nothing about the job.
var blameless = map[int]string{
	http.StatusUnauthorized:       "an expired token would give up every job",
	http.StatusProxyAuthRequired:  "the proxy's password would give up every job",
	http.StatusTooManyRequests:    "it asks to come back later",
	http.StatusServiceUnavailable: "it asks to come back later",
}

func (v *validator) giveUp(code int) {
	if why, ok := blameless[code]; ok {
		v.add("GiveUp", "%d cannot give a job up: %s; remove it", code, why)
	} else if code < 300 || code > 599 {
		v.add("GiveUp", "%d cannot give a job up; list status codes from 300 to 599", code)
	}
}

// uriReference has only characters that a URI may contain.
var uriReference = regexp.MustCompile(`^[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+$`)

func (v *validator) event(c Config) {
	source := withTopic(c.Source, "topic")
	if _, err := url.Parse(source); err != nil || !uriReference.MatchString(source) {
		v.add("Source", "%q is no URI reference; write for example https://kafka.example/topics/%s, where only %[2]s is replaced", c.Source, topicMark)
	}
	if kind := withTopic(c.Type, "topic"); !isText(kind) || strings.ContainsAny(kind, "{}") {
		v.add("Type", "%q is no event type; write for example com.example.%s, where only %[2]s is replaced", c.Type, topicMark)
	}
	if !isMediaType(c.ContentType) {
		v.add("ContentType", "%q is no media type; write for example application/json", c.ContentType)
	}
}

// headers checks the names, each of which has one place, and the fixed values.
func (v *validator) headers(c Config) {
	seen := make(map[string]bool)
	check := func(field, name string) {
		canonical := http.CanonicalHeaderKey(name)
		switch why := reserved(canonical); {
		case !httpguts.ValidHeaderFieldName(name):
			v.add(field, "%q is no name of a header", name)
		case why != "":
			v.add(field, "%s cannot be set: %s; remove it", name, why)
		case seen[canonical]:
			v.add(field, "%s is set twice; keep one", name)
		}
		seen[canonical] = true
	}
	for _, name := range slices.Sorted(maps.Keys(c.Headers)) {
		field := "Headers[" + name + "]"
		check(field, name)
		if _, ok := fieldValue(c.Headers[name]); !ok {
			v.add(field, "has a value that no header can carry, such as a line break")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.HeaderFiles)) {
		check("HeaderFiles["+name+"]", name)
	}
	for _, name := range c.ForwardHeaders {
		check("ForwardHeaders", name)
		if identifies[http.CanonicalHeaderKey(name)] {
			v.add("ForwardHeaders", "%s cannot come from a record, whose writer would then choose as whom the receiver sees us; remove it", name)
		}
	}
}

// ofConnection are the headers that belong to a connection or to the way a
// request is sent.
var ofConnection = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Proxy-Connection": true, "Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
	"Content-Length": true, "Expect": true, "Host": true,
}

// identifies are the headers that say who a request comes from.
var identifies = map[string]bool{"Authorization": true, "Cookie": true}

// reserved tells why a header cannot be set; empty: it can.
func reserved(canonical string) string {
	switch {
	case ofConnection[canonical]:
		return "it belongs to the connection"
	case canonical == "Content-Type":
		return "it comes from the record or from the default content type"
	case strings.HasPrefix(canonical, "Ce-"):
		return "names in ce- describe the job"
	}
	return ""
}
