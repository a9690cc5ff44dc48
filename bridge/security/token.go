package security

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/IBM/sarama"

	"github.com/seed-2837c37b/holdfast/bridge/internal/credential"
)

// tokens are what a command prints, each used until shortly before it expires.
type tokens struct {
	command []string

	// mu is held while the command runs: whoever waits takes its token.
	mu    sync.Mutex
	token token     // guarded by mu
	until time.Time // guarded by mu; the token is taken before it
}

// token is a bearer token; without an expiry where nothing tells it.
type token struct {
	text   string
	expiry time.Time
}

// Token is called by sarama for each connection and re-authentication.
func (t *tokens) Token() (*sarama.AccessToken, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if !now.Before(t.until) {
		got, err := t.fetch(now)
		if err != nil {
			return nil, &credential.Error{Operation: "get a token from " + filepath.Base(t.command[0]), Err: err, Advice: "run that command by hand"}
		}
		t.token, t.until = got, got.useUntil(now)
	}
	return &sarama.AccessToken{Token: t.token.text}, nil
}

func (t *tokens) fetch(now time.Time) (token, error) {
	out, err := output(context.Background(), t.command)
	if err != nil {
		return token{}, err
	}
	got, err := parseToken(out, now)
	if err == nil && !got.expiry.IsZero() && !got.expiry.After(now) {
		return token{}, fmt.Errorf("it printed a token that expired at %s", got.expiry.UTC().Format(time.RFC3339))
	}
	return got, err
}

// useUntil leaves a broker a fifth of the token's life, at most a minute, to
// check it.
func (t token) useUntil(now time.Time) time.Time {
	if t.expiry.IsZero() {
		return now // each connection asks anew
	}
	return t.expiry.Add(-min(t.expiry.Sub(now)/5, time.Minute))
}

// bearer is what RFC 6750 allows in a token.
var bearer = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// maxLife bounds what is believed about a token's life, so that no arithmetic
// overflows.
const maxLife = 10 * 365 * 24 * time.Hour

// parseToken reads a token, or the JSON answer of a token endpoint as RFC 6749
// has it. Errors do not quote what they are about.
func parseToken(out []byte, now time.Time) (token, error) {
	text := string(bytes.TrimSpace(out))
	var got token
	if strings.HasPrefix(text, "{") {
		var answer struct {
			Token     string      `json:"access_token"`
			ExpiresIn json.Number `json:"expires_in"` // a number, from some services in quotes
		}
		if err := json.Unmarshal([]byte(text), &answer); err != nil {
			return token{}, errors.New("it printed something else than a token or a JSON object with access_token and expires_in")
		}
		text = answer.Token
		if answer.ExpiresIn != "" {
			seconds, err := answer.ExpiresIn.Float64()
			if err != nil || seconds < 0 {
				return token{}, errors.New("expires_in of what it printed is not a number of seconds")
			}
			got.expiry = now.Add(time.Duration(min(seconds, maxLife.Seconds()) * float64(time.Second)))
		}
	}
	switch {
	case text == "":
		return token{}, errors.New("it printed no token")
	case !bearer.MatchString(text):
		return token{}, errors.New("it printed something that cannot be a token")
	}
	got.text = text
	if got.expiry.IsZero() {
		got.expiry = jwtExpiry(text, now)
	}
	return got, nil
}

// jwtExpiry is when a token that is a JWT says that it expires; zero: it says
// nothing. Whether to believe the token is up to the broker.
func jwtExpiry(text string, now time.Time) time.Time {
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Expiry *float64 `json:"exp"`
	}
	if json.Unmarshal(payload, &claims) != nil || claims.Expiry == nil {
		return time.Time{}
	}
	seconds := max(0, min(*claims.Expiry, float64(now.Add(maxLife).Unix())))
	return time.Unix(int64(seconds), 0)
}
