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

// of is the header for job, and the secrets in it.
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
	h.event.describe(header, job)
	// An empty key is not sent, but tells net/http that it may send the request
	// once more when the receiver has closed the connection between two jobs.
	const idempotent = "Idempotency-Key"
	if _, ok := header[idempotent]; !ok {
		header[idempotent] = nil
	}
	return header, secrets, nil
}

// headerFile is a header whose value is in a file.
type headerFile struct{ name, path string }

func (f headerFile) read() (string, error) {
	secret, err := credential.ReadSecret(f.path)
	if err != nil {
		return "", fmt.Errorf("read the header %s: %w", f.name, err)
	}
	value, ok := fieldValue(secret)
	if !ok {
		return "", fmt.Errorf("read the header %s: %s holds what no header can carry, such as a line break before its end", f.name, f.path)
	}
	return value, nil
}

// fieldValue is s as the value of a header, which blanks neither begin nor end;
// false where there is none, since s has control characters.
func fieldValue(s string) (string, bool) {
	s = strings.Trim(s, " \t")
	return s, httpguts.ValidHeaderFieldValue(s)
}

const (
	redacted = "<redacted>"
	// minSecret is the shortest word of a header that is taken for a secret of
	// its own, as the token behind Bearer is.
	minSecret = 8
)

// redact is the first limit bytes of text, in which secrets and their words are
// replaced. To find one that begins before the limit, text goes further by
// longest(secrets).
func redact(text string, secrets []string, limit int) string {
	words := wordsOf(secrets)
	var b strings.Builder
	for i := 0; i < min(limit, len(text)); {
		found := slices.IndexFunc(words, func(w string) bool { return strings.HasPrefix(text[i:], w) })
		if found < 0 {
			b.WriteByte(text[i])
			i++
			continue
		}
		b.WriteString(redacted)
		i += len(words[found])
	}
	return b.String()
}

// wordsOf are the secrets, and what between spaces they consist of.
func wordsOf(secrets []string) []string {
	words := slices.Clone(secrets)
	for _, s := range secrets {
		for word := range strings.FieldsSeq(s) {
			if len(word) >= minSecret {
				words = append(words, word)
			}
		}
	}
	return words
}

func longest(secrets []string) int {
	n := 0
	for _, s := range secrets {
		n = max(n, len(s))
	}
	return n
}
