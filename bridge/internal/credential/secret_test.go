package credential

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestReadSecret(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secret")
	for _, tt := range []struct{ content, want, wantErr string }{
		{"s3cret", "s3cret", ""},
		{" s3cret \r\n\n", " s3cret ", ""},
		{strings.Repeat("x", MaxSecret), strings.Repeat("x", MaxSecret), ""},
		{strings.Repeat("s3cret", MaxSecret), "", "is longer than 64 KiB"},
		{"\n", "", "is empty"},
		{"s3cret\x00", "", "contains a NUL byte"},
	} {
		if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := ReadSecret(path)
		if got != tt.want {
			t.Errorf("%.20q: got %.20q, %v", tt.content, got, err)
		}
		checkError(t, err, path, tt.wantErr)
	}
}

// A pipe that nobody writes to is an error at once, not a wait for ever.
func TestReadSecretOfWhatIsNoFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "is no regular file", dir: "is no regular file", dir + "/none": "no such file"} {
		_, err := ReadSecret(path)
		checkError(t, err, path, want)
	}
}

func checkError(t *testing.T, err error, path, want string) {
	t.Helper()
	if want == "" {
		if err != nil {
			t.Error(err)
		}
		return
	}
	if err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("error is %v, want %s: %s", err, path, want)
	}
}
