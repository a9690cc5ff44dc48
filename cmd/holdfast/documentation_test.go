package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

func readDocumentation(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// The file that the README shows is read, names every key that there is, and
// shows the defaults that there are.
func TestDocumentedConfiguration(t *testing.T) {
	t.Parallel()
	shown := regexp.MustCompile("(?s)```yaml\n(kafka:\n.*?)```").FindStringSubmatch(readDocumentation(t))
	if shown == nil {
		t.Fatal("the README shows no configuration")
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "holdfast.yaml")
	for name, text := range map[string]string{file: shown[1], filepath.Join(dir, "charge.sh"): "#!/bin/sh\n"} {
		if err := os.WriteFile(name, []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	full, err := config.Load(config.Input{File: file})
	if err != nil {
		t.Fatal(err)
	}
	smallest := "kafka: {brokers: [127.0.0.1:9092], group: billing}\ndata_dir: ./data\ntopics: {orders: }\nhandler: {exec: {command: [./charge.sh]}}\n"
	if err := os.WriteFile(file, []byte(smallest), 0o600); err != nil {
		t.Fatal(err)
	}
	defaults, err := config.Load(config.Input{File: file})
	if err != nil {
		t.Fatal(err)
	}
	shownLines := make(map[string]bool)
	for line := range strings.Lines(printed(t, full)) {
		shownLines[line] = true
	}
	for line := range strings.Lines(printed(t, defaults)) {
		if !shownLines[line] && !strings.Contains(line, "command:") {
			t.Errorf("the README does not show the default %s", line)
		}
	}
	for _, key := range config.Keys() {
		name := key[strings.LastIndexByte(key, '.')+1:]
		if !strings.Contains(shown[1], name+":") {
			t.Errorf("the README does not show %s", key)
		}
	}
}

func printed(t *testing.T, c *config.Config) string {
	t.Helper()
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestDocumentedVariables(t *testing.T) {
	t.Parallel()
	text := readDocumentation(t)
	for _, key := range config.Keys() {
		if row := fmt.Sprintf("| `%s` | `%s`", config.Variable(key), key); !strings.Contains(text, row) {
			t.Errorf("the README lacks the row %s", row)
		}
	}
	for _, name := range regexp.MustCompile("\n\\| `(HOLDFAST_[A-Z_]+)`").FindAllStringSubmatch(text, -1) {
		known := name[1] == configVariable
		for _, key := range config.Keys() {
			known = known || config.Variable(key) == name[1]
		}
		if !known {
			t.Errorf("the README has %s, which is no variable", name[1])
		}
	}
}

func TestDocumentedExitCodes(t *testing.T) {
	t.Parallel()
	text := readDocumentation(t)
	for _, m := range meanings {
		if row := fmt.Sprintf("\n| %d | %s |", m.code, m.text); !strings.Contains(text, row) {
			t.Errorf("the README lacks the row %s", row)
		}
	}
}

func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	text := readDocumentation(t)
	var look func(prefix string, commands []*cli.Command)
	look = func(prefix string, commands []*cli.Command) {
		for _, c := range commands {
			if len(c.Subcommands) > 0 && c.Name != "completion" {
				look(prefix+c.Name+" ", c.Subcommands)
				continue
			}
			if !c.Hidden && !regexp.MustCompile("\n\\| `"+prefix+c.Name+"[` ]").MatchString(text) {
				t.Errorf("the README lacks the command %s%s", prefix, c.Name)
			}
		}
	}
	look("", thisProcess().app().Commands)
}
