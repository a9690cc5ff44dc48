package admin

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// answer is what goes to the client.
type answer struct {
	http.ResponseWriter
	limits limits
	begun  bool // something was sent
}

func (a *answer) WriteHeader(status int) {
	a.begun = true
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(p []byte) (int, error) {
	a.begun = true
	return a.ResponseWriter.Write(p)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// send writes a whole answer.
func (a *answer) send(status int, body []byte) error {
	a.Header().Set("Content-Type", "application/json")
	if err := http.NewResponseController(a).SetWriteDeadline(time.Now().Add(a.limits.page)); err != nil {
		return err
	}
	a.WriteHeader(status)
	_, err := a.Write(append(body[:len(body):len(body)], '\n')) // it may be shared
	return err
}

// refuse sends an error instead of an answer. What was begun cannot be refused.
func (a *answer) refuse(err error) error {
	if a.begun {
		return err
	}
	p, status := problemOf(err)
	if reached := new(partly); errors.As(err, &reached) {
		p.Result = reached.result
	}
	if other := new(notAllowed); errors.As(err, &other) {
		a.Header().Set("Allow", other.allowed)
	}
	body, unwritten := json.Marshal(failed{&p})
	if unwritten != nil {
		return unwritten
	}
	return a.send(status, body)
}
