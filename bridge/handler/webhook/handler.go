package webhook

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/bridge/handler/internal/progress"
)

// bodyWithin bounds how long the body of an answer is read, whose status has
// said everything.
const bodyWithin = 2 * time.Second

// Handler posts jobs. It is made by [New].
type Handler struct {
	url       *url.URL
	target    string // url as errors show it
	timeout   time.Duration
	giveUp    map[int]bool
	headers   headers
	transport *http.Transport

	now        func() time.Time
	bodyWithin time.Duration
}

var _ bridge.Handler = (*Handler)(nil)

// New returns the handler. It reads every file that c names and connects to
// nothing. Its error is a [*bridge.ConfigError] that lists everything wrong
// with c.
func New(c Config) (*Handler, error) {
	c = c.filled()
	var v validator
	v.config(c)
	headers := newHeaders(c)
	v.files(headers)
	transport := v.transport(c)
	if err := v.err(); err != nil {
		return nil, err
	}
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, err
	}
	h := &Handler{
		url:        u,
		target:     u.Scheme + "://" + u.Host + u.EscapedPath(),
		timeout:    c.Timeout,
		giveUp:     make(map[int]bool),
		headers:    headers,
		transport:  transport,
		now:        time.Now,
		bodyWithin: bodyWithin,
	}
	for _, code := range c.GiveUp {
		h.giveUp[code] = true
	}
	return h, nil
}

// CloseIdleConnections closes the connections that no job uses. Others are kept
// for 30 s after their last job.
func (h *Handler) CloseIdleConnections() { h.transport.CloseIdleConnections() }

// Handle posts job and waits for the answer.
func (h *Handler) Handle(ctx context.Context, job *bridge.Job) error {
	header, values, err := h.headers.of(job)
	if err != nil {
		return err
	}
	reached := progress.New(ctx, job, nil)
	err = h.post(ctx, job, header, values, reached)
	if unsaved := reached.Wait(); err != nil && unsaved != nil { // a job that is done needs none
		err = fmt.Errorf("%w; and %w", err, unsaved)
	}
	return err
}

// post sends the request and turns the answer into the error of the job.
func (h *Handler) post(ctx context.Context, job *bridge.Job, header http.Header, values []string, reached *progress.Saver) error {
	attempt, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	// Not a Client: it would follow redirects, and put the URL into its errors.
	answer, err := h.transport.RoundTrip(h.request(listens(attempt, job, reached), header, job.Value))
	if err != nil {
		return h.unanswered(ctx, attempt, redactError(err, secretsOf(values, h.url.RawQuery)))
	}
	defer answer.Body.Close()
	if done(answer) && job.WantsResult() {
		return h.produce(ctx, attempt, job, answer)
	}
	defer time.AfterFunc(h.bodyWithin, cancel).Stop()
	secrets := secretsOf(values, h.url.RawQuery)
	body, reason := "", redact(answer.Header.Get(headerReason), secrets, maxBody)
	if answer.StatusCode/100 != 2 {
		body = beginning(answer.Body, secrets)
	}
	_, _ = io.CopyN(io.Discard, answer.Body, maxDrain) // the status has said everything
	if err := keep(reached, answer.Header); err != nil {
		return err
	}
	return h.judge(answer, body, reason)
}

func (h *Handler) request(ctx context.Context, header http.Header, value []byte) *http.Request {
	r := &http.Request{
		Method:        http.MethodPost,
		URL:           h.url,
		Host:          h.url.Host,
		Header:        header,
		ContentLength: int64(len(value)),
		Body:          http.NoBody,
	}
	if len(value) > 0 {
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(value)), nil }
		r.Body, _ = r.GetBody() // never fails
	}
	return r.WithContext(ctx)
}

// unanswered says why no answer came.
func (h *Handler) unanswered(job, attempt context.Context, err error) error {
	switch {
	case job.Err() != nil:
		err = context.Cause(job)
	case errors.Is(attempt.Err(), context.DeadlineExceeded):
		err = fmt.Errorf("no answer within %v: %w", h.timeout, context.DeadlineExceeded)
	}
	return fmt.Errorf("post to %s: %w", h.target, err)
}
