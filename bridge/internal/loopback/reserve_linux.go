package loopback

import (
	"fmt"
	"syscall"
)

// Reserve returns n ports, all different. Until release is called the system hands
// them to nobody who asks for any port, and uses them for no connection. Whoever
// names one of them can listen on it, as often as he likes: a server has to allow
// the reuse of addresses, as those of Go and Java do. Meanwhile it refuses
// connections.
func Reserve(n int) (ports []int, release func(), err error) {
	var sockets []int
	release = func() {
		for _, fd := range sockets {
			_ = syscall.Close(fd)
		}
		sockets = nil
	}
	for range n {
		fd, err := socket()
		if err != nil {
			release()
			return nil, nil, fmt.Errorf("reserve a port: %w", err)
		}
		sockets = append(sockets, fd)
		port, err := bind(fd)
		if err != nil {
			release()
			return nil, nil, fmt.Errorf("reserve a port: %w", err)
		}
		ports = append(ports, port)
	}
	return ports, release, nil
}

// socket opens one that no child inherits.
func socket() (int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	return fd, err
}

// bind takes any port, and does not listen on it.
func bind(fd int) (port int, err error) {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	return name.(*syscall.SockaddrInet4).Port, nil
}
