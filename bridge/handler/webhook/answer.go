package webhook

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

const (
	// maxBody is how much of an answer's body an error shows, in bytes.
	maxBody = 1 << 10
	// maxDrain is how much more of it is read so that the connection can be used
	// again, which closing it early would prevent.
	maxDrain = 256 << 10
	// maxRetryAfter bounds what Retry-After can ask for.
	maxRetryAfter = time.Hour
)

// StatusError is an answer other than 2xx.
type StatusError struct {
	Code int    // for example 503
	URL  string // without its query
	Body string // its beginning, at most 1 KiB, without what header files hold and the query
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("http %d from %s", e.Code, e.URL)
	if e.Code/100 == 3 {
		text += " (redirects are not followed)"
	}
	if e.Body != "" {
		text += " " + strconv.Quote(e.Body)
	}
	return text
}

// judge turns an answer into the error of the job. Body and reason are without
// secrets.
func (h *Handler) judge(answer *http.Response, body, reason string) error {
	code := answer.StatusCode
	var err error
	if code/100 != 2 {
		err = &StatusError{Code: code, URL: h.target, Body: body}
	}
	if failed, said := verdict(answer.Header, reason, err); said {
		return failed
	}
	switch {
	case err == nil:
	case h.giveUp[code]:
		return bridge.Bury(err)
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		if delay := retryAfter(answer.Header.Get("Retry-After"), h.now()); delay > 0 {
			return bridge.RetryAfter(delay, err)
		}
	}
	return err
}

// retryAfter is how long a receiver asks to wait, at most maxRetryAfter. Zero
// means that it does not say: a receiver that says now, or names a time that is
// over, gets the pauses of the retry policy, since it would be asked again and
// again without any.
func retryAfter(said string, now time.Time) time.Duration {
	said = strings.TrimSpace(said)
	if strings.Trim(said, "0123456789") == "" && said != "" {
		seconds, err := strconv.ParseUint(said, 10, 32)
		if err != nil { // out of range
			return maxRetryAfter
		}
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	}
	at, err := http.ParseTime(said)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), maxRetryAfter)
}

// beginning reads the start of a body for people: valid UTF-8, without the blank
// end and without secrets. What cannot be read is left out.
func beginning(body io.Reader, secrets []string) string {
	start, _ := io.ReadAll(io.LimitReader(body, int64(maxBody+longest(secrets))))
	text := strings.ToValidUTF8(redact(string(start), secrets, maxBody), "\uFFFD")
	return strings.TrimSpace(text)
}
