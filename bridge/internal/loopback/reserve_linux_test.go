package loopback

import (
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
)

func TestAReservedPortIsForWhoNamesIt(t *testing.T) {
	t.Parallel()
	ports, release, err := Reserve(2)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if ports[0] == ports[1] {
		t.Fatalf("reserved %v", ports)
	}
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	refused := func() {
		t.Helper()
		if _, err := net.Dial("tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
			t.Errorf("before anybody listens: %v", err)
		}
	}
	for range 3 {
		refused()
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		// The server's end waits for a while after it is closed first.
		_ = accepted.Close()
		_ = conn.Close()
		_ = l.Close()
	}
	refused()
}

// The system asks for each port that it hands out as one does here who may not
// share it.
func TestNobodyElseGetsAReservedPort(t *testing.T) {
	t.Parallel()
	ports, release, err := Reserve(1)
	if err != nil {
		t.Fatal(err)
	}
	listen := func() error {
		alone := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
			return errors.Join(c.Control(func(fd uintptr) {
				err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 0)
			}), err)
		}}
		l, err := alone.Listen(t.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0])))
		if err == nil {
			_ = l.Close()
		}
		return err
	}
	if err := listen(); !errors.Is(err, syscall.EADDRINUSE) {
		t.Errorf("while it is reserved: %v", err)
	}
	release()
	if err := listen(); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
