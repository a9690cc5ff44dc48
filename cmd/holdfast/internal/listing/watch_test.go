package listing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// watch shows the pictures, and ends with the last of them.
func watch(t *testing.T, w Watch, pictures ...string) string {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out strings.Builder
	w.Out, w.Every = &out, time.Millisecond
	err := w.Run(ctx, func(_ context.Context, picture io.Writer) error {
		if len(pictures) == 0 {
			stop()
			return errors.New("this comes after the end")
		}
		_, err := io.WriteString(picture, pictures[0])
		pictures = pictures[1:]
		return err
	})
	if err != nil {
		t.Errorf("it ends with %v", err)
	}
	return out.String()
}

func TestPicturesFollowEachOther(t *testing.T) {
	t.Parallel()
	if got := watch(t, Watch{}, "first\n", "", "second\n"); got != "first\nsecond\n" {
		t.Errorf("written %q", got)
	}
}

func TestPictureReplacesTheOneBefore(t *testing.T) {
	t.Parallel()
	size := func() (int, int) { return 6, 4 }
	got := watch(t, Watch{Size: size}, "one\ntwo\n", "", "größer als\n", "1\n2\n3\n4\n5\n")
	line := func(text string) string { return clearLine + text + "\r\n" }
	want := home + line("one") + line("two") + clearBelow +
		home + line("größe…") + clearBelow +
		home + line("1") + line("2") + line("... a…") + clearBelow
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWatchEndsWithTheErrorOfAPicture(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	var out strings.Builder
	err := Watch{Out: &out, Every: time.Hour}.Run(t.Context(), func(_ context.Context, w io.Writer) error {
		fmt.Fprintln(w, "half of")
		return broken
	})
	if !errors.Is(err, broken) || out.Len() > 0 {
		t.Errorf("error %v, written %q", err, out.String())
	}
}
