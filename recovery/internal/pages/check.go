package pages

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Summary is what a sound file holds.
type Summary struct {
	PageSize int64
	Size     int64 // bytes of the file
	Live     int64 // bytes of the pages that are part of the tree
}

// Error names a damaged page.
type Error struct {
	Page uint64
	Err  error
}

func (e *Error) Error() string { return fmt.Sprintf("page %d: %v", e.Page, e.Err) }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Check walks every bucket of the bbolt file r of size bytes and returns the
// first damage that it finds. progress, if set, is told now and then how many
// pages of how many have been seen; free ones are never seen.
func Check(ctx context.Context, r io.ReaderAt, size int64, progress func(done, total int64)) (Summary, error) {
	m, err := readMeta(r, size)
	if err != nil {
		return Summary{}, err
	}
	if have := uint64(size / m.pageSize); m.pages > have || m.pages < 3 {
		return Summary{}, fmt.Errorf("the file is cut off: it has %d of %d pages", have, m.pages)
	}
	c := &checker{ctx: ctx, r: r, meta: m, seen: make([]uint64, m.pages/64+1), progress: progress}
	c.mark(0, 0)
	c.mark(1, 0)
	if err := c.tree(m.root, nil, nil); err != nil {
		return Summary{}, err
	}
	if err := c.freelist(); err != nil {
		return Summary{}, err
	}
	return Summary{PageSize: m.pageSize, Size: size, Live: c.live * m.pageSize}, nil
}

type checker struct {
	ctx      context.Context
	r        io.ReaderAt
	meta     meta
	seen     []uint64 // bitmap of pages
	live     int64    // pages seen
	visits   int      // pages read
	spare    []*page  // to be read into again
	progress func(done, total int64)
}

// mark notes that a page and its overflow are in use; false means that one of
// them was already.
func (c *checker) mark(id, overflow uint64) bool {
	for i := id; i <= id+overflow; i++ {
		if c.seen[i/64]&(1<<(i%64)) != 0 {
			return false
		}
		c.seen[i/64] |= 1 << (i % 64)
		c.live++
	}
	return true
}

// tree checks the pages below and including id, whose keys must lie in
// [low, high); nil is no bound.
func (c *checker) tree(id uint64, low, high []byte) error {
	p, err := c.read(id)
	if err != nil {
		return err
	}
	defer c.reuse(p)
	switch p.flags {
	case flagBranch:
		return c.branch(id, p, low, high)
	case flagLeaf:
		return c.leaf(id, p, low, high)
	}
	return &Error{id, fmt.Errorf("it has type %x where a branch or a leaf is due", p.flags)}
}

// read reads the head of a page and marks it.
func (c *checker) read(id uint64) (*page, error) {
	c.visits++
	if c.visits%1024 == 0 {
		if err := context.Cause(c.ctx); err != nil {
			return nil, err
		}
		if c.progress != nil {
			c.progress(c.live, int64(c.meta.pages))
		}
	}
	if id < 2 || id >= c.meta.pages {
		return nil, &Error{id, fmt.Errorf("it is not one of %d pages", c.meta.pages)}
	}
	p := c.page()
	p.at = int64(id) * c.meta.pageSize
	if _, err := c.r.ReadAt(p.buf, p.at); err != nil {
		return nil, &Error{id, fmt.Errorf("read: %w", err)}
	}
	if own := p.parse(); own != id {
		return nil, &Error{id, fmt.Errorf("it says that it is page %d", own)}
	}
	if uint64(p.overflow) >= c.meta.pages-id {
		return nil, &Error{id, fmt.Errorf("its %d overflow pages reach beyond the last", p.overflow)}
	}
	if !c.mark(id, uint64(p.overflow)) {
		return nil, &Error{id, errors.New("it is referred to twice")}
	}
	p.size = (int64(p.overflow) + 1) * c.meta.pageSize
	return p, nil
}

func (c *checker) page() *page {
	if n := len(c.spare); n > 0 {
		p := c.spare[n-1]
		c.spare = c.spare[:n-1]
		return p
	}
	return &page{buf: make([]byte, c.meta.pageSize), r: c.r}
}

// reuse takes back a page whose keys nobody refers to any more.
func (c *checker) reuse(p *page) { c.spare = append(c.spare, p) }

func (c *checker) branch(id uint64, p *page, low, high []byte) error {
	headers, err := p.elements()
	if err != nil {
		return &Error{id, err}
	}
	if p.count == 0 {
		return &Error{id, errors.New("a branch without children")}
	}
	children := make([]branchElement, p.count)
	keys := order{low, high}
	for i := range children {
		if children[i], err = p.branch(headers, i); err != nil {
			return &Error{id, err}
		}
		if err := keys.next(i, children[i].key); err != nil {
			return &Error{id, err}
		}
	}
	for i, child := range children {
		bound := high
		if i+1 < len(children) {
			bound = children[i+1].key
		}
		if err := c.tree(child.child, child.key, bound); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) leaf(id uint64, p *page, low, high []byte) error {
	headers, err := p.elements()
	if err != nil {
		return &Error{id, err}
	}
	keys := order{low, high}
	for i := range int(p.count) {
		e, err := p.leaf(headers, i)
		if err != nil {
			return &Error{id, err}
		}
		if err := keys.next(i, e.key); err != nil {
			return &Error{id, err}
		}
		if !e.bucket {
			continue
		}
		root, err := bucketRoot(p, e)
		if err != nil {
			return &Error{id, fmt.Errorf("bucket %q: %w", e.key, err)}
		}
		if root == 0 {
			err = c.inline(id, p, e)
		} else {
			err = c.tree(root, nil, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func bucketRoot(p *page, e leafElement) (uint64, error) {
	if e.valueSize < bucketSize {
		return 0, fmt.Errorf("it has %d bytes", e.valueSize)
	}
	b, err := p.bytes(e.value, bucketSize)
	if err != nil {
		return 0, err
	}
	return binary.NativeEndian.Uint64(b), nil
}

// inline checks a bucket small enough to be the value itself: a leaf page
// without an id.
func (c *checker) inline(id uint64, p *page, e leafElement) error {
	b, err := p.bytes(e.value+bucketSize, e.valueSize-bucketSize)
	if err != nil {
		return &Error{id, err}
	}
	if len(b) < pageHeader {
		return &Error{id, fmt.Errorf("bucket %q: %w", e.key, errCutOff)}
	}
	in := &page{buf: b, size: int64(len(b))}
	if in.parse(); in.flags != flagLeaf {
		return &Error{id, fmt.Errorf("bucket %q has type %x where a leaf is due", e.key, in.flags)}
	}
	return c.leaf(id, in, nil, nil)
}

// freelist checks the list of free pages of a file that stores one: a page in
// it that is also in use would be overwritten.
func (c *checker) freelist() error {
	id := c.meta.freelist
	if id == noFreelist {
		return nil
	}
	p, err := c.read(id)
	if err != nil {
		return err
	}
	if p.flags != flagFreelist {
		return &Error{id, fmt.Errorf("it has type %x where a freelist is due", p.flags)}
	}
	first, count := int64(pageHeader), int64(p.count)
	if p.count == 0xFFFF { // the count did not fit and is the first entry
		b, err := p.bytes(pageHeader, 8)
		if err != nil {
			return &Error{id, err}
		}
		first, count = first+8, int64(min(binary.NativeEndian.Uint64(b), c.meta.pages))
	}
	list, err := p.bytes(first, 8*count)
	if err != nil {
		return &Error{id, err}
	}
	live := c.live
	for ; len(list) > 0; list = list[8:] {
		free := binary.NativeEndian.Uint64(list)
		if free < 2 || free >= c.meta.pages || !c.mark(free, 0) {
			return &Error{id, fmt.Errorf("free page %d is in use or does not exist", free)}
		}
	}
	c.live = live
	return nil
}

// order checks that keys ascend within bounds.
type order struct{ low, high []byte }

func (o *order) next(i int, key []byte) error {
	switch {
	case len(key) == 0:
		return fmt.Errorf("key %d is empty", i)
	case o.low != nil && i == 0 && bytes.Compare(key, o.low) < 0,
		i > 0 && bytes.Compare(key, o.low) <= 0,
		o.high != nil && bytes.Compare(key, o.high) >= 0:
		return fmt.Errorf("key %d, %x, is out of order", i, key)
	}
	o.low = key
	return nil
}
