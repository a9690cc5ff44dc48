package top

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// terminal is what a full screen is drawn on and keys are read from.
type terminal struct {
	file   *os.File
	before *term.State // what the shell gets back
}

// openTerminal takes the terminal of the process. What was on the screen comes
// back with close.
func openTerminal(path string) (*terminal, error) {
	// Opened anew: a read deadline would else change the shell's own descriptor.
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open the terminal: %w", err)
	}
	if err := file.SetReadDeadline(time.Time{}); err != nil {
		return nil, errors.Join(fmt.Errorf("wait for keys of the terminal: %w", err), file.Close())
	}
	t := &terminal{file: file}
	if err := t.control(func(fd int) (err error) { t.before, err = term.MakeRaw(fd); return err }); err != nil {
		return nil, errors.Join(fmt.Errorf("take the terminal: %w", err), file.Close())
	}
	if _, err := file.WriteString(enter); err != nil {
		return nil, errors.Join(fmt.Errorf("write to the terminal: %w", err), t.close())
	}
	return t, nil
}

// What is said to the terminal. Lines are not wrapped: a character that takes two
// columns must not push the rest of the screen down.
const (
	enter    = "\x1b[?1049h\x1b[?25l\x1b[?7l" // other screen, no cursor, no wrapping
	leave    = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	home     = "\x1b[H"
	clear    = "\x1b[2K" // before the text: behind it, in a full line, it would take the last character
	inverse  = "\x1b[7m"
	ordinary = "\x1b[0m"
)

// draw replaces what is on the screen, in one write so that it does not flicker.
func (t *terminal) draw(lines []line, width int) error {
	var b strings.Builder
	b.WriteString(home)
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		if l.inverse {
			space := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(l.text)))
			b.WriteString(clear + inverse + l.text + space + ordinary)
		} else {
			b.WriteString(clear + l.text)
		}
	}
	if _, err := t.file.WriteString(b.String()); err != nil {
		return fmt.Errorf("write to the terminal: %w", err)
	}
	return nil
}

// size is how many columns and lines there are.
func (t *terminal) size() (width, height int) {
	err := t.control(func(fd int) (err error) { width, height, err = term.GetSize(fd); return err })
	if err != nil || width <= 0 || height <= 0 {
		return 80, 24
	}
	return width, height
}

// keys are those that are pressed, until stop is called. The channel is closed
// when the terminal is gone.
func (t *terminal) keys() (keys <-chan key, stop func()) {
	pressed, stopped, ended := make(chan key), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(pressed)
		t.read(func(k key) {
			select {
			case pressed <- k:
			case <-stopped:
			}
		})
	}()
	return pressed, func() {
		close(stopped)
		t.file.SetReadDeadline(time.Unix(1, 0)) // ends the read
		<-ended
	}
}

// read hands on keys until the terminal cannot be read any more.
func (t *terminal) read(press func(key)) {
	buf := make([]byte, 64)
	for {
		n, err := t.file.Read(buf)
		for _, k := range keysOf(buf[:n]) {
			press(k)
		}
		if err != nil {
			return
		}
	}
}

func (t *terminal) close() error {
	_, err := t.file.WriteString(leave)
	return errors.Join(err, t.control(func(fd int) error { return term.Restore(fd, t.before) }), t.file.Close())
}

// control works on the descriptor. File.Fd would make reads ignore their deadline.
func (t *terminal) control(f func(fd int) error) error {
	conn, err := t.file.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = conn.Control(func(fd uintptr) { failed = f(int(fd)) })
	return errors.Join(err, failed)
}
