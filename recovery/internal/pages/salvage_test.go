package pages

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"go.etcd.io/bbolt"
)

// salvaged is every value that a walk reaches, by its path, and how many gaps
// there are.
func salvaged(t testing.TB, b []byte) (values map[string]string, gaps int) {
	t.Helper()
	values = map[string]string{}
	root, err := Salvage(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return values, 1
	}
	var down func(b *Bucket, path string) error
	down = func(b *Bucket, path string) error {
		return b.Each(func(key, value []byte, sub *Bucket) error {
			if sub != nil {
				return down(sub, path+"/"+string(key))
			}
			values[path+"/"+string(key)] = string(value)
			return nil
		}, func(g Gap) {
			if g.Err == nil || g.From != nil && g.To != nil && bytes.Compare(g.From, g.To) > 0 {
				t.Errorf("gap %+v", g)
			}
			gaps++
		})
	}
	if err := down(root, ""); err != nil {
		t.Fatal(err)
	}
	return values, gaps
}

func contentOf(t testing.TB, path string) map[string]string {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	values := map[string]string{}
	var down func(b *bbolt.Bucket, path string) error
	down = func(b *bbolt.Bucket, path string) error {
		return b.ForEach(func(k, v []byte) error {
			if v == nil {
				return down(b.Bucket(k), path+"/"+string(k))
			}
			values[path+"/"+string(k)] = string(v)
			return nil
		})
	}
	if err := db.View(func(tx *bbolt.Tx) error {
		return tx.ForEach(func(name []byte, b *bbolt.Bucket) error { return down(b, "/"+string(name)) })
	}); err != nil {
		t.Fatal(err)
	}
	return values
}

func TestASoundFileIsSalvagedWhole(t *testing.T) {
	t.Parallel()
	for _, synced := range []bool{false, true} {
		path := writeFile(t, synced)
		got, gaps := salvaged(t, readFile(t, path))
		if want := contentOf(t, path); gaps > 0 || !maps.Equal(got, want) {
			t.Errorf("%d values of %d, %d gaps", len(got), len(want), gaps)
		}
	}
}

// TestOneDamagedPageCostsItsKeysOnly clears each page in turn.
func TestOneDamagedPageCostsItsKeysOnly(t *testing.T) {
	t.Parallel()
	path := writeFile(t, false)
	sound := readFile(t, path)
	whole := contentOf(t, path)
	most := 0
	for page := 2; page < len(sound)/os.Getpagesize(); page++ {
		b := bytes.Clone(sound)
		clear(b[page*os.Getpagesize():][:os.Getpagesize()])
		got, gaps := salvaged(t, b)
		for key, value := range got {
			if want, known := whole[key]; !known || value != want && len(value) < os.Getpagesize() { // a part of a large value has no header
				t.Fatalf("page %d: %s is another value", page, key)
			}
		}
		if len(got) < len(whole) && gaps == 0 {
			t.Fatalf("page %d: %d values of %d, and no gap tells", page, len(got), len(whole))
		}
		if len(got) > len(whole)/2 {
			most++
		}
	}
	if most == 0 {
		t.Error("no page left the others readable")
	}
}

// TestSalvageSurvivesAnything: whatever the bytes are, a walk ends, and hands out
// keys in order.
func TestSalvageSurvivesAnything(t *testing.T) {
	t.Parallel()
	sound := readFile(t, writeFile(t, true))
	rng := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		b := damage(rng, bytes.Clone(sound))
		root, err := Salvage(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			continue
		}
		inOrder(t, root, 0)
	}
}

func inOrder(t testing.TB, b *Bucket, depth int) {
	var keys [][]byte
	_ = b.Each(func(key, _ []byte, sub *Bucket) error {
		keys = append(keys, key)
		if sub != nil && depth < 5 {
			inOrder(t, sub, depth+1)
		}
		return nil
	}, func(Gap) {})
	if !slices.IsSortedFunc(keys, bytes.Compare) {
		t.Errorf("%d keys are not in order", len(keys))
	}
}

func FuzzSalvage(f *testing.F) {
	sound := readFile(f, writeFile(f, true))
	f.Add(uint32(8), []byte{0xff})
	f.Add(uint32(4096*2+16), []byte{1, 2, 3, 4, 5, 6, 7, 8})
	f.Fuzz(func(t *testing.T, at uint32, patch []byte) {
		b := bytes.Clone(sound)
		copy(b[int(at)%len(b):], patch)
		if root, err := Salvage(bytes.NewReader(b), int64(len(b))); err == nil {
			inOrder(t, root, 0)
		}
	})
}
