package admin

import (
	"fmt"
	"net"
	"os"
	"os/user"
	"strconv"
)

// peerOf names the user at the other end as the kernel knows it.
func peerOf(conn net.Conn) string {
	if l, ok := conn.(*limitedConn); ok {
		conn = l.Conn
	}
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return "unknown"
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return "unknown"
	}
	var uid uint32
	failed := raw.Control(func(fd uintptr) { uid, err = peerUID(int(fd)) })
	if failed != nil || err != nil {
		return "unknown"
	}
	return userOf(uid)
}

// ThisUser is the user of this process, named as the peer of a socket is, for
// [inspect.As].
func ThisUser() string { return userOf(uint32(os.Geteuid())) }

func userOf(uid uint32) string {
	id := formatID(uid)
	if u, err := user.LookupId(id); err == nil {
		return fmt.Sprintf("%s (uid %s)", u.Username, id)
	}
	return "uid " + id
}

func formatID(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
