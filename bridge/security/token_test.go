package security

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// jwt is a token that says when it expires.
func jwt(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none"}`)) + "." + encode([]byte(claims)) + "."
}

func TestTokenIsRead(t *testing.T) {
	t.Parallel()
	signed := jwt(`{"sub":"billing","exp":` + fmt.Sprint(noon.Add(time.Hour).Unix()) + `}`)
	for name, tt := range map[string]struct {
		out, text string
		expiry    time.Time
		err       string
	}{
		"opaque":               {out: "abc.def-_~+/==\n", text: "abc.def-_~+/=="},
		"JWT":                  {out: signed, text: signed, expiry: noon.Add(time.Hour)},
		"JWT without expiry":   {out: jwt(`{}`), text: jwt(`{}`)},
		"JSON":                 {out: `{"access_token": "abc", "token_type": "Bearer", "expires_in": 60}`, text: "abc", expiry: noon.Add(time.Minute)},
		"JSON, quoted":         {out: ` {"access_token": "abc", "expires_in": "60"} `, text: "abc", expiry: noon.Add(time.Minute)},
		"JSON over JWT":        {out: `{"access_token": "` + signed + `", "expires_in": 60}`, text: signed, expiry: noon.Add(time.Minute)},
		"JSON without expiry":  {out: `{"access_token": "abc"}`, text: "abc"},
		"JSON without a token": {out: `{"error": "s3cret"}`, err: "it printed no token"},
		"nothing":              {out: "\n", err: "it printed no token"},
		"two lines":            {out: "s3cret\nmore", err: "it printed something that cannot be a token"},
		"control characters":   {out: "s3cret\x01auth=", err: "it printed something that cannot be a token"},
		"broken JSON":          {out: `{"access_token": "s3cret`, err: "it printed something else than a token or a JSON object with access_token and expires_in"},
		"wrong expiry":         {out: `{"access_token": "s3cret", "expires_in": -1}`, err: "expires_in of what it printed is not a number of seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := parseToken([]byte(tt.out), noon)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("error is %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil || got.text != tt.text || !got.expiry.Equal(tt.expiry) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func FuzzToken(f *testing.F) {
	f.Add([]byte(jwt(`{"exp":1e300}`)))
	f.Add([]byte(`{"access_token": "abc", "expires_in": "1e300"}`))
	f.Fuzz(func(t *testing.T, out []byte) {
		got, err := parseToken(out, noon)
		if err != nil {
			return
		}
		if !bearer.MatchString(got.text) {
			t.Errorf("%q is no token", got.text)
		}
		if until := got.useUntil(noon); got.expiry.After(noon) && (until.Before(noon) || !until.Before(got.expiry)) {
			t.Errorf("a token until %v is used until %v", got.expiry, until)
		}
	})
}

func TestTokenIsUsedUntilShortlyBeforeItExpires(t *testing.T) {
	t.Parallel()
	for life, want := range map[time.Duration]time.Duration{time.Hour: 59 * time.Minute, time.Minute: 48 * time.Second} {
		if got := (token{expiry: noon.Add(life)}).useUntil(noon); !got.Equal(noon.Add(want)) {
			t.Errorf("a life of %v: until %v", life, got.Sub(noon))
		}
	}
}

// script is a command that notes each run and goes on with text.
func script(t *testing.T, text string) (command []string, runs func() int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token.sh")
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho run >>$0.runs\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return []string{path}, func() int {
		noted, err := os.ReadFile(path + ".runs")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(noted), "run\n")
	}
}

func TestTokenIsKeptWhileItLasts(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		out  string
		runs int
	}{
		"until it expires":     {`{"access_token": "abc", "expires_in": 3600}`, 1},
		"never without expiry": {"abc", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command, runs := script(t, "echo '"+tt.out+"'\n")
			provider := &tokens{command: command}
			for range 3 {
				got, err := provider.Token()
				if err != nil || got.Token != "abc" {
					t.Fatalf("%+v, %v", got, err)
				}
			}
			if got := runs(); got != tt.runs {
				t.Errorf("%d runs, want %d", got, tt.runs)
			}
		})
	}
}

func TestFailingTokenCommandIsTold(t *testing.T) {
	t.Parallel()
	expired := jwt(`{"exp":` + fmt.Sprint(noon.Unix()) + `}`)
	for name, tt := range map[string]struct{ text, want string }{
		"exit code":       {"echo s3cret\necho first >&2; echo 'no network' >&2; exit 3\n", "exit status 3: no network"},
		"silent":          {"exit 3\n", "exit status 3"},
		"too much output": {"yes s3cret\n", "it printed more than 64 KiB"},
		"nothing":         {"\n", "it printed no token"},
		"expired":         {"echo " + expired + "\n", "it printed a token that expired at 2026-01-01T12:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command, _ := script(t, tt.text)
			_, err := (&tokens{command: command}).Token()
			if want := "get a token from token.sh: " + tt.want; err == nil || err.Error() != want {
				t.Errorf("error is %v, want %s", err, want)
			}
		})
	}
}

// What a command has left behind neither delays nor falsifies the token.
func TestTokenCommandMayLeaveSomethingBehind(t *testing.T) {
	t.Parallel()
	command, _ := script(t, "sleep 30 &\necho abc\n")
	begin := time.Now()
	got, err := (&tokens{command: command}).Token()
	if err != nil || got.Token != "abc" {
		t.Errorf("%+v, %v", got, err)
	}
	if took := time.Since(begin); took > 25*time.Second {
		t.Errorf("it took %v", took)
	}
}

// A command that takes too long is killed with all that it has started.
func TestSlowTokenCommandIsKilled(t *testing.T) {
	t.Parallel()
	command, _ := script(t, "sleep 60 &\necho $! >$0.pid\nwait\n")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		_, err := output(ctx, command)
		ended <- err
	}()
	var child int
	eventually(t, "the command starts", func() bool {
		text, err := os.ReadFile(command[0] + ".pid")
		if err != nil {
			return false
		}
		child, err = strconv.Atoi(strings.TrimSpace(string(text)))
		return err == nil
	})
	cancel()
	if err := <-ended; err == nil || err.Error() != "it did not end within 10s" {
		t.Errorf("error is %v", err)
	}
	eventually(t, "its child ends", func() bool { return syscall.Kill(child, 0) != nil })
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within a minute", what)
		}
	}
}
