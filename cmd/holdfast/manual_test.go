package main

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The pages that people read are those of the commands as they are.
func TestManualIsFresh(t *testing.T) {
	t.Parallel()
	for format, file := range map[string]string{"markdown": "REFERENCE.md", "man": "packaging/holdfast.1"} {
		want, err := manualText((&world{}).app(), format)
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, string(got)); d != "" {
			t.Errorf("%s is not what the commands say; run make docs:\n%s", file, d)
		}
	}
}
