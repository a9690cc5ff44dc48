package pages

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
)

const (
	metaMagic   = 0xED0CDAED
	metaVersion = 2
	metaSize    = 64 // without the page header
	metaSummed  = 56 // what the checksum covers

	noFreelist = ^uint64(0)

	minPageSize = 1 << 10
	maxPageSize = 16 << 20
)

// meta is the head of a file: one of two pages, written in turn, of which the
// valid one with the higher transaction counts.
type meta struct {
	pageSize int64
	root     uint64 // page of the root bucket
	freelist uint64 // page, or noFreelist
	pages    uint64 // all pages in use are below
	txid     uint64
}

// decodeMeta reads a meta page, or says why it is none.
func decodeMeta(page []byte) (meta, error) {
	if len(page) < pageHeader+metaSize {
		return meta{}, errCutOff
	}
	b := page[pageHeader:]
	if binary.NativeEndian.Uint32(b) != metaMagic {
		return meta{}, fmt.Errorf("not a bbolt file")
	}
	if v := binary.NativeEndian.Uint32(b[4:]); v != metaVersion {
		return meta{}, fmt.Errorf("bbolt version %d is unknown", v)
	}
	h := fnv.New64a()
	h.Write(b[:metaSummed])
	if h.Sum64() != binary.NativeEndian.Uint64(b[metaSummed:]) {
		return meta{}, fmt.Errorf("checksum does not match")
	}
	m := meta{
		pageSize: int64(binary.NativeEndian.Uint32(b[8:])),
		root:     binary.NativeEndian.Uint64(b[16:]),
		freelist: binary.NativeEndian.Uint64(b[32:]),
		pages:    binary.NativeEndian.Uint64(b[40:]),
		txid:     binary.NativeEndian.Uint64(b[48:]),
	}
	if m.pageSize < minPageSize || m.pageSize > maxPageSize || m.pageSize&(m.pageSize-1) != 0 {
		return meta{}, fmt.Errorf("page size %d", m.pageSize)
	}
	return m, nil
}

// readMeta returns the meta page that bbolt would use.
func readMeta(r io.ReaderAt, size int64) (meta, error) {
	if size == 0 {
		return meta{}, fmt.Errorf("the file is empty")
	}
	first, err := metaAt(r, 0)
	if err == nil {
		if second, err := metaAt(r, first.pageSize); err == nil && second.txid > first.txid {
			return second, nil
		}
		return first, nil
	}
	// Without the first page the page size is unknown; every one is tried.
	for at := int64(minPageSize); at <= maxPageSize && at < size; at *= 2 {
		if second, err := metaAt(r, at); err == nil && second.pageSize == at {
			return second, nil
		}
	}
	return meta{}, fmt.Errorf("both meta pages are unusable: %w", err)
}

func metaAt(r io.ReaderAt, at int64) (meta, error) {
	buf := make([]byte, pageHeader+metaSize)
	n, err := r.ReadAt(buf, at)
	if err != nil && err != io.EOF {
		return meta{}, err
	}
	return decodeMeta(buf[:n])
}
