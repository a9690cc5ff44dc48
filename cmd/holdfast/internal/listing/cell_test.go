package listing

import (
	"testing"
	"time"
)

func TestCells(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 31, 8, 0, 0, 0, time.Local)
	for _, tt := range []struct{ got, want string }{
		{Line(" a\tb\n\x1b[31mred\x00 é\xff "), `a b \x1b[31mred\x00 é�`},
		{Key(nil), "(null)"},
		{Key([]byte{}), `""`},
		{Key([]byte("cust-17")), "cust-17"},
		{Key([]byte{0, 255}), "0x00ff"},
		{Key([]byte("a\nb")), `"a\nb"`},
		{Key([]byte(" a")), `" a"`},
		{Lane("a", false), "a"},
		{Lane("", true), "(own)"},
		{Count(0), "0"},
		{Count(999), "999"},
		{Count(int64(-1234567)), "-1,234,567"},
		{Offset(-1), "-"},
		{Offset(118204), "118204"},
		{Bytes(0), "0 B"},
		{Bytes(1536), "1.5 KiB"},
		{Bytes(30 << 30), "30.0 GiB"},
		{Time(time.Time{}), "-"},
		{Time(at), "2026-01-31 08:00:00"},
		{Age(time.Time{}, at), "-"},
		{Age(at, at.Add(-time.Hour)), "0s"},
		{Age(at, at.Add(3*time.Hour+12*time.Minute+30*time.Second)), "3h12m"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0s": "0s", "250us": "250µs", "1234us": "1ms", "400ms": "400ms", "1500ms": "1.5s", "31s": "31s", "91s": "1m31s", "5m": "5m",
		"5h2m": "5h02m", "9h0m10s": "9h", "75h": "3d03h", "528h": "22d", "-90s": "-1m30s",
	} {
		d, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := Duration(d); got != want {
			t.Errorf("%s is %s, want %s", text, got, want)
		}
	}
}
