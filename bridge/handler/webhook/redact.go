package webhook

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

const (
	redacted = "<redacted>"
	// minSecret is the shortest part of a header or a query that is taken for a
	// secret of its own, as the token behind Bearer is. Shorter ones may be words.
	minSecret = 8
)

// secretsOf are the texts that are not to be seen when the receiver sends back
// what it was sent: the values of header files, the query, and their parts.
func secretsOf(values []string, query string) []string {
	found := slices.Clone(values)
	add := func(parts ...string) {
		for _, part := range parts {
			if len(part) >= minSecret {
				found = append(found, part)
			}
		}
	}
	for _, value := range values {
		add(strings.Fields(value)...)
	}
	add(query)
	for parameter := range strings.SplitSeq(query, "&") {
		_, value, _ := strings.Cut(parameter, "=")
		add(value)
		if decoded, err := url.QueryUnescape(value); err == nil {
			add(decoded)
		}
	}
	return found
}

// redact is the first limit bytes of text, in which secrets are replaced. To find
// one that begins before the limit, text goes further by longest(secrets).
func redact(text string, secrets []string, limit int) string {
	var b strings.Builder
	for i := 0; i < min(limit, len(text)); {
		found := slices.IndexFunc(secrets, func(s string) bool { return s != "" && strings.HasPrefix(text[i:], s) })
		if found < 0 {
			b.WriteByte(text[i])
			i++
			continue
		}
		b.WriteString(redacted)
		i += len(secrets[found])
	}
	return b.String()
}

// redactError is err, or its text where that is too long or has secrets: what a
// receiver sends instead of HTTP is in the error.
func redactError(err error, secrets []string) error {
	text := err.Error()
	if shown := redact(text, secrets, maxBody); shown != text {
		return errors.New(shown)
	}
	return err
}

func longest(secrets []string) int {
	n := 0
	for _, s := range secrets {
		n = max(n, len(s))
	}
	return n
}
