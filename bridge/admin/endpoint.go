package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/flat"
)

// none is the question of what has none.
type none struct{}

// endpoint is one thing that can be asked: server and client go by it.
type endpoint[Q, A any] struct {
	method, path string
	changes      bool     // is refused by a read-only server
	lasts        bool     // as long as it takes: its size is that of the store
	needs        []string // parameters without which the question would be another
	question     flat.Form[Q]
	answer       flat.Form[A]
}

// reading is asked with parameters of the URL.
func reading[Q, A any](path string) endpoint[Q, A] {
	return endpoint[Q, A]{method: http.MethodGet, path: path, question: flat.Of[Q](), answer: flat.Of[A]()}
}

// planning is asked with a body, and changes nothing.
func planning[Q, A any](path string) endpoint[Q, A] {
	return endpoint[Q, A]{method: http.MethodPost, path: path, question: flat.Of[Q](), answer: flat.Of[A]()}
}

// changing is asked with a body.
func changing[Q, A any](path string) endpoint[Q, A] {
	e := planning[Q, A](path)
	e.changes = true
	return e
}

// lasting is an endpoint whose answer may take longer than others.
func lasting[Q, A any](e endpoint[Q, A]) endpoint[Q, A] {
	e.lasts = true
	return e
}

// needing is an endpoint that refuses to be asked without these parameters,
// which would otherwise be taken for zero.
func needing[Q, A any](e endpoint[Q, A], parameters ...string) endpoint[Q, A] {
	e.needs = parameters
	return e
}

// listing is reading whose answers are streamed.
type listing[Q, A any] struct{ endpoint[Q, A] }

func streaming[Q, A any](path string) listing[Q, A] {
	return listing[Q, A]{reading[Q, A](path)}
}

// route is an endpoint with what answers it.
type route struct {
	method, path     string
	changes, streams bool
	cheap            bool         // waits for no turn, so that it is answered whatever else is
	needs            []string     // parameters
	question, answer reflect.Type // of answer, or of its lines
	serve            func(*answer, *http.Request) error
}

// by answers with what ask returns; also with an error, what it has reached.
func (e endpoint[Q, A]) by(ask func(context.Context, Q) (A, error)) route {
	serve := func(w *answer, r *http.Request) error {
		q, err := e.asked(w, r)
		if err != nil {
			return err
		}
		ctx := r.Context()
		if !e.lasts {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, w.limits.answer)
			defer cancel()
		}
		a, err := ask(ctx, q)
		body, unwritten := e.answer.Marshal(a)
		switch {
		case err != nil && e.changes:
			return &partly{err, body}
		case err != nil || unwritten != nil:
			return errors.Join(err, unwritten)
		}
		return w.send(http.StatusOK, body)
	}
	return route{method: e.method, path: e.path, changes: e.changes, needs: e.needs, question: reflect.TypeFor[Q](), answer: reflect.TypeFor[A](), serve: serve}
}

// partly is an error with what was reached before it.
type partly struct {
	error
	result []byte
}

func (p *partly) Unwrap() error { return p.error }

// by streams what ask lists.
func (l listing[Q, A]) by(ask func(context.Context, Q) iter.Seq2[A, error]) route {
	serve := func(w *answer, r *http.Request) error {
		q, err := l.asked(w, r)
		if err != nil {
			return err
		}
		out := newLines(w)
		for a, err := range ask(r.Context(), q) {
			if err == nil {
				err = out.add(func(to []byte) ([]byte, error) { return l.answer.Append(to, a) })
			}
			if err != nil {
				return out.fail(err)
			}
			if r.Method == http.MethodHead {
				break // the list would be made for nobody
			}
		}
		return out.flush()
	}
	return route{method: l.method, path: l.path, streams: true, question: reflect.TypeFor[Q](), answer: reflect.TypeFor[A](), serve: serve}
}

// asked reads the question of a request.
func (e endpoint[Q, A]) asked(w *answer, r *http.Request) (q Q, err error) {
	values, err := parameters(r)
	if err != nil {
		return q, invalid("%w", err)
	}
	if e.method == http.MethodGet {
		for _, name := range e.needs {
			if values.Get(name) == "" {
				return q, invalid("parameter %s is missing: %s needs %s", name, e.path, strings.Join(e.needs, ", "))
			}
		}
		err := e.question.FromValues(values, &q)
		return q, refused(q, err)
	}
	if len(values) > 0 {
		return q, invalid("%s takes no parameters in its URL: what it is asked for is in the body", e.path)
	}
	if err := understood(r.Header); err != nil {
		return q, err
	}
	body, err := readBody(w, r)
	if err != nil {
		return q, err
	}
	err = e.understand(body, &q)
	return q, refused(q, err)
}

// understand reads a body. What the asker adds to what it was given, as members
// of a plan, may be of a later version; what it asks for has to be understood.
func (e endpoint[Q, A]) understand(body []byte, q *Q) error {
	if asked, ok := any(q).(interface{ askedIn([]byte) error }); ok {
		return asked.askedIn(body)
	}
	return e.question.UnmarshalStrict(body, q)
}

// refused is why a question cannot be answered, if so.
func refused(q any, err error) error {
	if checked, ok := q.(interface{ Validate() error }); ok && err == nil {
		err = checked.Validate()
	}
	if err != nil {
		return invalid("%w", err)
	}
	return nil
}

// understood refuses a body that is said to be something else than JSON. One
// that says nothing is tried.
func understood(header http.Header) error {
	if kind := header.Get("Content-Type"); kind != "" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" {
			return fmt.Errorf("%w: its Content-Type is %.60q; send application/json", errContentType, kind)
		}
	}
	if coding := header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return fmt.Errorf("%w: its Content-Encoding is %.60q; send it as it is", errContentType, coding)
	}
	return nil
}

func readBody(w *answer, r *http.Request) ([]byte, error) {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(w.limits.body)); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if large := new(http.MaxBytesError); errors.As(err, &large) {
		return nil, fmt.Errorf("%w: at most %d bytes are read; select less at a time", ErrTooLarge, maxBody)
	}
	if err != nil {
		return nil, invalid("its body did not arrive: %w", err)
	}
	return body, control.SetReadDeadline(time.Time{})
}
