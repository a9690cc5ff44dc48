package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

// The README shows every key of the http handler, and the defaults that there are.
func TestDocumentedHTTP(t *testing.T) {
	t.Parallel()
	shown := regexp.MustCompile("(?s)```yaml\n(handler:\n  http:\n.*?)```").FindStringSubmatch(readDocumentation(t))
	if shown == nil {
		t.Fatal("the README shows no configuration of http")
	}
	dir := t.TempDir()
	writeText(t, filepath.Join(dir, "token"), "Bearer abc", 0o600)
	load := func(section string) (*config.Config, error) {
		file := filepath.Join(dir, "holdfast.yaml")
		writeText(t, file, completed(section), 0o600)
		return config.Load(config.Input{File: file})
	}
	full, err := load(shown[1])
	if err != nil {
		t.Fatal(err)
	}
	const smallest = "handler:\n  http:\n    url: https://billing.example/charge\n"
	defaults, err := load(smallest)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(printed(t, defaults)) {
		if !strings.Contains(printed(t, full), line) {
			t.Errorf("the README does not show the default %s", line)
		}
	}
	_, err = load(smallest + "    nothing: 1\n")
	if err == nil {
		t.Fatal("an unknown key is accepted")
	}
	_, known, _ := strings.Cut(err.Error(), "known here: ")
	for key := range strings.SplitSeq(known, ", ") {
		if !strings.Contains(shown[1], "\n    "+key+": ") {
			t.Errorf("the README does not show %q", key)
		}
	}
}
