package ptytest

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Terminal belongs to one test: what is drawn can be read, and keys be pressed.
type Terminal struct {
	Path   string // its file
	master *os.File

	mu    sync.Mutex
	drawn strings.Builder // guarded by mu
	ended chan struct{}   // closed when nothing is drawn any more
}

// New returns a terminal of so many columns and lines, which ends with the test.
func New(t testing.TB, width, height uint16) *Terminal {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: height, Col: width}); err != nil {
		t.Fatal(err)
	}
	p := &Terminal{Path: fmt.Sprintf("/dev/pts/%d", n), master: os.NewFile(uintptr(fd), "ptmx"), ended: make(chan struct{})}
	// Held open: the other side is else told of an end whenever nobody has it open.
	held, err := os.OpenFile(p.Path, os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	go p.collect()
	t.Cleanup(func() {
		held.Close()
		p.master.Close()
		<-p.ended
	})
	return p
}

func (p *Terminal) collect() {
	defer close(p.ended)
	buf := make([]byte, 4096)
	for {
		n, err := p.master.Read(buf)
		p.mu.Lock()
		p.drawn.Write(buf[:n])
		p.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Text is everything that was drawn, as it was sent.
func (p *Terminal) Text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.drawn.String()
}

// Press sends keys.
func (p *Terminal) Press(t testing.TB, keys string) {
	t.Helper()
	if _, err := p.master.WriteString(keys); err != nil {
		t.Fatal(err)
	}
}

// Await waits until the text was drawn behind what was there at mark.
func (p *Terminal) Await(t testing.TB, mark int, text string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if strings.Contains(p.Text()[mark:], text) {
			return
		}
	}
	t.Fatalf("%q was not drawn, but %q", text, p.Text()[mark:])
}
