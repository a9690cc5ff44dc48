//go:build !linux

package inspect

import "golang.org/x/sys/unix"

// fileSystem tells the size of the file system that a directory is on; its kind
// is not known here.
func fileSystem(dir string) (name string, total int64) {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return "", 0
	}
	return "", int64(fs.Blocks) * int64(fs.Bsize)
}
