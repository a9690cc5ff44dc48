package webhook

import (
	"context"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// A header file counts as it is at each attempt, however it was replaced.
func TestHeaderFilesAreReadAgain(t *testing.T) {
	t.Parallel()
	server, got := record(t)
	dir := t.TempDir()
	token := write(t, dir, "token", "Bearer first\n")
	h := handler(t, Config{URL: server.URL, HeaderFiles: map[string]string{"authorization": token}})
	attempt := func(want string) {
		t.Helper()
		post(t, h, &bridge.Job{})
		if diff := cmp.Diff([]string{want}, (<-got).header["Authorization"]); diff != "" {
			t.Error(diff)
		}
	}
	attempt("Bearer first")
	write(t, dir, "token", "Bearer other") // as long, in place
	attempt("Bearer other")
	if err := os.Rename(write(t, dir, "new", "Bearer third\r\n"), token); err != nil {
		t.Fatal(err)
	}
	attempt("Bearer third")
	// As Kubernetes does: a link to a directory that is replaced.
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "v4"), 0o700), os.Remove(token), os.Symlink("v4/token", token)); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "v4"), "token", "Bearer fourth")
	attempt("Bearer fourth")
}

// A file that cannot be used fails the attempt, is named, and nothing is sent.
func TestUnreadableHeaderFileFailsTheAttempt(t *testing.T) {
	t.Parallel()
	server, got := record(t)
	dir := t.TempDir()
	token := write(t, dir, "token", "Bearer s3cret")
	h := handler(t, Config{URL: server.URL, HeaderFiles: map[string]string{"Authorization": token}})
	for _, tt := range []struct{ content, want string }{
		{"", "is empty"},
		{" \t\n", "holds nothing but blanks"},
		{"s3cret\nx: y", "holds what no header can carry"},
		{"s3cret\x00", "contains a NUL byte"},
		{strings.Repeat("s3cret", 20_000), "is longer than 64 KiB"},
	} {
		write(t, dir, "token", tt.content)
		check(t, h, token+" "+tt.want)
	}
	if err := os.Remove(token); err != nil {
		t.Fatal(err)
	}
	check(t, h, "open "+token+": no such file or directory")
	if len(got) > 0 {
		t.Errorf("%d requests were sent", len(got))
	}
	write(t, dir, "token", "Bearer s3cret")
	post(t, h, &bridge.Job{})
}

// check runs a job that fails with a text, and without a secret.
func check(t *testing.T, h *Handler, want string) {
	t.Helper()
	err := h.Handle(context.Background(), &bridge.Job{})
	if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error is %v, want %s", err, want)
	}
}

// Neither the value nor the secrets go where a redirect says.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	elsewhere, got := record(t)
	token := write(t, t.TempDir(), "token", "Bearer s3cret")
	for _, code := range []int{301, 302, 303, 307, 308} {
		server := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, code) })
		h := handler(t, Config{URL: server.URL, HeaderFiles: map[string]string{"Authorization": token}})
		var status *StatusError
		if err := h.Handle(context.Background(), &bridge.Job{}); !errors.As(err, &status) || status.Code != code {
			t.Errorf("%d: error is %v", code, err)
		}
	}
	if len(got) > 0 {
		t.Errorf("%d requests went where the redirects say", len(got))
	}
}
