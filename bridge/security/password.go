package security

import "github.com/seed-2837c37b/holdfast/bridge/internal/credential"

// password is a secret in a file, or one that never changes.
type password struct{ file, text string }

func (p password) read() (string, error) {
	if p.file == "" {
		return p.text, nil
	}
	text, err := credential.ReadSecret(p.file)
	if err != nil {
		return "", &credential.Error{Operation: "read the password", Err: err, Advice: "write it there, readable for this process"}
	}
	return text, nil
}
