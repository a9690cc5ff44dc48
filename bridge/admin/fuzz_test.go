package admin

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// watched carries nothing out. What is to be executed has to be valid.
type watched struct {
	inspect.Inspector
	t testing.TB
}

func (w watched) Execute(_ context.Context, p inspect.Plan) (inspect.Operation, error) {
	if err := p.Command.Validate(); err != nil {
		w.t.Errorf("an invalid command is to be executed: %+v: %v", p.Command, err)
	}
	return inspect.Operation{Command: p.Command}, nil
}

// hostile asks a server for anything, and looks whether it goes on.
type hostile struct {
	path string
	far  *Client
}

func newHostile(f *testing.F) hostile {
	path := serve(f, Config{Inspector: watched{inspect.New(newStore(f, 1, 3), inspect.Options{}), f}})
	return hostile{path, dial(f, path)}
}

func (h hostile) send(t *testing.T, request []byte) (answer []byte) {
	conn, err := net.Dial("unix", h.path)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	_, _ = conn.Write(request) // what is refused may not be read to its end
	_ = conn.(*net.UnixConn).CloseWrite()
	answer, _ = io.ReadAll(conn)
	n := 0
	for _, err := range h.far.Jobs(t.Context(), inspect.Query{}) {
		must(t, err)
		n++
	}
	if n != 3 {
		t.Errorf("%d jobs of 3 are left after\n%q", n, request)
	}
	return answer
}

func FuzzConnection(f *testing.F) {
	h := newHostile(f)
	f.Add([]byte(get("/v1/jobs?topic=orders&offsets=1,2&partitions=0")))
	f.Add([]byte(post("/v1/plan", `{"verb":"skip","select":{"topic":"orders"}}`)))
	f.Add([]byte("POST /v1/execute HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, request []byte) { h.send(t, request) })
}

func FuzzCommand(f *testing.F) {
	h := newHostile(f)
	for _, c := range []inspect.Command{
		{Verb: inspect.Skip, Select: inspect.Query{Topic: "orders", Key: []byte("\xff")}},
		{Verb: inspect.Requeue, Dead: inspect.DeadQuery{Topic: "orders", ErrorMatches: "http 503", BuriedBefore: time.Unix(1, 0)}},
		{Verb: inspect.Pause, Select: inspect.Query{Topic: "orders", Lane: []byte("l")}, Until: time.Unix(2, 0), Reason: "x"},
	} {
		text, err := json.Marshal(c)
		must(f, err)
		f.Add(text, true)
		text, err = json.Marshal(inspect.Plan{Command: c, Jobs: []inspect.Target{{Name: inspect.Name{Topic: "orders"}}}})
		must(f, err)
		f.Add(text, false)
	}
	f.Fuzz(func(t *testing.T, body []byte, plans bool) {
		path := "/v1/execute"
		if plans {
			path = "/v1/plan"
		}
		answer := h.send(t, []byte(post(path, string(body))))
		if status := statusOf(answer); status != http.StatusOK && status != http.StatusBadRequest && status != http.StatusConflict && status != http.StatusInternalServerError {
			t.Errorf("%q is answered with %q", body, answer)
		}
	})
}

func FuzzParameters(f *testing.F) {
	h := newHostile(f)
	f.Add("topic=orders&offsets=1,2&partitions=0&states=ready&key_base64=%2Fw%3D%3D")
	f.Add("error_matches=(&buried_before=2026-01-01T00:00:00Z")
	f.Fuzz(func(t *testing.T, query string) {
		for _, path := range []string{"/v1/jobs", "/v1/dead", "/v1/parked", "/v1/audit"} {
			request, err := http.NewRequest(http.MethodGet, "http://holdfast"+path, nil)
			must(t, err)
			request.URL.RawQuery = query
			response, err := h.far.http.Do(request)
			if err != nil {
				continue // no such request can be sent
			}
			_, _ = io.Copy(io.Discard, response.Body)
			response.Body.Close()
		}
		h.send(t, nil)
	})
}

// statusOf is the code in the first line of an answer.
func statusOf(answer []byte) (code int) {
	for _, b := range answer[min(9, len(answer)):min(12, len(answer))] {
		code = code*10 + int(b-'0')
	}
	return code
}
