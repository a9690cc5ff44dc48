package recovery

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

func TestAStoreNeedsALocalDisk(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "not", "made", "yet")
	for kind, want := range map[string]string{"": "", "ext4": "", "nfs": "is on nfs: locks and fsync", "smb": "is on smb", "tmpfs": "is on tmpfs: it is in memory", "ramfs": "is on ramfs"} {
		asked := ""
		err := checkPlace(dir, func(path string) (string, error) {
			if strings.HasSuffix(path, "yet") || strings.HasSuffix(path, "made") || strings.HasSuffix(path, "not") {
				return "", fs.ErrNotExist
			}
			asked = path
			return kind, nil
		})
		if (err == nil) != (want == "") || err != nil && (!errors.Is(err, ErrUnfitPlace) || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v", kind, err)
		}
		if !strings.HasPrefix(dir, asked) || asked == "" {
			t.Errorf("asked about %q", asked)
		}
	}
	if err := checkPlace(dir, func(string) (string, error) { return "", fs.ErrPermission }); !errors.Is(err, fs.ErrPermission) {
		t.Error(err)
	}
	if _, err := fileSystemOf(t.TempDir()); err != nil {
		t.Error(err)
	}
}
