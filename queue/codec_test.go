package queue

import (
	"bytes"
	"errors"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"go.etcd.io/bbolt"
	"pgregory.net/rapid"
)

// boundedAllocs fails when f allocates much more than the input that it
// decodes could stand for; msgpack reads long strings by the MiB. Nothing else
// may run beside it.
func boundedAllocs(t testing.TB, input int, f func()) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if n, limit := after.TotalAlloc-before.TotalAlloc, uint64(input)*64+4<<20; n > limit {
		t.Errorf("%d bytes allocated for %d bytes of input", n, input)
	}
}

// framings are the input as it is, and as the payload of a sound frame: damage
// that a checksum finds, and damage that it does not.
func framings(b []byte) [][]byte { return [][]byte{b, appendFrame(nil, b)} }

func FuzzOpenFrame(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("payload"))
	f.Add(appendFrame(nil, []byte("payload")))
	f.Add([]byte{1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		payload, size, err := openFrame(b)
		if err == nil && !bytes.Equal(appendFrame(nil, payload), b[:size]) {
			t.Errorf("the frame of %x is not %x", payload, b[:size])
		}
		frame := appendFrame(nil, b)
		if payload, err := openWhole(frame); err != nil || !bytes.Equal(payload, b) {
			t.Errorf("%x came back as %x, %v", b, payload, err)
		}
		if _, err := openWhole(append(frame, 0)); err == nil {
			t.Error("a byte behind the frame went unnoticed")
		}
	})
}

func TestAFrameShowsEveryChangedBit(t *testing.T) {
	t.Parallel()
	frame := appendFrame(nil, []byte("some payload"))
	for i := range len(frame) * 8 {
		frame[i/8] ^= 1 << (i % 8)
		if _, err := openWhole(frame); err == nil {
			t.Errorf("bit %d of byte %d", i%8, i/8)
		}
		frame[i/8] ^= 1 << (i % 8)
	}
	for i := range frame {
		if _, _, err := openFrame(frame[:i]); err == nil {
			t.Errorf("cut at %d", i)
		}
	}
}

func FuzzDecodeBody(f *testing.F) {
	w := newBodyWriter()
	rec := record(7, "lane")
	rec.Headers = []Header{{"h", nil}, {"", []byte{}}}
	w.add(&rec, 1)
	f.Add(w.buf[frameHeader:])
	f.Add([]byte{0x99, 1, 1, 0, 0, 1, 0xc0, 0xc0, 0xc0, 0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x99, 1, 1, 0, 0, 1, 0xc6, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range framings(b) {
			boundedAllocs(t, len(b), func() {
				rec, scheme, err := decodeBody(b)
				if err != nil {
					return
				}
				w := newBodyWriter()
				w.add(&rec, scheme)
				again, s, err := decodeBody(w.buf)
				if err != nil || s != scheme || !sameRecord(&again, &rec) {
					t.Errorf("%+v came back as %+v, %v", rec, again, err)
				}
			})
		}
	})
}

// TestBodyComesBackAsItWent also checks where key and value are said to be.
func TestBodyComesBackAsItWent(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.Just([]byte(nil)), rapid.SliceOf(rapid.Byte()))
	rapid.Check(t, func(t *rapid.T) {
		w := newBodyWriter()
		w.buf = append(w.buf, make([]byte, rapid.IntRange(0, 5).Draw(t, "position"))...)
		rec := Record{
			Offset: rapid.Int64Min(0).Draw(t, "offset"), Timestamp: rapid.Int64Min(-1).Draw(t, "timestamp"),
			Key: text.Draw(t, "key"), Value: text.Draw(t, "value"),
			Lane: Lane{rapid.Uint64().Draw(t, "lane"), text.Draw(t, "name"), rapid.Bool().Draw(t, "own")},
		}
		if rapid.Bool().Draw(t, "named by key") {
			rec.Lane.Name = rec.Key
		}
		for range rapid.IntRange(0, 3).Draw(t, "headers") {
			rec.Headers = append(rec.Headers, Header{rapid.String().Draw(t, "header"), text.Draw(t, "header value")})
		}
		scheme := rapid.Uint16().Draw(t, "scheme")
		at := w.add(&rec, scheme)
		got, s, err := decodeBody(w.buf[at.row.pos:])
		if err != nil || s != scheme || !sameRecord(&got, &rec) || at.row.offset != rec.Offset || at.row.lane != rec.Lane.ID {
			t.Fatalf("%+v came back as %+v, scheme %d, row %+v, %v", rec, got, s, at.row, err)
		}
		if !bytes.HasPrefix(w.buf[at.key:], rec.Key) || !bytes.HasPrefix(w.buf[at.value:], rec.Value) {
			t.Fatalf("key at %d and value at %d of %x", at.key, at.value, w.buf)
		}
	})
}

func TestLaterElementsOfABodyAreIgnored(t *testing.T) {
	t.Parallel()
	rec := record(7, "lane")
	w := newBodyWriter()
	w.add(&rec, 0)
	payload := bytes.Clone(w.buf[frameHeader:])
	payload[0]++ // one more element
	payload = append(payload, 0xa3, 'n', 'e', 'w')
	got, _, err := decodeBody(appendFrame(nil, payload))
	if err != nil || !sameRecord(&got, &rec) {
		t.Errorf("%+v, %v", got, err)
	}
}

func FuzzOpenRows(f *testing.F) {
	rows := appendRow(appendRow(nil, row{offset: 3, lane: 4, length: 10}), row{offset: 5, lane: 4, pos: 10, length: 20})
	f.Add(rows)
	f.Add(rows[:rowSize])
	f.Add(rows[:rowSize+1])
	f.Add(append(rows[rowSize:], rows[:rowSize]...))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range framings(b) {
			_ = peekRows(b).len()
			rs, err := openRows(b)
			if err != nil {
				continue
			}
			var again []byte
			for i := range rs.len() {
				again = appendRow(again, rs.at(i))
				if at, ok := rs.find(rs.offset(i)); !ok || at != i {
					t.Errorf("row %d was found at %d, %v", i, at, ok)
				}
			}
			if !bytes.Equal(again, rs) {
				t.Errorf("%x came back as %x", []byte(rs), again)
			}
		}
	})
}

func FuzzOpenBitmap(f *testing.F) {
	f.Add([]byte{0xff, 0x01})
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range framings(b) {
			done, err := openBitmap(b)
			if err != nil {
				continue
			}
			for i := range len(done)*8 + 9 {
				if done.has(i) != (i/8 < len(done) && done[i/8]>>(i%8)&1 == 1) {
					t.Errorf("bit %d of %x", i, []byte(done))
				}
			}
		}
	})
}

// FuzzDecodeValue decodes every kind of small value from the same bytes.
func FuzzDecodeValue(f *testing.F) {
	for _, v := range []any{
		stateValue{1, 2, -1, "id", 3, "scheme", 4, &seekValue{5, true, "id", 6, 7, true, true}, 8, "in", 9}, noteValue{Attempts: 4, Due: 5, Delay: 6, Halted: true, Error: "error", Crashes: 7, Rerun: 8, History: failures{{1, 7, "x"}, {3, 8, "error"}, {4, 9, "error"}}}, identityValue{"c", "g", "s", 6},
	} {
		value, err := encodeValue(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value[frameHeader:])
	}
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x81, 0xa5, 'e', 'r', 'r', 'o', 'r', 0xdb, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0x81, 0xa3, 'n', 'e', 'w', 0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Add([]byte{0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Add(append([]byte{0x81, 0xa3, 'n', 'e', 'w'}, bytes.Repeat([]byte{0x91}, 10_000)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range framings(b) {
			for _, v := range []any{&stateValue{}, &noteValue{}, &identityValue{}} {
				boundedAllocs(t, len(b), func() {
					if decodeValue(b, v) != nil {
						return
					}
					value, err := encodeValue(v)
					if err != nil {
						t.Fatal(err)
					}
					again := reflect.New(reflect.TypeOf(v).Elem()).Interface()
					if err := decodeValue(value, again); err != nil || !reflect.DeepEqual(again, v) {
						t.Errorf("%+v came back as %+v, %v", v, again, err)
					}
				})
			}
		}
	})
}

func TestAValueAboveTheBoundIsNotDecoded(t *testing.T) {
	t.Parallel()
	value, err := encodeValue(noteValue{Error: strings.Repeat("x", maxValue)})
	if err != nil {
		t.Fatal(err)
	}
	if err := decodeValue(value, &noteValue{}); err == nil {
		t.Error("decoded")
	}
}

func FuzzRebuildRows(f *testing.F) {
	w := newBodyWriter()
	for _, rec := range records(3, "a", "b", "") {
		w.add(&rec, 2)
	}
	f.Add(w.buf)
	f.Add(w.buf[:len(w.buf)-1])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		boundedAllocs(t, len(b), func() {
			rs, err := rebuildRows(b)
			if err != nil {
				return
			}
			for i := range rs.len() {
				r := rs.at(i)
				if rec, err := bodyAt(b, rs, r.offset); err != nil || rec.Lane.ID != r.lane {
					t.Errorf("row %+v leads to %+v, %v", r, rec, err)
				}
			}
			if _, err := openRows(appendFrame(nil, rs)); err != nil {
				t.Errorf("rebuilt rows: %v", err)
			}
		})
	})
}

func TestRebuiltRowsAreThoseThatWereWritten(t *testing.T) {
	t.Parallel()
	w := newBodyWriter()
	var want []byte
	for _, rec := range records(3, "a", "b", "", "a") {
		r := w.add(&rec, 2).row
		r.flags &= flagOwn // the other one only concerns the body
		want = appendRow(want, r)
	}
	got, err := rebuildRows(w.buf)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("rebuilt %x, %v; want %x", []byte(got), err, want)
	}
	for i := range w.buf {
		w.buf[i]++
		if _, err := rebuildRows(w.buf); err == nil {
			t.Errorf("byte %d was changed without notice", i)
		}
		w.buf[i]--
	}
}

func FuzzReadIdentity(f *testing.F) {
	path := filepath.Join(f.TempDir(), FileName)
	if err := Create(path, Identity{Cluster: "c", Group: "g", StoreID: "s"}); err != nil {
		f.Fatal(err)
	}
	db, err := OpenFile(path, false)
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	identity, err := encodeValue(identityValue{"c", "g", "s", 6})
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte("1"), identity)
	f.Add([]byte("2"), identity)
	f.Add([]byte("0"), identity)
	f.Add([]byte("-1"), []byte{})
	f.Add([]byte("1"), identity[:9])
	f.Fuzz(func(t *testing.T, format, identity []byte) {
		tx, err := db.Begin(true)
		must(t, err)
		defer tx.Rollback()
		meta := tx.Bucket(bucketMeta)
		must(t, meta.Put(keyFormat, format))
		must(t, meta.Put(keyIdentity, identity))
		id, err := readIdentity(tx)
		var damage *DamageError
		switch {
		case err == nil && id.Format != FormatVersion:
			t.Errorf("format %q was taken for version %d", format, id.Format)
		case err != nil && !errors.As(err, &damage) && !errors.Is(err, ErrNewerFormat):
			t.Errorf("format %q, identity %x: %v", format, identity, err)
		}
	})
}

func TestAFileWithoutTheBucketsOfAStoreIsNone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), FileName)
	db, err := OpenFile(path, false)
	must(t, err)
	_, err = ReadIdentity(db)
	wantIs(t, "identity of an empty file", err, ErrNotStore)
	must(t, db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucket(bucketMeta)
		return err
	}))
	must(t, db.Close())
	_, err = Open(path, Options{})
	wantIs(t, "open of a file with an empty meta bucket", err, ErrNotStore)
}

func TestANewerFormatIsRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, Options{})
	must(t, r.Close())
	db, err := OpenFile(r.path, false)
	must(t, err)
	must(t, db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put(keyFormat, []byte("2"))
	}))
	must(t, db.Close())
	_, err = Open(r.path, Options{})
	wantIs(t, "open", err, ErrNewerFormat)
}
