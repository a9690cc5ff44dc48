package webhook

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-2837c37b/holdfast/bridge"
)

const patience = 30 * time.Second

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// serve starts a receiver for the duration of the test.
func serve(t testing.TB, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	return server
}

// handler makes the handler for c, whose connections end before the servers do.
func handler(t testing.TB, c Config) *Handler {
	t.Helper()
	h, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.CloseIdleConnections)
	return h
}

// request is what a receiver got.
type request struct {
	method, uri, protocol string
	header                http.Header
	length                int64
	body                  string
}

// record hands every request to the channel and answers it with 204.
func record(t testing.TB) (*httptest.Server, <-chan request) {
	t.Helper()
	got := make(chan request, 16)
	return serve(t, recordTo(t, got)), got
}

func recordTo(t testing.TB, got chan<- request) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- request{r.Method, r.RequestURI, r.Proto, r.Header, r.ContentLength, string(body)}
		w.WriteHeader(http.StatusNoContent)
	}
}

// post runs one job.
func post(t testing.TB, h *Handler, job *bridge.Job) {
	t.Helper()
	if err := h.Handle(context.Background(), job); err != nil {
		t.Fatal(err)
	}
}

func write(t testing.TB, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
