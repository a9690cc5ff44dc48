package webhook

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
)

func TestProblemsAreToldAllAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	token := write(t, dir, "token", "Bearer s3cret")
	const url = "https://billing.test/charge"
	headers := func(names ...string) map[string]string {
		m := make(map[string]string)
		for _, n := range names {
			m[n] = "s3cret"
		}
		return m
	}
	for name, tt := range map[string]struct {
		config Config
		want   []string // fields
	}{
		"smallest":        {Config{URL: url}, nil},
		"no URL":          {Config{}, []string{"URL"}},
		"no host":         {Config{URL: "https:///s3cret"}, []string{"URL"}},
		"no scheme":       {Config{URL: "s3cret.test/charge"}, []string{"URL"}},
		"another scheme":  {Config{URL: "ftp://s3cret.test"}, []string{"URL"}},
		"broken URL":      {Config{URL: "https://a:s3cret"}, []string{"URL"}},
		"password in URL": {Config{URL: "https://user:s3cret@billing.test"}, []string{"URL"}},
		"user in URL":     {Config{URL: "https://s3cret@billing.test"}, []string{"URL"}},
		"fragment":        {Config{URL: url + "#s3cret"}, []string{"URL"}},
		"query":           {Config{URL: url + "?tenant=a"}, nil},
		"TLS of http":     {Config{URL: "http://billing.test", TLS: &TLS{}}, []string{"TLS"}},
		"numbers":         {Config{URL: url, Timeout: -1, IdleConnections: -1}, []string{"Timeout", "IdleConnections"}},
		"codes": {
			Config{URL: url, GiveUp: []int{200, 204, 299, 100, 600, 0, 401, 407, 429, 503}},
			slicesOf("GiveUp", 10),
		},
		"codes that can be":    {Config{URL: url, GiveUp: []int{300, 308, 400, 403, 404, 408, 409, 500, 599}}, nil},
		"event":                {Config{URL: url, Source: "a b", Type: "\n", ContentType: "json"}, []string{"Source", "Type", "ContentType"}},
		"unknown placeholders": {Config{URL: url, Source: "/{Topic}", Type: "{partition}"}, []string{"Source", "Type"}},
		"event that can be":    {Config{URL: url, Source: "urn:kafka:{topic}", Type: "com.example.{topic}", ContentType: "text/plain; charset=utf-8"}, nil},
		"headers of the connection": {
			Config{URL: url, Headers: headers("Connection", "Content-Length", "HOST", "te", "transfer-encoding")},
			[]string{"Headers[Connection]", "Headers[Content-Length]", "Headers[HOST]", "Headers[te]", "Headers[transfer-encoding]"},
		},
		"our own headers":  {Config{URL: url, Headers: headers("ce-id", "content-type")}, []string{"Headers[ce-id]", "Headers[content-type]"}},
		"no name":          {Config{URL: url, Headers: headers("a b", "")}, []string{"Headers[]", "Headers[a b]"}},
		"no value":         {Config{URL: url, Headers: map[string]string{"x-a": "a\nb"}}, []string{"Headers[x-a]"}},
		"two places":       {Config{URL: url, Headers: headers("x-a"), HeaderFiles: map[string]string{"X-A": token}, ForwardHeaders: []string{"X-a"}}, []string{"HeaderFiles[X-A]", "ForwardHeaders"}},
		"identity from":    {Config{URL: url, ForwardHeaders: []string{"authorization", "Cookie", "Proxy-Authorization"}}, slicesOf("ForwardHeaders", 3)},
		"header files":     {Config{URL: url, HeaderFiles: map[string]string{"Authorization": token}}, nil},
		"no header file":   {Config{URL: url, HeaderFiles: map[string]string{"x-b": dir + "/x", "x-a": dir}}, []string{"HeaderFiles[x-a]", "HeaderFiles[x-b]"}},
		"TLS files":        {Config{URL: url, TLS: &TLS{CAFile: token, CertFile: dir + "/x"}}, []string{"TLS.CAFile", "TLS.KeyFile"}},
		"everything wrong": {Config{Timeout: -1, HeaderFiles: map[string]string{"x": dir + "/x"}, TLS: &TLS{CAFile: token}}, []string{"URL", "Timeout", "HeaderFiles[x]", "TLS.CAFile"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := New(tt.config)
			var got []string
			var invalid *bridge.ConfigError
			if errors.As(err, &invalid) {
				for _, p := range invalid.Problems {
					got = append(got, p.Field)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s\n%v", diff, err)
			}
			if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "\n")) {
				t.Errorf("the error tells the secret or has several lines: %v", err)
			}
		})
	}
}

func slicesOf(field string, n int) []string {
	return strings.Fields(strings.Repeat(field+" ", n))
}

// Validate alone opens no file.
func TestValidateLooksAtNoFile(t *testing.T) {
	t.Parallel()
	c := Config{URL: "https://billing.test", HeaderFiles: map[string]string{"Authorization": "/nowhere"}, TLS: &TLS{CAFile: "/nowhere"}}
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestDefaultsAreValid(t *testing.T) {
	t.Parallel()
	c := Defaults()
	c.URL = "http://127.0.0.1:8080"
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]int{400, 410, 413, 415, 422}, c.GiveUp); diff != "" {
		t.Error(diff)
	}
}
