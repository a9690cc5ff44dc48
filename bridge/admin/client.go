package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net"
	"net/http"
	"syscall"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// Client is the inspector of a bridge in another process. It is safe for
// concurrent use.
type Client struct {
	path  string
	http  *http.Client
	about About
}

// Dial connects to the socket of a running bridge. Where nobody serves there,
// the error is [inspect.ErrNotRunning].
func Dial(ctx context.Context, path string) (*Client, error) {
	at := resolve(path)
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", at)
		},
		DisableCompression: true,
		MaxIdleConns:       4,
	}
	c := &Client{path: path, http: &http.Client{Transport: transport}}
	var err error
	if c.about, err = about.ask(ctx, c, none{}); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	if c.about.API != Version {
		return nil, errors.Join(fmt.Errorf("%s: a bridge of another version serves there (%.20q instead of %s)", path, c.about.API, Version), c.Close())
	}
	return c, nil
}

// About is what the bridge said of itself when it was dialled.
func (c *Client) About() About { return c.about }

// Close ends the connections that are not in use.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// ask sends the question and returns the answer; of a change also with an error,
// what was reached.
func (e endpoint[Q, A]) ask(ctx context.Context, c *Client, q Q) (a A, err error) {
	response, err := e.send(ctx, c, q)
	if err != nil {
		return a, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return a, c.broken(ctx, err)
	}
	if response.StatusCode != http.StatusOK {
		result, failure := c.problem(response, body)
		if result != nil {
			failure = errors.Join(failure, e.answer.Unmarshal(result, &a))
		}
		return a, failure
	}
	if err := e.answer.Unmarshal(body, &a); err != nil {
		return a, fmt.Errorf("%s: answer to %s: %w", c.path, e.path, err)
	}
	return a, nil
}

// ask lists what is streamed. Who stops early has the connection closed.
func (l listing[Q, A]) ask(ctx context.Context, c *Client, q Q) iter.Seq2[A, error] {
	return func(yield func(A, error) bool) {
		var nothing A
		response, err := l.send(ctx, c, q)
		if err != nil {
			yield(nothing, err)
			return
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			body, err := io.ReadAll(response.Body)
			if err == nil {
				_, err = c.problem(response, body)
			}
			yield(nothing, err)
			return
		}
		for from := json.NewDecoder(response.Body); ; {
			a, err := l.next(ctx, c, from)
			if err == io.EOF || !yield(a, err) || err != nil {
				return
			}
		}
	}
}

// next reads a line; io.EOF: it was the last.
func (l listing[Q, A]) next(ctx context.Context, c *Client, from *json.Decoder) (a A, err error) {
	var line json.RawMessage
	if err := from.Decode(&line); err == io.EOF {
		return a, io.EOF
	} else if err != nil {
		return a, c.broken(ctx, err)
	}
	if bytes.HasPrefix(line, []byte(problemLine)) {
		return a, errorIn(line)
	}
	if err := l.answer.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("%s: line of %s: %w", c.path, l.path, err)
	}
	return a, nil
}

// send sends the question.
func (e endpoint[Q, A]) send(ctx context.Context, c *Client, q Q) (*http.Response, error) {
	url, body := "http://holdfast"+e.path, io.Reader(nil)
	if e.method == http.MethodGet {
		values, err := e.question.Values(q, e.needs...)
		if err != nil {
			return nil, err
		}
		if len(values) > 0 {
			url += "?" + values.Encode()
		}
	} else {
		content, err := e.question.Marshal(q)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(content)
	}
	request, err := http.NewRequestWithContext(ctx, e.method, url, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, c.unreachable(ctx, err)
	}
	return response, nil
}

// unreachable is why a request could not be sent.
func (c *Client) unreachable(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%w: nobody serves on %s", inspect.ErrNotRunning, c.path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: %w: become the user of the bridge, or a member of its admin.socket_group", c.path, fs.ErrPermission)
	}
	return c.broken(ctx, err)
}

// broken is the error of a connection that ended too early.
func (c *Client) broken(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return fmt.Errorf("%w any more, or it has cut the connection off: %s: %w", inspect.ErrNotRunning, c.path, err)
}

// problem is what the bridge had reached, and what it answered instead.
func (c *Client) problem(response *http.Response, body []byte) (result []byte, err error) {
	var f failed
	if json.Unmarshal(body, &f) != nil || f.Problem == nil {
		return nil, fmt.Errorf("%s: answers %s and no more; is it a bridge?", c.path, response.Status)
	}
	return f.Problem.Result, &Error{Code: f.Problem.Code, Message: f.Problem.Message}
}

// errorIn is the error in a last line.
func errorIn(line []byte) error {
	var f failed
	if err := json.Unmarshal(line, &f); err != nil || f.Problem == nil {
		return errors.Join(errors.New("a list ended with a line that says no reason"), err)
	}
	return &Error{Code: f.Problem.Code, Message: f.Problem.Message}
}
