package webhook

import (
	"net/http"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
)

func TestAnswerIsProduced(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, answer, media string
		status              int
		results             bool
		outcome, want       string
		errorsWith          string
	}{
		{"as it is", "{\"paid\":1}\n\xff", "application/json", 200, true, "done", "{\"paid\":1}\n\xff", ""},
		{"empty", "", "", 204, true, "done", "", ""},
		{"not wanted", "thanks", "", 200, false, "done", "", ""},
		{"of a failure", "no", "", 500, true, "retry", "", `http 500`},
		{"too much", strings.Repeat("x", maxResult+1), "", 200, true, "retry", "", "has more than 1048576 bytes"},
	} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if tt.media != "" {
				w.Header().Set("Content-Type", tt.media)
			}
			w.WriteHeader(tt.status)
			_, _ = w.Write([]byte(tt.answer))
		})
		topic := bridge.Topic{
			Name: "orders", Handler: handler(t, Config{URL: server.URL}), Produce: bridge.Produce{Topic: "charged", Results: tt.results},
		}
		trial, err := bridge.Try(t.Context(), bridge.Config{Topics: []bridge.Topic{topic}},
			bridge.Job{Record: bridge.Record{Topic: "orders", Key: []byte("anna")}})
		if err != nil {
			t.Fatal(err)
		}
		if trial.Outcome != tt.outcome || tt.errorsWith != "" && !strings.Contains(trial.Err.Error(), tt.errorsWith) {
			t.Errorf("%s: %s, %v", tt.name, trial.Outcome, trial.Err)
		}
		var got bridge.Record
		if len(trial.Produced) == 1 {
			got = trial.Produced[0]
		}
		if string(got.Value) != tt.want || tt.want != "" && string(got.Key) != "anna" {
			t.Errorf("%s: produced %+v", tt.name, trial.Produced)
		}
		if tt.media != "" && (len(got.Headers) == 0 || got.Headers[0].Key != "content-type" || string(got.Headers[0].Value) != tt.media) {
			t.Errorf("%s: headers %+v", tt.name, got.Headers)
		}
	}
}
