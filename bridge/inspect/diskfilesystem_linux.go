package inspect

import (
	"fmt"

	"golang.org/x/sys/unix"
)

var fileSystems = map[int64]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs",
	unix.TMPFS_MAGIC: "tmpfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.NFS_SUPER_MAGIC: "nfs",
	unix.F2FS_SUPER_MAGIC: "f2fs", 0x2fc12fc1: "zfs", 0xff534d42: "cifs", 0x65735546: "fuse",
}

// fileSystem names the kind of file system that a directory is on, and its size.
func fileSystem(dir string) (name string, total int64) {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return "", 0
	}
	name, known := fileSystems[int64(fs.Type)]
	if !known {
		name = fmt.Sprintf("%#x", fs.Type)
	}
	return name, int64(fs.Blocks) * int64(fs.Bsize)
}
