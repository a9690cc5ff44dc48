package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

func TestWhatWasLeftOutIsSummedUp(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	l := newLeftOut(slog.New(slog.NewTextHandler(&out, nil)))
	now := time.Unix(1000, 0)
	for range 90 {
		l.note(now, bridge.Dropped{Topic: "orders", Records: 2, Reason: "filtered"})
		l.note(now, bridge.Dropped{Topic: "bills", Records: 1, Reason: "expired"})
		now = now.Add(time.Second)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 2 || !strings.Contains(out.String(), `filtered=120 expired=60 topics="map[bills:60 orders:120]"`) {
		t.Errorf("%d lines:\n%s", lines, &out)
	}
}
