package main

import "testing"

func TestShellWord(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"/etc/holdfast/holdfast.yaml": "/etc/holdfast/holdfast.yaml",
		"my bridge.yaml":              "'my bridge.yaml'",
		"~/it's $HOME":                `'~/it'\''s $HOME'`,
		"":                            "''",
		"zwei\nzeilen":                "'zwei\nzeilen'",
	} {
		if got := shellWord(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}
