package webhook

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// A receiver that sends back what it was sent does not get secrets into an error.
func TestSecretsAreNotShownWhenTheReceiverEchoesThem(t *testing.T) {
	t.Parallel()
	inBody := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(401)
		_, _ = fmt.Fprintf(w, "bad token %s for %s (", strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.RequestURI)
		_ = json.NewEncoder(w).Encode(r.Header)
	})
	noHTTP := serve(t, func(w http.ResponseWriter, r *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = fmt.Fprintf(conn, "%s_%s_%s\r\n\r\n", r.RequestURI, strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), strings.Repeat("x", 5000))
		conn.Close()
	})
	token := write(t, t.TempDir(), "token", "Bearer s3cret-token\n")
	for url, want := range map[string]string{
		inBody.URL: `bad token <redacted> for /?<redacted> (`,
		noHTTP.URL: `malformed HTTP response "/?<redacted>_<redacted>_xxx`,
	} {
		h := handler(t, Config{URL: url + "?key=s3cret%20key", HeaderFiles: map[string]string{"Authorization": token}})
		err := h.Handle(context.Background(), &bridge.Job{})
		if text := fmt.Sprint(err); !strings.Contains(text, want) || strings.Contains(text, "s3cret") || len(text) > 2*maxBody {
			t.Errorf("error is %s\nwant     %s", text, want)
		}
	}
}

func TestSecretsAreTheirPartsToo(t *testing.T) {
	t.Parallel()
	got := secretsOf([]string{"Bearer long-word", "short"}, "a=1&key=with%20blank")
	want := []string{"Bearer long-word", "short", "long-word", "a=1&key=with%20blank", "with%20blank", "with blank"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRedact(t *testing.T) {
	t.Parallel()
	const limit = 10
	for _, tt := range []struct {
		text    string
		secrets []string
		want    string
	}{
		{"nothing", nil, "nothing"},
		{"0123456789abc", nil, "0123456789"},
		{"a secret!", []string{"secret"}, "a <redacted>!"},
		{"01234567secret", []string{"secret"}, "01234567<redacted>"}, // begins before the limit
		{"secretsecretsec", []string{"secret"}, "<redacted><redacted>"},
		{"nothing", []string{""}, "nothing"},
	} {
		if got := redact(tt.text, tt.secrets, limit); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

// What is shown of a body ends behind the last secret that begins in it.
func TestBodyIsReadAsFarAsTheLongestSecret(t *testing.T) {
	t.Parallel()
	secret := strings.Repeat("s3cret", 100)
	body := strings.NewReader(strings.Repeat("x", maxBody-1) + secret + "rest")
	if got := beginning(body, []string{secret}); got != strings.Repeat("x", maxBody-1)+redacted {
		t.Errorf("it shows %q", got[maxBody-10:])
	}
	if rest, _ := io.ReadAll(body); string(rest) == "" {
		t.Error("the body was read whole")
	}
}
