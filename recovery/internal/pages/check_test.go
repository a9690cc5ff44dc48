package pages

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
)

// writeFile makes a file with every kind of page: branches, leaves, overflow,
// inline and nested buckets, free pages, and a freelist if synced.
func writeFile(t testing.TB, synced bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: !synced, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for round := range 3 {
		err := db.Update(func(tx *bbolt.Tx) error { return fill(tx, round) })
		if err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func fill(tx *bbolt.Tx, round int) error {
	top, err := tx.CreateBucketIfNotExists([]byte("top"))
	if err != nil {
		return err
	}
	inline, err := top.CreateBucketIfNotExists([]byte("inline"))
	if err != nil {
		return err
	}
	if err := inline.Put([]byte("k"), []byte("v")); err != nil {
		return err
	}
	many, err := top.CreateBucketIfNotExists([]byte("many"))
	if err != nil {
		return err
	}
	for i := range 600 {
		if err := many.Put(fmt.Appendf(nil, "key %05d", i), bytes.Repeat([]byte{byte(round)}, 50)); err != nil {
			return err
		}
	}
	big, err := top.CreateBucketIfNotExists(fmt.Appendf(nil, "big %d", round))
	if err != nil {
		return err
	}
	return big.Put([]byte("b"), make([]byte, 40<<10))
}

func check(b []byte) (Summary, error) {
	return Check(context.Background(), bytes.NewReader(b), int64(len(b)), nil)
}

func TestSoundFile(t *testing.T) {
	t.Parallel()
	for _, synced := range []bool{false, true} {
		t.Run(fmt.Sprintf("freelist=%v", synced), func(t *testing.T) {
			t.Parallel()
			path := writeFile(t, synced)
			b := readFile(t, path)
			got, err := check(b)
			if err != nil {
				t.Fatal(err)
			}
			db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true})
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			var pages int64
			db.View(func(tx *bbolt.Tx) error { pages = tx.Size() / got.PageSize; return nil })
			want := (pages - int64(db.Stats().FreePageN)) * got.PageSize
			if got.Live != want || got.Size != int64(len(b)) {
				t.Errorf("got %+v, want %d live of %d", got, want, len(b))
			}
		})
	}
}

func TestDamagedFile(t *testing.T) {
	t.Parallel()
	sound := readFile(t, writeFile(t, true))
	m, err := readMeta(bytes.NewReader(sound), int64(len(sound)))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		damage func(b []byte) []byte
		want   string
	}{
		"empty":             {func(b []byte) []byte { return nil }, "the file is empty"},
		"short":             {func(b []byte) []byte { return b[:100] }, "cut off"},
		"one meta page":     {func(b []byte) []byte { return b[:m.pageSize] }, "cut off"},
		"other file":        {func(b []byte) []byte { return bytes.Repeat([]byte("text "), 10000) }, "not a bbolt file"},
		"cut in the middle": {func(b []byte) []byte { return b[:len(b)/2] }, "cut off"},
		"both metas": {func(b []byte) []byte {
			b[pageHeader+20]++
			b[m.pageSize+pageHeader+20]++
			return b
		}, "checksum does not match"},
		"root of zeroes":     {func(b []byte) []byte { clear(b[int64(m.root)*m.pageSize:][:m.pageSize]); return b }, "it says that it is page 0"},
		"root of wrong type": {func(b []byte) []byte { b[int64(m.root)*m.pageSize+8] = flagFreelist; return b }, "type 10 where a branch or a leaf"},
		"root overflows":     {func(b []byte) []byte { b[int64(m.root)*m.pageSize+15] = 0xff; return b }, "overflow pages reach beyond"},
		"root counts more":   {func(b []byte) []byte { b[int64(m.root)*m.pageSize+11] = 0xff; return b }, "reaches beyond the page"},
		"page moved": {func(b []byte) []byte {
			copy(b[int64(m.root)*m.pageSize:][:m.pageSize], b[int64(m.freelist)*m.pageSize:])
			return b
		}, "it says that it is page"},
		"freelist names a used page": {func(b []byte) []byte {
			binary.NativeEndian.PutUint64(b[int64(m.freelist)*m.pageSize+pageHeader:], m.root)
			return b
		}, "is in use"},
		"meta beyond the file": {func(b []byte) []byte {
			for _, page := range []int64{0, 1} {
				head := b[page*m.pageSize+pageHeader:]
				binary.NativeEndian.PutUint64(head[40:], 1<<40)
				h := fnv.New64a()
				h.Write(head[:metaSummed])
				binary.NativeEndian.PutUint64(head[metaSummed:], h.Sum64())
			}
			return b
		}, "cut off"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := check(test.damage(bytes.Clone(sound)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestOneUsableMetaPageIsEnough(t *testing.T) {
	t.Parallel()
	sound := readFile(t, writeFile(t, false))
	for _, page := range []int{0, 1} {
		b := bytes.Clone(sound)
		clear(b[page*os.Getpagesize():][:100])
		if _, err := check(b); err != nil {
			t.Errorf("without meta page %d: %v", page, err)
		}
	}
}

func TestCancelledCheckSaysSo(t *testing.T) {
	t.Parallel()
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(cause)
	c := &checker{ctx: ctx, visits: 1023}
	if _, err := c.read(2); !errors.Is(err, cause) {
		t.Error(err)
	}
}

// TestWhatPassesCanBeOpened is the point of the package: random damage that
// Check lets through must not make bbolt panic, which would end this process.
func TestWhatPassesCanBeOpened(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "damaged")
	passed := 0
	for _, synced := range []bool{false, true} {
		sound := readFile(t, writeFile(t, synced))
		rng := rand.New(rand.NewPCG(1, 2))
		for range 400 {
			b := damage(rng, bytes.Clone(sound))
			if _, err := check(b); err != nil {
				continue
			}
			passed++
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			walk(t, path)
		}
	}
	if passed < 50 || passed > 750 {
		t.Errorf("%d of 800 damaged files passed: the damage is too hard or too soft", passed)
	}
}

// damage changes a few bytes, most of them in what structures the file.
func damage(rng *rand.Rand, b []byte) []byte {
	for range 1 + rng.IntN(3) {
		page := rng.IntN(len(b)/os.Getpagesize()) * os.Getpagesize()
		at := page + rng.IntN(64)
		if rng.IntN(3) == 0 {
			at = page + rng.IntN(os.Getpagesize())
		}
		b[at] = byte(rng.UintN(256))
	}
	if rng.IntN(10) == 0 {
		b = b[:rng.IntN(len(b))]
	}
	return b
}

// headOfMeta is a complaint of bbolt's check alone: one of the two meta pages
// may be torn, and the next commits write it anew.
var headOfMeta = regexp.MustCompile(`Page expected to be: [01],|page [01]: has unexpected type`)

// walk opens a file as a store does, and reads and writes all of it.
func walk(t *testing.T, path string) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{NoFreelistSync: true, FreelistType: bbolt.FreelistMapType, NoSync: true})
	if err != nil {
		t.Fatalf("passed, but: %v", err)
	}
	defer db.Close()
	err = db.Update(func(tx *bbolt.Tx) error {
		for err := range tx.Check() {
			if !headOfMeta.MatchString(err.Error()) {
				t.Errorf("passed, but bbolt finds: %v", err)
			}
		}
		if err := tx.ForEach(func(_ []byte, b *bbolt.Bucket) error { return touch(b) }); err != nil {
			return err
		}
		return fill(tx, 9)
	})
	if err != nil && !strings.Contains(err.Error(), "incompatible value") { // a name that became a plain key is no damage of the tree
		t.Errorf("passed, but: %v", err)
	}
}

func touch(b *bbolt.Bucket) error {
	return b.ForEach(func(k, v []byte) error {
		if v == nil {
			return touch(b.Bucket(k))
		}
		_ = bytes.Count(v, []byte{0})
		return nil
	})
}

func FuzzCheck(f *testing.F) {
	sound := readFile(f, writeFile(f, true))
	f.Add(uint32(8), []byte{0xff})
	f.Add(uint32(4096+16), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		b := bytes.Clone(sound)
		copy(b[int(at)%len(b):], patch)
		if s, err := check(b); err == nil && s.Live > s.Size {
			t.Errorf("%+v", s)
		}
	})
}

func readFile(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
