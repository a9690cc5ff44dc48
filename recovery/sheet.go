package recovery

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// A sheet is one part of the slot file, mapped into memory. The file grows by
// whole sheets, all of whose bytes are written first: a store to memory whose
// page has no room on the disk would kill the process.
const (
	sheetSize = slotsSize // a multiple of any page size
	slotsAt   = 4096      // where slots begin in the first sheet; in others at 0
)

type sheet struct{ memory []byte }

// mapSheet maps the i-th sheet of the file, which must be that long. It stays
// mapped as long as anybody refers to it: a worker that was left behind may
// still have its slot there.
func mapSheet(file *os.File, i int) (*sheet, error) {
	memory, err := unix.Mmap(int(file.Fd()), int64(i)*sheetSize, sheetSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map %s: %w; data_dir must be on a local disk", file.Name(), err)
	}
	s := &sheet{memory}
	runtime.AddCleanup(s, func(memory []byte) { _ = unix.Munmap(memory) }, memory)
	return s, nil
}

// addSheet makes the file longer by the i-th sheet.
func addSheet(file *os.File, i int) (*sheet, error) {
	if _, err := file.WriteAt(make([]byte, sheetSize), int64(i)*sheetSize); err != nil {
		return nil, fmt.Errorf("make %s longer: %w", file.Name(), err)
	}
	if err := file.Sync(); err != nil {
		return nil, fmt.Errorf("make %s longer: %w", file.Name(), err)
	}
	return mapSheet(file, i)
}

// slots returns the memory of each slot of the i-th sheet.
func (s *sheet) slots(i int) (list [][]byte) {
	at := 0
	if i == 0 {
		at = slotsAt
	}
	for ; at+slotSize <= sheetSize; at += slotSize {
		list = append(list, s.memory[at:at+slotSize:at+slotSize])
	}
	return list
}
