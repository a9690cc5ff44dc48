package recovery

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
)

func TestVerifySoundStore(t *testing.T) {
	t.Parallel()
	_, path := newStore(t, 2000)
	before := readFile(t, path)
	for _, deep := range []bool{false, true} {
		report, err := Verify(context.Background(), path, deep)
		if err != nil || len(report.Damaged) > 0 {
			t.Fatalf("deep=%v: %+v, %v", deep, report, err)
		}
		if report.Identity.Group != "billing" || report.Size != int64(len(before)) || report.Live == 0 || report.Live > report.Size {
			t.Errorf("deep=%v: %+v", deep, report)
		}
	}
	if !bytes.Equal(before, readFile(t, path)) {
		t.Error("verifying changed the file")
	}
}

func TestVerifyNamesTheDamagedJob(t *testing.T) {
	t.Parallel()
	dir, path := newStore(t, 2000)
	b := readFile(t, path)
	at := bytes.Index(b, []byte("value of job 77"))
	if at < 0 {
		t.Fatal("no such body in the file")
	}
	b[at] ^= 1
	writeFile(t, path, b)

	report, err := Verify(context.Background(), path, false)
	if err != nil || len(report.Damaged) != 0 {
		t.Errorf("without deep: %v, %v", report.Damaged, err)
	}
	report, err = Verify(context.Background(), path, true)
	if err != nil || len(report.Damaged) != 1 || report.Damaged[0].Where != "orders/3@177" {
		t.Errorf("deep: %v, %v", report.Damaged, err)
	}
	wantJobs(t, dir, 2000) // one damaged job does not keep the rest from working
}

func TestVerifyUnusableFile(t *testing.T) {
	t.Parallel()
	_, path := newStore(t, 2000)
	truncate(t, path, 40<<10)
	if _, err := Verify(context.Background(), path, false); !errors.Is(err, ErrDamaged) {
		t.Errorf("cut off: %v", err)
	}
	if _, err := Verify(context.Background(), filepath.Join(t.TempDir(), "no"), true); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDamaged) {
		t.Errorf("missing: %v", err)
	}
}

func TestCancelledVerify(t *testing.T) {
	t.Parallel()
	_, path := newStore(t, 10)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Verify(ctx, path, true); !errors.Is(err, context.Canceled) || errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}
