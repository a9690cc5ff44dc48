package exec

import (
	"fmt"
	"io"
	"os"
)

// stdinOf returns a file with the whole value, to be the stdin of a child. A pipe that
// the bridge fills would end early when the bridge is killed: the child could take a
// part of the value, or nothing, for the whole, and act on it before it dies itself.
func stdinOf(value []byte) (*os.File, error) {
	file, err := unnamedFile()
	if err != nil {
		return nil, fmt.Errorf("make the file for stdin: %w", err)
	}
	_, err = file.Write(value)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("write the value for stdin: %w", err)
	}
	return file, nil
}
