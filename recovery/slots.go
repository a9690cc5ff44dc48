package recovery

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// The slot file holds what must survive the failure of everything else. All of
// its bytes are written when it is made, so that a note needs no room from the
// file system. One disk sector is written at a time:
//
//	0      8 bytes  "hfslots1"
//	512    512 bytes the failure note, zeroes for none:
//	       4 bytes  CRC-32C of the rest of the note up to the text's end
//	       2 bytes  length of the text
//	       text
//	1024   512 bytes the life of the process, see record.go
//	4096   slots of what workers run, see slot.go; later sheets of 64 KiB hold
//	       nothing else, see sheet.go
//
// Numbers are big-endian.
const (
	slotsName  = "SLOTS"
	slotsMagic = "hfslots1"
	slotsSize  = 64 << 10

	noteAt     = 512
	noteSize   = 512
	noteHeader = 6
)

type slots struct{ file *os.File }

// openSlots opens the slot file of dir and completes one that is missing or
// was cut off when it was made.
func openSlots(dir string) (*slots, error) {
	file, err := os.OpenFile(filepath.Join(dir, slotsName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open slot file: %w", err)
	}
	s := &slots{file}
	if err := s.complete(); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare %s: %w", file.Name(), err), file.Close())
	}
	return s, nil
}

// complete writes all of the file, zeroes included, because a file that is
// merely long takes up no room.
func (s *slots) complete() error {
	content := make([]byte, slotsSize)
	n, err := s.file.ReadAt(content, 0)
	if err != nil && err != io.EOF {
		return err
	}
	switch string(content[:len(slotsMagic)]) {
	case slotsMagic:
		if n == slotsSize {
			return nil
		}
	case string(make([]byte, len(slotsMagic))):
	default:
		return fmt.Errorf("it begins with %q and is no slot file of this version; move it away", content[:len(slotsMagic)])
	}
	copy(content, slotsMagic)
	if _, err := s.file.WriteAt(content, 0); err != nil {
		return err
	}
	return s.file.Sync()
}

// failure returns what was noted about the store, or "" for nothing. A note
// that is unreadable still counts: something was to be said.
func (s *slots) failure() (string, error) {
	note := make([]byte, noteSize)
	if _, err := s.file.ReadAt(note, noteAt); err != nil {
		return "", fmt.Errorf("read %s: %w", s.file.Name(), err)
	}
	if bytes.Equal(note, make([]byte, noteSize)) {
		return "", nil
	}
	return decodeNote(note), nil
}

func decodeNote(note []byte) string {
	end := noteHeader + int(binary.BigEndian.Uint16(note[4:]))
	if end > len(note) || end == noteHeader || binary.BigEndian.Uint32(note) != crc32.Checksum(note[4:end], castagnoli) {
		return "the note about it is unreadable"
	}
	return string(note[noteHeader:end])
}

func encodeNote(text string) []byte {
	note := make([]byte, noteSize)
	n := copy(note[noteHeader:], text)
	binary.BigEndian.PutUint16(note[4:], uint16(n))
	binary.BigEndian.PutUint32(note, crc32.Checksum(note[4:noteHeader+n], castagnoli))
	return note
}

func (s *slots) noteFailure(now time.Time, cause error) error {
	return s.write(encodeNote(now.UTC().Format(time.RFC3339) + " " + cause.Error()))
}

func (s *slots) clearFailure() error { return s.write(make([]byte, noteSize)) }

func (s *slots) write(note []byte) error {
	if _, err := s.file.WriteAt(note, noteAt); err != nil {
		return fmt.Errorf("note in %s: %w", s.file.Name(), err)
	}
	if err := s.file.Sync(); err != nil {
		return fmt.Errorf("note in %s: %w", s.file.Name(), err)
	}
	return nil
}

func (s *slots) close() error { return s.file.Close() }

// plainWrite reports that a commit failed in a write or while the file grew,
// before any fsync of it: the file then still is what its last commit made it.
// bbolt writes with WriteAt, whose errors have a type, and calls the other
// "file resize error"; the errors of its fsync are bare. What cannot be told
// apart counts as a failed fsync, which is the safe side.
func plainWrite(err error) bool {
	var path *fs.PathError
	return errors.As(err, &path) && path.Op == "write" || strings.Contains(err.Error(), "file resize error: ")
}
