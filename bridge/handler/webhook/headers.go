package webhook

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/internal/credential"
)

// headers makes the header of each request.
type headers struct {
	fixed   http.Header
	files   []headerFile
	forward []string // canonical names
	event   event
}

func newHeaders(c Config) headers {
	h := headers{
		fixed: http.Header{"User-Agent": {"holdfast"}},
		event: event{source: c.Source, kind: c.Type, contentType: c.ContentType},
	}
	for name, value := range c.Headers {
		trimmed, _ := fieldValue(value)
		h.fixed.Set(name, trimmed)
	}
	for name, path := range c.HeaderFiles {
		h.files = append(h.files, headerFile{name, path})
	}
	slices.SortFunc(h.files, func(a, b headerFile) int { return cmp.Compare(a.name, b.name) })
	for _, name := range c.ForwardHeaders {
		h.forward = append(h.forward, http.CanonicalHeaderKey(name))
	}
	return h
}

// of is the header for job, and the values of header files in it.
func (h headers) of(job *bridge.Job) (http.Header, []string, error) {
	header := h.fixed.Clone()
	for _, name := range h.forward {
		if value, ok := fieldValue(string(headerOf(job, name))); ok && value != "" {
			header[name] = []string{value}
		}
	}
	var secrets []string
	for _, f := range h.files {
		secret, err := f.read()
		if err != nil {
			return nil, nil, err
		}
		header.Set(f.name, secret)
		secrets = append(secrets, secret)
	}
	h.trace(header, job)
	h.event.describe(header, job)
	// An empty key is not sent, but tells net/http that it may send the request
	// once more when the receiver has closed the connection between two jobs.
	const idempotent = "Idempotency-Key"
	if _, ok := header[idempotent]; !ok {
		header[idempotent] = nil
	}
	return header, secrets, nil
}

// trace passes the job's trace on, unless the configuration sets another.
func (h headers) trace(header http.Header, job *bridge.Job) {
	const parent, state = "Traceparent", "Tracestate"
	t := job.Trace()
	if t.Parent == "" || h.fixed[parent] != nil {
		return
	}
	header[parent] = []string{t.Parent}
	delete(header, state) // of what was forwarded
	if t.State != "" {
		header[state] = []string{t.State}
	}
}

// headerFile is a header whose value is in a file.
type headerFile struct{ name, path string }

func (f headerFile) read() (string, error) {
	secret, err := credential.ReadSecret(f.path)
	if err != nil {
		return "", fmt.Errorf("read the header %s: %w", f.name, err)
	}
	value, ok := fieldValue(secret)
	switch {
	case !ok:
		return "", fmt.Errorf("read the header %s: %s holds what no header can carry, such as a line break before its end", f.name, f.path)
	case value == "":
		return "", fmt.Errorf("read the header %s: %s holds nothing but blanks", f.name, f.path)
	}
	return value, nil
}

// fieldValue is s as the value of a header, which blanks neither begin nor end;
// false where there is none, since s has control characters.
func fieldValue(s string) (string, bool) {
	s = strings.Trim(s, " \t")
	return s, httpguts.ValidHeaderFieldValue(s)
}
