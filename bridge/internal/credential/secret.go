package credential

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// MaxSecret bounds a secret, in bytes.
const MaxSecret = 64 << 10

// ReadSecret reads a file of one secret, less line breaks at its end. A file
// that is empty, too long, contains a NUL byte or is no regular file is an
// error that names it.
func ReadSecret(path string) (string, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe without a writer would block
	if err != nil {
		return "", err
	}
	defer file.Close()
	if about, err := file.Stat(); err != nil {
		return "", err
	} else if !about.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file", path)
	}
	content, err := io.ReadAll(io.LimitReader(file, MaxSecret+1))
	switch text := strings.TrimRight(string(content), "\r\n"); {
	case err != nil:
		return "", err
	case len(content) > MaxSecret:
		return "", fmt.Errorf("%s is longer than 64 KiB", path)
	case text == "":
		return "", fmt.Errorf("%s is empty", path)
	case strings.ContainsRune(text, 0):
		return "", fmt.Errorf("%s contains a NUL byte", path)
	default:
		return text, nil
	}
}

// Error is a credential that could not be had.
type Error struct {
	Operation string
	Err       error
	Advice    string // what to do
}

func (e *Error) Error() string { return e.Operation + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }

// Remedy is what to do, for whoever reports that something could not be reached.
func (e *Error) Remedy() string { return e.Advice }

// RemedyOf is the remedy of err, or nothing.
func RemedyOf(err error) string {
	var credential *Error
	if errors.As(err, &credential) {
		return credential.Advice
	}
	return ""
}
