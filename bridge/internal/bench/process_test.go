package bench

import (
	"fmt"
	"path/filepath"
	"testing"

	"go.etcd.io/bbolt"
)

func TestTransactionsAreReadWhileTheStoreIsOpen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "store.db")
	if n := transactions(path); n != 0 {
		t.Errorf("%d transactions of no file", n)
	}
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	before := transactions(path)
	for i := range 5 {
		if err := db.Update(func(tx *bbolt.Tx) error {
			_, err := tx.CreateBucket(fmt.Append(nil, i))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if n := transactions(path) - before; n != int64(i+1) {
			t.Errorf("%d transactions after %d updates", n, i+1)
		}
	}
}
