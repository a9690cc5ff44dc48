package listing

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"time"
)

// Watch shows a picture again and again.
type Watch struct {
	Out   io.Writer
	Every time.Duration
	// Size is that of the terminal that Out is: a picture replaces the one
	// before, and of one that is too high the end is left out. Nil: Out is no
	// terminal, and the pictures follow each other.
	Size func() (columns, rows int)
}

// What a terminal is told: the cursor goes to the first column of the first
// line, a line is cleared, and all that is below. A line is cleared before its
// text is written: behind it, in a full line, that takes the last character.
const (
	home       = "\x1b[H"
	clearLine  = "\x1b[2K"
	clearBelow = "\x1b[J"
)

// Run draws until ctx ends, which is no error, or until draw fails. A picture
// is written when it is whole; one that is empty leaves what there was.
func (w Watch) Run(ctx context.Context, draw func(context.Context, io.Writer) error) error {
	ticks := time.NewTicker(w.Every)
	defer ticks.Stop()
	for {
		var picture bytes.Buffer
		err := draw(ctx, &picture)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := w.show(picture.String()); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return nil
		}
	}
}

func (w Watch) show(picture string) error {
	if picture == "" {
		return nil
	}
	if w.Size != nil {
		picture = w.replacing(picture)
	}
	_, err := io.WriteString(w.Out, picture)
	return err
}

// replacing is what turns the screen into the picture without a flicker.
func (w Watch) replacing(picture string) string {
	columns, rows := w.Size()
	lines := strings.Split(strings.TrimSuffix(picture, "\n"), "\n")
	if fits := rows - 1; fits > 1 && len(lines) > fits { // the cursor has the last line
		hidden := len(lines) - fits + 1
		lines = append(lines[:fits-1], fmt.Sprintf("... and %s more lines", Count(hidden)))
	}
	var b strings.Builder
	b.WriteString(home)
	for _, line := range lines {
		b.WriteString(clearLine + cut(line, max(0, columns)) + "\r\n")
	}
	b.WriteString(clearBelow)
	return b.String()
}
