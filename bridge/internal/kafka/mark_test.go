package kafka_test

import (
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/kafka"
)

func TestAClientIDCarriesTheOpening(t *testing.T) {
	t.Parallel()
	o := kafka.Opening{Store: "hp5zvfyxkz3wcrvw4rq2xkkdgm", Epoch: 17, Nonce: "ab3c7pqz"}
	for _, name := range []string{"holdfast", "a.store-b.1.c.2", ""} {
		text := kafka.Mark(o, name, 90*time.Second)
		got, opening, session, ok := kafka.ReadMark(text)
		if !ok || got != name || opening != o || session != 90*time.Second {
			t.Errorf("%s: %q, %+v, %v, %v", text, got, opening, session, ok)
		}
	}
	if text := kafka.Mark(kafka.Opening{}, "holdfast", time.Second); text != "holdfast" {
		t.Errorf("without a store: %s", text)
	}
}

func FuzzReadMark(f *testing.F) {
	f.Add("holdfast.store-k3v0.7.ab3c7pqz.60000")
	f.Add("holdfast.store-k3v0.7.ab3c7pqz.99999999999999999999")
	f.Add("holdfast.store-.-1..")
	f.Fuzz(func(t *testing.T, text string) {
		name, o, session, ok := kafka.ReadMark(text)
		if !ok {
			if name != text || o != (kafka.Opening{}) || session != 0 {
				t.Errorf("%q: not a mark, and %q, %+v, %v", text, name, o, session)
			}
			return
		}
		if session < 0 {
			t.Errorf("%q: %v", text, session)
		}
		again, p, s, ok := kafka.ReadMark(kafka.Mark(o, name, session))
		if o.Store != "" && (!ok || again != name || p != o || s != session) {
			t.Errorf("%q: %q, %+v, %v", text, again, p, s)
		}
	})
}
