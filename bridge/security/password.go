package security

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// maxSecret bounds a password or a token.
const maxSecret = 64 << 10

// password is a secret in a file, or one that never changes.
type password struct{ file, text string }

func (p password) read() (string, error) {
	if p.file == "" {
		return p.text, nil
	}
	text, err := readSecret(p.file)
	if err != nil {
		return "", &credentialError{"read the password", err, "write it there, readable for this process"}
	}
	return text, nil
}

func readSecret(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, maxSecret+1))
	switch text := strings.TrimRight(string(content), "\r\n"); {
	case err != nil:
		return "", err
	case len(content) > maxSecret:
		return "", fmt.Errorf("%s is longer than 64 KiB", path)
	case text == "":
		return "", fmt.Errorf("%s is empty", path)
	case strings.ContainsRune(text, 0):
		return "", fmt.Errorf("%s contains a NUL byte", path)
	default:
		return text, nil
	}
}

// credentialError is a secret that could not be had.
type credentialError struct {
	operation string
	err       error
	remedy    string
}

func (e *credentialError) Error() string { return e.operation + ": " + e.err.Error() }
func (e *credentialError) Unwrap() error { return e.err }

// Remedy is what to do, for whoever reports that Kafka could not be reached.
func (e *credentialError) Remedy() string { return e.remedy }

func remedyOf(err error) string {
	var credential *credentialError
	if errors.As(err, &credential) {
		return credential.remedy
	}
	return ""
}
