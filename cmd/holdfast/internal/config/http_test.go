package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge/handler/webhook"
)

// httpSite is a folder with a configuration and the files that it names.
func httpSite(t *testing.T, section string) (dir string, c *Config, err error) {
	t.Helper()
	dir = t.TempDir()
	write := func(name, content string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("token", "Bearer s3cret\n")
	write("holdfast.yaml", "kafka: {brokers: [127.0.0.1:9092], group: billing}\ndata_dir: ./data\nworkers: 7\ntopics: {orders: }\nhandler:\n  http:\n"+section)
	c, err = Load(Input{File: filepath.Join(dir, "holdfast.yaml")})
	return dir, c, err
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	dir, c, err := httpSite(t, `
    url: https://billing.test/charge
    timeout: 5s
    give_up: [400, 409]
    source: https://kafka.test/{topic}
    type: test.{topic}
    content_type: application/json
    headers: {X-Env: prod}
    header_files: {Authorization: token, X-Key: ./token}
    forward_headers: traceparent
    tls: {server_name: billing}
`)
	if err != nil {
		t.Fatal(err)
	}
	want := &HTTP{
		Config: webhook.Config{
			URL: "https://billing.test/charge", Timeout: 5 * time.Second, GiveUp: []int{400, 409},
			Source: "https://kafka.test/{topic}", Type: "test.{topic}", ContentType: "application/json",
			Headers:         map[string]string{"X-Env": "prod"},
			HeaderFiles:     map[string]string{"Authorization": dir + "/token", "X-Key": dir + "/token"},
			ForwardHeaders:  []string{"traceparent"},
			IdleConnections: 64,
		},
		TLS: &TLS{ServerName: "billing"},
	}
	if diff := cmp.Diff(want, c.Handler.HTTP); diff != "" {
		t.Error(diff)
	}
}

func TestHTTPDefaultsAndSecretsAsPrinted(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ section, want string }{
		{"    url: https://billing.test/charge", `
  http:
    url: https://billing.test/charge
    timeout: 30s
    give_up: [400, 410, 413, 415, 422]
    source: /kafka/topics/{topic}
    type: holdfast.record
    content_type: application/octet-stream
`},
		{"    url: https://billing.test/charge?token=s3cret\n    give_up: []\n    headers: {X-Key: s3cret}\n    header_files: {Authorization: token}\n    tls:", `
  http:
    url: https://billing.test/charge?<redacted>
    timeout: 30s
    give_up: []
    source: /kafka/topics/{topic}
    type: holdfast.record
    content_type: application/octet-stream
    headers:
      X-Key: <redacted>
    header_files:
      Authorization: DIR/token
    tls: {}
`},
	} {
		dir, c, err := httpSite(t, tt.section)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := c.Print(&b); err != nil {
			t.Fatal(err)
		}
		_, got, _ := strings.Cut(b.String(), "handler:")
		got, _, _ = strings.Cut(got, "topics:\n")
		if diff := cmp.Diff(strings.ReplaceAll(tt.want, "DIR", dir), got); diff != "" {
			t.Error(diff)
		}
	}
}

// Everything wrong is told at once, at its place, and without what is secret.
func TestHTTPProblems(t *testing.T) {
	t.Parallel()
	dir, _, err := httpSite(t, `    url: https://user:s3cret@billing.test
    timeout: 0s
    give_up: [200, 401, 503, soon]
    source: a b
    type: "{partition}"
    content_type: json
    headers:
      authorization: s3cret
      Connection: close
    header_files:
      X-Key: missing
      ce-id: token
    forward_headers: [cookie]
    tls: {ca_file: token}
    method: PUT
`)
	var problems *Error
	if !errors.As(err, &problems) {
		t.Fatalf("error is %v", err)
	}
	var got []string
	for _, p := range problems.Problems {
		got = append(got, strings.ReplaceAll(p.String(), dir+"/", ""))
	}
	const at = "holdfast.yaml:"
	want := []string{
		at + `7: handler.http.url: contains a user or a password; remove them, and put the Authorization header into a file of its own`,
		at + `8: handler.http.timeout: 0s is too short; use at least 1ms`,
		at + `9: handler.http.give_up: "soon" is not a whole number of at least 100`,
		at + `10: handler.http.source: "a b" is no URI reference; write for example https://kafka.example/topics/{topic}, where only {topic} is replaced`,
		at + `11: handler.http.type: "{partition}" is no event type; write for example com.example.{topic}, where only {topic} is replaced`,
		at + `12: handler.http.content_type: "json" is no media type; write for example application/json`,
		at + `14: handler.http.headers.authorization: does not belong into this file; write it into one of its own and name that in header_files`,
		at + `15: handler.http.headers.Connection: Connection cannot be set: it belongs to the connection; remove it`,
		at + `17: handler.http.header_files.X-Key: read the header X-Key: open missing: no such file or directory; write it there, readable for this process`,
		at + `18: handler.http.header_files.ce-id: ce-id cannot be set: names in ce- describe the job; remove it`,
		at + `19: handler.http.forward_headers: cookie cannot come from a record, whose writer would then choose as whom the receiver sees us; remove it`,
		at + `20: handler.http.tls.ca_file: token holds no certificate in PEM; give it the one that signed the server's certificate`,
		at + `21: handler.http: unknown key "method"; known here: content_type, forward_headers, give_up, header_files, headers, source, timeout, tls, type, url`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, _, err = httpSite(t, "    url: https://billing.test\n    give_up: [204, 429]\n")
	const codes = "give_up: 204 cannot give a job up; list status codes from 300 to 599; 429 cannot give a job up: it asks to come back later; remove it"
	if err == nil || !strings.Contains(err.Error(), codes) {
		t.Errorf("error is %v", err)
	}
}

// Every worker keeps its connection.
func TestHTTPKeepsAConnectionForEachWorker(t *testing.T) {
	t.Parallel()
	_, c, err := httpSite(t, "    url: https://billing.test")
	if err != nil {
		t.Fatal(err)
	}
	if n := c.Handler.HTTP.settings(c.Workers).IdleConnections; n != 7 {
		t.Errorf("%d connections for 7 workers", n)
	}
}
