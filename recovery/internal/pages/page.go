package pages

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	pageHeader = 16 // id, flags, count, overflow
	element    = 16 // of a branch or a leaf
	bucketSize = 16 // root page and sequence, at the start of a bucket's value

	flagBranch   = 0x01
	flagLeaf     = 0x02
	flagFreelist = 0x10

	flagBucket = 0x01 // of a leaf element: its value is a bucket
)

var errCutOff = errors.New("it is cut off")

// page is one page with those that overflow from it. Only what is asked for
// is read: a block of half a mebibyte is one value behind one small key.
type page struct {
	flags, count uint16
	overflow     uint32

	size int64  // overflow included
	buf  []byte // its first bytes
	r    io.ReaderAt
	at   int64 // in r
}

// parse reads the header in p.buf.
func (p *page) parse() (id uint64) {
	p.flags = binary.NativeEndian.Uint16(p.buf[8:])
	p.count = binary.NativeEndian.Uint16(p.buf[10:])
	p.overflow = binary.NativeEndian.Uint32(p.buf[12:])
	return binary.NativeEndian.Uint64(p.buf)
}

// bytes returns n bytes from offset from, or an error where the page ends.
func (p *page) bytes(from, n int64) ([]byte, error) {
	if from < 0 || n < 0 || from > p.size-n {
		return nil, errors.New("an element reaches beyond the page")
	}
	if from+n <= int64(len(p.buf)) {
		return p.buf[from : from+n : from+n], nil
	}
	b := make([]byte, n)
	if _, err := p.r.ReadAt(b, p.at+from); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	return b, nil
}

// elements returns the array of element headers behind the page header.
func (p *page) elements() ([]byte, error) {
	return p.bytes(pageHeader, int64(p.count)*element)
}

// branchElement is a child of a branch page and the lowest key in it.
type branchElement struct {
	key   []byte
	child uint64
}

func (p *page) branch(headers []byte, i int) (branchElement, error) {
	h := headers[i*element:]
	pos, ksize := binary.NativeEndian.Uint32(h), binary.NativeEndian.Uint32(h[4:])
	key, err := p.bytes(elementAt(i)+int64(pos), int64(ksize))
	return branchElement{key, binary.NativeEndian.Uint64(h[8:])}, err
}

// leafElement is a key and where its value is.
type leafElement struct {
	key       []byte
	bucket    bool
	value     int64 // offset in the page
	valueSize int64
}

func (p *page) leaf(headers []byte, i int) (leafElement, error) {
	h := headers[i*element:]
	flags := binary.NativeEndian.Uint32(h)
	pos, ksize := int64(binary.NativeEndian.Uint32(h[4:])), int64(binary.NativeEndian.Uint32(h[8:]))
	e := leafElement{
		bucket: flags == flagBucket, value: elementAt(i) + pos + ksize,
		valueSize: int64(binary.NativeEndian.Uint32(h[12:])),
	}
	if flags&^flagBucket != 0 {
		return e, fmt.Errorf("element %d has flags %x", i, flags)
	}
	if e.value > p.size-e.valueSize {
		return e, errors.New("an element reaches beyond the page")
	}
	var err error
	e.key, err = p.bytes(elementAt(i)+pos, ksize)
	return e, err
}

// elementAt is where element i begins; positions in it are relative to that.
func elementAt(i int) int64 { return int64(pageHeader + i*element) }
