package pages

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Bucket is a bucket of a file whose pages may be damaged. What of it can be
// reached is read with plain reads.
type Bucket struct {
	r      io.ReaderAt
	meta   meta
	root   uint64
	inline *page // instead of root: the bucket is within a page of its parent
}

// Gap is what damage has made unreadable: whatever keys there were from From to
// below To. Nil is no bound.
type Gap struct {
	From, To []byte
	Err      error
}

// Salvage returns the root bucket of the bbolt file r of size bytes. It fails
// only where neither meta page tells where that is.
func Salvage(r io.ReaderAt, size int64) (*Bucket, error) {
	m, err := readMeta(r, size)
	if err != nil {
		return nil, err
	}
	return &Bucket{r: r, meta: m, root: m.root}, nil
}

// Each calls entry for every key that can be read, ascending, with its value, or
// with the bucket that stands there, and gap for what lies between. It ends with
// the first error of entry. Slices and buckets stay valid.
func (b *Bucket) Each(entry func(key, value []byte, sub *Bucket) error, gap func(Gap)) error {
	w := &descent{Bucket: b, entry: entry, gap: gap}
	if b.inline != nil {
		return w.leaf(b.inline, nil, nil)
	}
	return w.tree(b.root, nil, nil)
}

// maxValue bounds what a damaged length makes a descent read into memory.
const maxValue = 1 << 30

// descent is one call of Each.
type descent struct {
	*Bucket
	entry func(key, value []byte, sub *Bucket) error
	gap   func(Gap)
	path  []uint64 // of pages down to this one: damage can refer back to them
}

// tree reads the pages below and including id, whose keys must lie in [low, high).
func (w *descent) tree(id uint64, low, high []byte) error {
	p, err := w.read(id)
	if err != nil {
		w.gap(Gap{low, high, &Error{id, err}})
		return nil
	}
	w.path = append(w.path, id)
	defer func() { w.path = w.path[:len(w.path)-1] }()
	if p.flags == flagLeaf {
		return w.leaf(p, low, high)
	}
	return w.branch(id, p, low, high)
}

func (w *descent) read(id uint64) (*page, error) {
	if id < 2 || id >= w.meta.pages {
		return nil, fmt.Errorf("it is not one of %d pages", w.meta.pages)
	}
	if slices.Contains(w.path, id) {
		return nil, errors.New("it is referred to twice")
	}
	p := &page{buf: make([]byte, w.meta.pageSize), r: w.r, at: int64(id) * w.meta.pageSize}
	if _, err := w.r.ReadAt(p.buf, p.at); err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	if own := p.parse(); own != id {
		return nil, fmt.Errorf("it says that it is page %d", own)
	}
	if p.flags != flagBranch && p.flags != flagLeaf {
		return nil, fmt.Errorf("it has type %x where a branch or a leaf is due", p.flags)
	}
	if uint64(p.overflow) >= w.meta.pages-id {
		return nil, fmt.Errorf("its %d overflow pages reach beyond the last", p.overflow)
	}
	p.size = (int64(p.overflow) + 1) * w.meta.pageSize
	return p, nil
}

// child is an element of a branch page, or why it cannot be read.
type child struct {
	key  []byte // of a damaged one the last one before
	page uint64
	err  error
}

// branch goes down to the children whose keys are in order.
func (w *descent) branch(id uint64, p *page, low, high []byte) error {
	headers, err := p.elements()
	if err != nil {
		w.gap(Gap{low, high, &Error{id, err}})
		return nil
	}
	last, first, children := low, true, []child(nil)
	for i := range int(p.count) {
		e, err := p.branch(headers, i)
		if err == nil && !between(e.key, last, high, first) {
			err = fmt.Errorf("key %d, %x, is out of order", i, e.key)
		}
		switch {
		case err == nil:
			last, first = e.key, false
			children = append(children, child{key: e.key, page: e.child})
		case len(children) == 0 || children[len(children)-1].err == nil:
			children = append(children, child{key: last, err: &Error{id, err}})
		}
	}
	for i, c := range children {
		bound := high
		if i+1 < len(children) {
			bound = children[i+1].key
		}
		if c.err != nil {
			w.gap(Gap{c.key, bound, c.err})
		} else if err := w.tree(c.page, c.key, bound); err != nil {
			return err
		}
	}
	return nil
}

// leaf reads the elements that are whole and in order.
func (w *descent) leaf(p *page, low, high []byte) error {
	id := uint64(0)
	if n := len(w.path); n > 0 {
		id = w.path[n-1]
	}
	headers, err := p.elements()
	if err != nil {
		w.gap(Gap{low, high, &Error{id, err}})
		return nil
	}
	last, first := low, true
	var damage *Gap
	for i := range int(p.count) {
		e, value, sub, err := w.element(p, headers, i)
		if err == nil && !between(e.key, last, high, first) {
			err = fmt.Errorf("key %d, %x, is out of order", i, e.key)
		}
		if err != nil {
			if damage == nil {
				damage = &Gap{From: last, Err: &Error{id, err}}
			}
			continue
		}
		if damage != nil {
			damage.To = e.key
			w.gap(*damage)
			damage = nil
		}
		last, first = e.key, false
		if err := w.entry(e.key, value, sub); err != nil {
			return err
		}
	}
	if damage != nil {
		damage.To = high
		w.gap(*damage)
	}
	return nil
}

// element reads element i with its value, or with the bucket that it is.
func (w *descent) element(p *page, headers []byte, i int) (e leafElement, value []byte, sub *Bucket, err error) {
	if e, err = p.leaf(headers, i); err != nil {
		return e, nil, nil, err
	}
	if e.valueSize > maxValue {
		return e, nil, nil, fmt.Errorf("element %d has %d bytes", i, e.valueSize)
	}
	value, err = p.bytes(e.value, e.valueSize)
	if err != nil || !e.bucket {
		return e, value, nil, err
	}
	sub = &Bucket{r: w.r, meta: w.meta}
	if sub.root, err = bucketRoot(p, e); err != nil || sub.root != 0 {
		return e, nil, sub, err
	}
	if len(value) < bucketSize+pageHeader {
		return e, nil, nil, errCutOff
	}
	in := &page{buf: value[bucketSize:], size: int64(len(value) - bucketSize)}
	if in.parse(); in.flags != flagLeaf {
		return e, nil, nil, fmt.Errorf("bucket %q has type %x where a leaf is due", e.key, in.flags)
	}
	sub.inline = in
	return e, nil, sub, nil
}

// between tells whether a key follows last, which the first one of a page may
// equal, and is below high.
func between(key, last, high []byte, first bool) bool {
	order := bytes.Compare(key, last)
	return len(key) > 0 && (order > 0 || first && order == 0) && (high == nil || bytes.Compare(key, high) < 0)
}
