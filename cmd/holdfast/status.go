package main

import (
	"context"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/show"
)

func (w *world) status() *cli.Command {
	return &cli.Command{
		Name:  "status",
		Usage: "show on one screen whether all is well, and what is not",
		Description: "Offsets are told by how far they are ahead of the committed one, and jobs by what they wait\n" +
			"for. What is on a screen too low for all partitions is the worst of them.\n\n" +
			"holdfast status\n" +
			"holdfast status --config holdfast.yaml --watch",
		Flags: showFlags(),
		Action: func(c *cli.Context) error {
			layout := show.Status
			if c.Bool("watch") {
				layout = show.Screen
			}
			return w.show(c, func(ctx context.Context, n *connection, out io.Writer, f listing.Format) error {
				s, err := n.Status(ctx)
				if err != nil {
					return err
				}
				width, height := w.screenSize()
				if height == 0 {
					layout = show.Status
				}
				return draw(out, f, s, func() []string { return layout(s, width, max(0, height-headerLines)) })
			})
		},
	}
}

// headerLines are what a screen has beside a status: the header, and the prompt or
// the cursor.
const headerLines = 2

// screenSize is that of the terminal that stdout is; 0: it is none, and nothing is cut.
func (w *world) screenSize() (width, height int) {
	if size := terminalSize(w.stdout); size != nil {
		return size()
	}
	return 0, 0
}

// draw writes one thing: what it is as JSON, or lines about it.
func draw(out io.Writer, f listing.Format, thing any, lines func() []string) error {
	if f != listing.Table {
		return encode(out, f, thing)
	}
	_, err := io.WriteString(out, strings.Join(lines(), "\n")+"\n")
	return err
}
