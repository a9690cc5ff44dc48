package endtoend

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// An older copy of the data directory knows less than the group has committed:
// it must not work, and says what would run again.
func testRestoredCopy(t *testing.T, k *kafka) {
	topic, d := topicOf(t), newDiary()
	k.create(t, topic, 1)
	cfg := k.settings(t, bridge.Topic{Name: topic, Handler: d})
	work := func(n int) {
		t.Helper()
		k.produce(t, numbered(topic, 1, n)...)
		b := embed(t, cfg)
		k.waitCommitted(t, topic, topic)
		b.mustStop(t)
	}
	work(30)
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(cfg.DataDir)); err != nil {
		t.Fatal(err)
	}
	work(70)

	cfg.DataDir = copied
	held := make(chan error, 1)
	cfg.Hooks = &bridge.Hooks{Held: func(h bridge.Held) { held <- h.Err }}
	k.produce(t, numbered(topic, 1, 10)...)
	b := embed(t, cfg)
	err := <-held
	var conflict *recovery.Conflict
	if !errors.As(err, &conflict) || conflict.Kind != recovery.StaleCopy {
		t.Fatalf("held for %v", err)
	}
	for _, want := range []string{"this directory is an older copy of store", "has completions up to 30 only", fmt.Sprintf("runs again at most %d", 70+10)} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	b.mustStop(t)
	d.checkOnce(t, 100)
	if offsets, err := k.committed(topic, topic); err != nil || offsets[0] != 100 {
		t.Errorf("committed %v, %v", offsets, err)
	}
}
