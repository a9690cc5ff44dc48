package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

// Every YAML block of the documents is a configuration that can be run, by
// itself or with what it leaves out.
func TestDocumentedSnippets(t *testing.T) {
	t.Parallel()
	for name, path := range map[string]string{"project": filepath.Join(repository, "README.md"), "command": "README.md"} {
		for _, snippet := range blocks(readText(t, path), "yaml") {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				content := completed(snippet)
				file := filepath.Join(dir, "holdfast.yaml")
				writeText(t, file, content, 0o600)
				for _, named := range regexp.MustCompile(`\./[\w./-]+`).FindAllString(content, -1) {
					writeText(t, filepath.Join(dir, named), "#!/bin/sh\n", 0o700)
				}
				if _, err := config.Load(config.Input{File: file}); err != nil {
					t.Errorf("%v\n%s", err, content)
				}
			})
		}
	}
}

// completed adds the sections that a snippet leaves out.
func completed(snippet string) string {
	for _, section := range []string{
		"kafka: {brokers: [127.0.0.1:9092], group: billing}\n",
		"data_dir: ./data\n",
		"handler: {log: {}}\n",
		"topics: {orders: }\n",
	} {
		name, _, _ := strings.Cut(section, ":")
		if !regexp.MustCompile(`(?m)^` + name + `:`).MatchString(snippet) {
			snippet += section
		}
	}
	return snippet
}

// Every link of the documents leads to a file.
func TestDocumentedLinks(t *testing.T) {
	t.Parallel()
	for _, path := range []string{filepath.Join(repository, "README.md"), "README.md", "OPERATING.md"} {
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)\)`).FindAllStringSubmatch(readText(t, path), -1) {
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), link[1])); err != nil {
				t.Errorf("%s links to nothing: %v", path, err)
			}
		}
	}
}
