package words

import (
	"fmt"
	"testing"
	"time"
)

// Errors that differ in ids and times are of one kind; a status makes another.
func TestErrorKind(t *testing.T) {
	t.Parallel()
	same := [][2]string{
		{"no answer within 30s: deadline exceeded", "no answer within 1m30.5s: deadline exceeded"},
		{"read tcp 10.0.0.1:41230->10.0.0.2:443: reset", "read tcp 10.0.0.1:51234->10.0.0.2:443: reset"},
		{"child 4711 ended: exit status 1", "child 50123 ended: exit status 1"},
		{"order 2c5ea4c0-4067-11e9-8bad-9b1deb4d3b7d is locked", "order 9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d is locked"},
		{"http 409 in 12ms", "http 409 in 980ms"},
	}
	for _, pair := range same {
		if a, b := ErrorKind(pair[0]), ErrorKind(pair[1]); a != b {
			t.Errorf("%q and %q are told apart: %q, %q", pair[0], pair[1], a, b)
		}
	}
	for _, pair := range [][2]string{
		{"http 409 from https://billing/charge", "http 503 from https://billing/charge"},
		{"exit status 1", "exit status 2"},
	} {
		if a := ErrorKind(pair[0]); a == ErrorKind(pair[1]) {
			t.Errorf("%q and %q are taken for one: %q", pair[0], pair[1], a)
		}
	}
}

func TestTimesAmountsAndKeysAsPeopleSayThem(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 6, 1, 12, 0, 0, 0, time.Local)
	for _, c := range [][2]string{
		{Span(-time.Second), "0ms"},
		{Span(59 * time.Second), "59s"},
		{Span(3*time.Hour + 12*time.Minute), "3h12m"},
		{Span(2 * time.Hour), "2h"},
		{Span(3*24*time.Hour + time.Hour), "3d01h"},
		{Span(22*24*time.Hour + time.Hour), "22d"},
		{Roughly(100 * time.Minute), "100 minutes"},
		{Roughly(0), "a moment"},
		{Moment(noon, noon.Add(time.Hour)), "12:00:00"},
		{Moment(noon, noon.AddDate(0, 0, 1)), "Jun 1 12:00"},
		{Moment(noon, noon.AddDate(1, 0, 0)), "2026-06-01 12:00"},
		{Until(noon, noon), "now"},
		{Until(noon.Add(time.Minute), noon), "at 12:01:00, in 1m"},
		{Number(1, "job"), "1 job"},
		{AreNumber(41, "job"), "41 jobs are"},
		{Amount(1023), "1023 B"},
		{Amount(3 << 29), "1.5 GiB"},
		{Short(" first\nsecond", 80), "first ..."},
		{Short("grün", 3), "gr ..."},
		{KeyFlag([]byte("it's")), `--key 'it'\''s'`},
		{KeyFlag([]byte{0xff}), "--key-hex ff"},
		{LaneFlag("-x"), "--lane '-x'"},
		{Shown(nil), "null"},
		{Shown([]byte{}), `""`},
		{Shown([]byte(" \n")), `" \n"`},
		{Shown([]byte{0xff, 0}), "0xff00"},
		{Upper("all"), "All"},
	} {
		if c[0] != c[1] {
			t.Errorf("%q, not %q", c[0], c[1])
		}
	}
}

func ExampleSpan() {
	fmt.Printf("Not moved for %s: %s behind it, %s.\n", Span(11520*time.Second), Number(41, "job"), Amount(20_971_520))
	// Output: Not moved for 3h12m: 41 jobs behind it, 20.0 MiB.
}
