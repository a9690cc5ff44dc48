package config

import (
	"math"
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want time.Duration
		back string
	}{
		{"10ms", 10 * time.Millisecond, "10ms"},
		{"0", 0, "0s"},
		{"45s", 45 * time.Second, "45s"},
		{"90s", 90 * time.Second, "1m30s"},
		{"60m", time.Hour, "1h"},
		{"2h30m", 150 * time.Minute, "2h30m"},
		{"1h0m5s", time.Hour + 5*time.Second, "1h0m5s"},
		{"30d", 30 * day, "30d"},
		{"1.5d", 36 * time.Hour, "1d12h"},
		{"1d12h", 36 * time.Hour, "1d12h"},
	} {
		got, err := parseDuration(tt.text)
		if err != nil || got != tt.want {
			t.Errorf("%s is %v, %v; want %v", tt.text, got, err, tt.want)
		}
		if back := formatDuration(got); back != tt.back {
			t.Errorf("%s is written %s, want %s", tt.text, back, tt.back)
		}
	}
	for _, text := range []string{"", "d", "10", "-1s", "-1d", "nand", "infd", "1e300d", "106751d23h", "1d-2h", "1h1d"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is %v, want an error", text, got)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want int64
		back string
	}{
		{"0", 0, "0B"},
		{"262144", 256 << 10, "256KiB"},
		{"100B", 100, "100B"},
		{"1.5GiB", 3 << 29, "1536MiB"},
		{"1 TiB", 1 << 40, "1TiB"},
		{"9223372036854775807", math.MaxInt64, "9223372036854775807B"},
	} {
		got, err := parseSize(tt.text)
		if err != nil || got != tt.want {
			t.Errorf("%s is %d, %v; want %d", tt.text, got, err, tt.want)
		}
		if back := formatSize(got); back != tt.back {
			t.Errorf("%s is written %s, want %s", tt.text, back, tt.back)
		}
	}
	for _, text := range []string{"", "B", "-1", "1MB", "NaN", "InfKiB", "9223372036854775808", "8388608TiB"} {
		if got, err := parseSize(text); err == nil {
			t.Errorf("%q is %d, want an error", text, got)
		}
	}
}

func FuzzDuration(f *testing.F) {
	for _, s := range []string{"10ms", "1.5d2h", "d", "1e9d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseDuration(s)
		if err != nil {
			return
		}
		if again, err := parseDuration(formatDuration(d)); err != nil || again != d {
			t.Errorf("%q is %v, written %s, which is %v, %v", s, d, formatDuration(d), again, err)
		}
	})
}

func FuzzSize(f *testing.F) {
	for _, s := range []string{"256MiB", "1.5GiB", "0", "1e3B"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := parseSize(s)
		if err != nil {
			return
		}
		if again, err := parseSize(formatSize(n)); n < 0 || err != nil || again != n {
			t.Errorf("%q is %d, written %s, which is %d, %v", s, n, formatSize(n), again, err)
		}
	})
}
