package webhook

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// What a receiver says of the job counts more than the status of its answer.
func TestAnswerSaysWhatBecomesOfTheJob(t *testing.T) {
	t.Parallel()
	type answer struct {
		Code    int
		Headers map[string]string
	}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var a answer
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			t.Error(err)
		}
		for name, value := range a.Headers {
			w.Header().Set(name, value)
		}
		w.WriteHeader(a.Code)
	})
	h := handler(t, Config{URL: server.URL})
	type result struct {
		Outcome string
		Delay   time.Duration
		Error   string
	}
	status := "http 500 from " + server.URL
	nonsense := "the answer is nonsense: "
	for _, tt := range []struct {
		said answer
		want result
	}{
		{answer{500, map[string]string{"Holdfast-Outcome": "done"}}, result{"done", 0, ""}},
		{answer{200, map[string]string{"Holdfast-Outcome": "skip", "Holdfast-Reason": "seen before"}}, result{"skipped", 0, "skipped: seen before"}},
		{answer{200, map[string]string{"Holdfast-Outcome": "bury", "Holdfast-Reason": "no such customer"}}, result{"halt", 0, "no such customer"}},
		{answer{200, map[string]string{"Holdfast-Outcome": "bury"}}, result{"halt", 0, "the receiver gives no reason"}},
		{answer{500, map[string]string{"Holdfast-Outcome": "bury", "Holdfast-Reason": "locked"}}, result{"halt", 0, "locked: " + status}},
		{answer{202, map[string]string{"Holdfast-Outcome": "snooze", "Holdfast-After": "1m30s"}}, result{"snooze", 90 * time.Second, "snoozed for 1m30s"}},
		{answer{500, map[string]string{"Holdfast-Outcome": "retry", "Holdfast-After": "7s"}}, result{"retry", 7 * time.Second, status}},
		{answer{500, map[string]string{"Holdfast-Outcome": "retry"}}, result{"retry", byPolicy, status}},
		{answer{400, map[string]string{"Holdfast-Outcome": "retry"}}, result{"retry", byPolicy, strings.Replace(status, "500", "400", 1)}},
		{answer{200, map[string]string{"Holdfast-Outcome": "snooze"}}, result{"retry", byPolicy, nonsense + "Holdfast-Outcome is snooze without Holdfast-After"}},
		{answer{200, map[string]string{"Holdfast-Outcome": "retry", "Holdfast-After": "soon"}},
			result{"retry", byPolicy, nonsense + `Holdfast-After is "soon" and no duration such as "30s" or "1m30s"`}},
		{answer{200, map[string]string{"Holdfast-Outcome": "Done"}},
			result{"retry", byPolicy, nonsense + `Holdfast-Outcome is "Done" and none of done, retry, snooze, bury and skip`}},
		{answer{200, map[string]string{"Holdfast-Checkpoint": "%"}}, result{"retry", byPolicy, nonsense + "Holdfast-Checkpoint is not base64"}},
	} {
		value, err := json.Marshal(tt.said)
		if err != nil {
			t.Fatal(err)
		}
		got := try(t, h, bridge.Record{Topic: "orders", Value: value})
		text := ""
		if got.Err != nil {
			text = strings.TrimSuffix(got.Err.Error(), "\n"+status)
		}
		if diff := cmp.Diff(tt.want, result{got.Outcome, got.Delay, text}); diff != "" {
			t.Errorf("%s: %s", value, diff)
		}
	}
}

// A reason that repeats a secret does not get into the error.
func TestReasonHasNoSecrets(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "auth")
	if err := os.WriteFile(file, []byte("Bearer correct-horse"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Holdfast-Outcome", "bury")
		w.Header().Set("Holdfast-Reason", "refused "+r.Header.Get("Authorization"))
	})
	h := handler(t, Config{URL: server.URL, HeaderFiles: map[string]string{"Authorization": file}})
	got := try(t, h, bridge.Record{Topic: "orders"})
	if got.Err == nil || got.Err.Error() != "refused "+redacted {
		t.Errorf("error %v", got.Err)
	}
}

// Interim answers are read however many there are, and do not end the attempt.
func TestInterimAnswers(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		for range 100 {
			w.Header().Set("Holdfast-Checkpoint", "MTc=")
			w.WriteHeader(http.StatusProcessing)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	if got := try(t, handler(t, Config{URL: server.URL}), bridge.Record{Topic: "orders", Value: []byte("x")}); got.Outcome != "done" {
		t.Errorf("%s: %v", got.Outcome, got.Err)
	}
	bad := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Holdfast-Checkpoint", "%")
		w.WriteHeader(http.StatusProcessing)
		w.WriteHeader(http.StatusNoContent)
	})
	if got := try(t, handler(t, Config{URL: bad.URL}), bridge.Record{Topic: "orders"}); got.Outcome != "retry" || !strings.Contains(got.Err.Error(), "Holdfast-Checkpoint is not base64") {
		t.Errorf("nonsense: %s: %v", got.Outcome, got.Err)
	}
}
