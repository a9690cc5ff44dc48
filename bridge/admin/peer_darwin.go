package admin

import "golang.org/x/sys/unix"

func peerUID(socket int) (uint32, error) {
	credentials, err := unix.GetsockoptXucred(socket, unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
	if err != nil {
		return 0, err
	}
	return credentials.Uid, nil
}
