package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// What a bridge makes of each answer: the value of a record says what the
// receiver answers.
func TestAnswerDecidesAboutTheJob(t *testing.T) {
	t.Parallel()
	type result struct {
		Outcome string
		Delay   time.Duration
	}
	now := time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)
	want := map[string]result{
		"200": {"done", 0}, "201": {"done", 0}, "204": {"done", 0}, "299": {"done", 0},
		"400": {"halt", 0}, "410": {"halt", 0}, "413": {"halt", 0}, "415": {"halt", 0}, "422": {"halt", 0},
		"301": {"retry", byPolicy}, "308": {"retry", byPolicy},
		"401": {"retry", byPolicy}, "403": {"retry", byPolicy}, "404": {"retry", byPolicy}, "409": {"retry", byPolicy},
		"500": {"retry", byPolicy}, "502": {"retry", byPolicy}, "503": {"retry", byPolicy}, "429": {"retry", byPolicy},
		"429 7":                             {"retry", 7 * time.Second},
		"503 90":                            {"retry", 90 * time.Second},
		"500 7":                             {"retry", byPolicy}, // it is of 429 and 503 alone
		"429 0":                             {"retry", byPolicy},
		"503 Sat, 31 Jan 2026 08:05:00 GMT": {"retry", 5 * time.Minute},
		"429 Sat, 31 Jan 2026 07:59:00 GMT": {"retry", byPolicy},
	}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		said, _ := io.ReadAll(r.Body)
		code, after, _ := strings.Cut(string(said), " ")
		if after != "" {
			w.Header().Set("Retry-After", after)
		}
		w.Header().Set("Location", "/elsewhere")
		n, err := strconv.Atoi(code)
		if err != nil || r.URL.Path != "/" {
			t.Errorf("got %q for %s", said, r.URL)
			n = 500
		}
		w.WriteHeader(n)
	})
	h := handler(t, Config{URL: server.URL})
	h.now = func() time.Time { return now }
	for said, want := range want {
		got := try(t, h, bridge.Record{Topic: "orders", Value: []byte(said)})
		if diff := cmp.Diff(want, result{got.Outcome, got.Delay}); diff != "" {
			t.Errorf("%s: %s", said, diff)
		}
	}
}

// byPolicy is the delay of a retry policy that nobody overrides.
const byPolicy = time.Minute

// try runs one job as a bridge does.
func try(t *testing.T, h bridge.Handler, record bridge.Record) bridge.Result {
	t.Helper()
	cfg := bridge.Config{Topics: []bridge.Topic{{Name: record.Topic, Handler: h, Retry: bridge.Backoff{First: byPolicy, Jitter: -1}}}}
	trial, err := bridge.Try(t.Context(), cfg, bridge.Job{Record: record})
	if err != nil {
		t.Fatal(err)
	}
	return trial.Result
}

func TestListOfCodesThatGiveUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		giveUp []int
		code   int
		want   string
	}{
		{nil, 400, "halt"},
		{[]int{}, 400, "retry"},
		{[]int{409}, 409, "halt"},
		{[]int{409}, 400, "retry"},
		{[]int{308}, 308, "halt"},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(tt.code) })
		got := try(t, handler(t, Config{URL: server.URL, GiveUp: tt.giveUp}), bridge.Record{Topic: "orders"})
		var status *StatusError
		if got.Outcome != tt.want || !errors.As(got.Err, &status) || status.Code != tt.code {
			t.Errorf("%v, %d: %s with error %v, want %s", tt.giveUp, tt.code, got.Outcome, got.Err, tt.want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 31, 8, 0, 0, 0, time.UTC)
	for said, want := range map[string]time.Duration{
		"": 0, "0": 0, "-3": 0, "soon": 0, "1.5": 0, "0x10": 0, "+5": 0,
		"1": time.Second, " 120 ": 2 * time.Minute, "3600": time.Hour, "3601": time.Hour,
		"99999999999999999999999":          time.Hour,
		"Sat, 31 Jan 2026 08:00:30 GMT":    30 * time.Second,
		"Saturday, 31-Jan-26 08:00:30 GMT": 30 * time.Second,
		"Sat Jan 31 08:00:30 2026":         30 * time.Second,
		"Sat, 31 Jan 2026 08:00:00 GMT":    0,
		"Fri, 30 Jan 2026 08:00:00 GMT":    0,
		"Sun, 31 Jan 2027 08:00:00 GMT":    time.Hour,
		"Sat, 31 Jan 2026 08:00:30 CET":    0,
	} {
		if got := retryAfter(said, now); got != want {
			t.Errorf("%q: %v, want %v", said, got, want)
		}
	}
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120")
	f.Add("Sat, 31 Jan 2026 08:00:30 GMT")
	f.Fuzz(func(t *testing.T, said string) {
		if got := retryAfter(said, time.Unix(1769846400, 0)); got < 0 || got > maxRetryAfter {
			t.Errorf("%q: %v", said, got)
		}
	})
}

func TestErrorsSayWhatTheReceiverSaid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code       int
		body, want string
	}{
		{409, "account locked\n", `http 409 from URL/charge "account locked"`},
		{500, "", `http 500 from URL/charge`},
		{302, "", `http 302 from URL/charge (redirects are not followed)`},
		{500, "two\nlines \xff", `http 500 from URL/charge "two\nlines �"`},
		{500, strings.Repeat("x", 5000), `http 500 from URL/charge "` + strings.Repeat("x", maxBody) + `"`},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(tt.code)
			_, _ = io.WriteString(w, tt.body)
		})
		err := handler(t, Config{URL: server.URL + "/charge?key=s3cret"}).Handle(context.Background(), &bridge.Job{})
		var status *StatusError
		if !errors.As(err, &status) || status.Code != tt.code {
			t.Fatalf("error is %v", err)
		}
		if want := strings.Replace(tt.want, "URL", server.URL, 1); err.Error() != want {
			t.Errorf("error is %s\nwant     %s", err, want)
		}
	}
}

func TestNoAnswerIsAnErrorWithoutTheQuery(t *testing.T) {
	t.Parallel()
	held := make(chan struct{})
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-held:
		case <-r.Context().Done():
		}
	})
	defer close(held)
	closed := httptest.NewServer(nil)
	closed.Close()
	for want, h := range map[string]*Handler{
		"post to " + server.URL + "/: no answer within 20ms": handler(t, Config{URL: server.URL + "/?key=s3cret", Timeout: 20 * time.Millisecond}),
		"post to " + closed.URL + "/: dial tcp":              handler(t, Config{URL: closed.URL + "/?key=s3cret"}),
	} {
		err := h.Handle(context.Background(), &bridge.Job{})
		if err == nil || !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("error is %v\nwant     %s", err, want)
		}
	}
}

// A request ends when its job is to, and the error says why.
func TestRequestEndsWithItsJob(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{bridge.ErrStopping, bridge.ErrRevoked} {
		began, ended := make(chan struct{}), make(chan struct{})
		server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client has gone
			close(began)
			<-r.Context().Done()
			close(ended)
		})
		ctx, cancel := context.WithCancelCause(context.Background())
		go func() {
			<-began
			cancel(cause)
		}()
		err := handler(t, Config{URL: server.URL}).Handle(ctx, &bridge.Job{Record: bridge.Record{Value: []byte("x")}})
		if !errors.Is(err, cause) {
			t.Errorf("error is %v, want %v", err, cause)
		}
		<-ended
	}
}

// A body that does not end keeps neither a finished job nor a failed one.
func TestSlowBodyIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code int
		want string
	}{{200, "<nil>"}, {500, `http 500 from URL "begun"`}} {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(tt.code)
			_, _ = io.WriteString(w, "begun")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		h := handler(t, Config{URL: server.URL, Timeout: time.Hour})
		h.bodyWithin = 50 * time.Millisecond
		err := h.Handle(context.Background(), &bridge.Job{})
		if got := fmt.Sprint(err); got != strings.Replace(tt.want, "URL", server.URL, 1) {
			t.Errorf("%d: error is %s", tt.code, got)
		}
	}
}

// A body without end is cut off.
func TestHugeBodyIsNotReadWhole(t *testing.T) {
	t.Parallel()
	for _, code := range []int{200, 500} {
		ended := make(chan int64, 1)
		server := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(code)
			n, _ := io.Copy(w, endless{})
			ended <- n
		})
		err := handler(t, Config{URL: server.URL}).Handle(context.Background(), &bridge.Job{})
		if (err == nil) != (code == 200) {
			t.Errorf("%d: error is %v", code, err)
		}
		<-ended // the receiver was cut off, or it would still write
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
