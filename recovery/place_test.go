package recovery

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
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

func TestAStoreNeedsADirectoryThatCanBeMade(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	file, link := filepath.Join(root, "file"), filepath.Join(root, "link")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Symlink(filepath.Join(root, "gone"), link)); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dir, want string
		refused   error // by the kernel
		is        error // nil: ErrUnfitPlace
	}{
		{dir: root},
		{dir: filepath.Join(root, "to", "be", "made")},
		{dir: file, want: file + " is in the way"},
		{dir: filepath.Join(file, "to", "be", "made"), want: file + " is in the way"},
		{dir: link, want: link + " is a symbolic link to what does not exist"},
		{dir: filepath.Join(link, "data"), want: link + " is a symbolic link"},
		{dir: root, refused: unix.EROFS, want: "may not write to " + root},
		{dir: filepath.Join(root, "to", "be"), refused: unix.EACCES, want: "may not make " + filepath.Join(root, "to", "be") + " in " + root + ": permission denied", is: ErrNotMade},
	} {
		err := checkDir(tt.dir, func(dir string) error {
			if real := mayWrite(dir); real != nil || dir != root {
				t.Errorf("%s: it may not write to %s: %v", tt.dir, dir, real)
			}
			return tt.refused
		})
		if (err == nil) != (tt.want == "") || err != nil && (!errors.Is(err, cmp.Or(tt.is, ErrUnfitPlace)) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", tt.dir, err, tt.want)
		}
		if tt.refused != nil && !errors.Is(err, tt.refused) {
			t.Errorf("%s: %v is not %v", tt.dir, err, tt.refused)
		}
	}
	if entries, err := os.ReadDir(root); err != nil || len(entries) != 2 {
		t.Errorf("it made something: %v, %v", entries, err)
	}
}
