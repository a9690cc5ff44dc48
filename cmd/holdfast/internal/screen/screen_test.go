package screen

import (
	"fmt"
	"strings"
	"testing"
)

func wide() int { return 80 }

func TestStatusStaysBelow(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	s := New(&out, wide)
	fmt.Fprintln(s, "first")
	s.Show("1 running")
	fmt.Fprintln(s, "second")
	s.Show("2 running")
	s.Clear()
	s.Clear()
	fmt.Fprintln(s, "third")
	want := "first\n" + clearLine + "1 running" + clearLine + "second\n1 running" + clearLine + "2 running" + clearLine + "third\n"
	if out.String() != want {
		t.Errorf("written %q, want %q", out.String(), want)
	}
}

func TestBeside(t *testing.T) {
	t.Parallel()
	var both strings.Builder // the terminal that both streams are
	s := New(&both, wide)
	s.Show("status")
	fmt.Fprintln(s.Beside(&both), "a job")
	if want := clearLine + "status" + clearLine + "a job\nstatus"; both.String() != want {
		t.Errorf("written %q, want %q", both.String(), want)
	}
}

func TestNarrow(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		width int
		want  string
	}{{5, "größ"}, {100, "größer"}, {0, "größer"}} {
		var out strings.Builder
		New(&out, func() int { return tt.width }).Show("größer")
		if got := strings.TrimPrefix(out.String(), clearLine); got != tt.want {
			t.Errorf("at width %d: %q, want %q", tt.width, got, tt.want)
		}
	}
}
