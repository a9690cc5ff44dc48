package reference

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/urfave/cli/v2"
)

func exampleApp() *cli.App {
	return &cli.App{
		Name:  "mill",
		Usage: "grind things",
		Commands: []*cli.Command{
			{
				Name: "grind", Usage: "grind grain | salt",
				Description: "It grinds\nuntil it is done.\n\n.dots lead no line astray.\n\nmill grind --grain rye\nmill grind --loud",
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "grain", Usage: "`NAME` of the \"grain\"", Value: "rye"},
					&cli.IntFlag{Name: "turns", Usage: "`N` turns"},
					&cli.BoolFlag{Name: "loud", Usage: "say so"},
					&cli.BoolFlag{Name: "secret", Hidden: true},
				},
			},
			{Name: "wheel", Subcommands: []*cli.Command{{Name: "turn", Usage: "turn it"}}},
			{Name: "hidden", Hidden: true},
		},
	}
}

func TestCommandsAreDescribed(t *testing.T) {
	t.Parallel()
	got := Of(exampleApp(), []Exit{{0, "done"}})
	want := Manual{
		Name: "mill", Usage: "grind things", Exits: []Exit{{0, "done"}},
		Commands: []Command{
			{
				Name: "mill grind", Usage: "grind grain | salt",
				Description: []string{"It grinds until it is done.", ".dots lead no line astray."},
				Examples:    []string{"mill grind --grain rye", "mill grind --loud"},
				Flags: []Flag{
					{Name: "grain", Value: "NAME", Usage: `NAME of the "grain"`, Default: `"rye"`},
					{Name: "turns", Value: "N", Usage: "N turns"},
					{Name: "loud", Usage: "say so"},
				},
			},
			{Name: "mill wheel turn", Usage: "turn it"},
		},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestMarkdownLinksItsCommands(t *testing.T) {
	t.Parallel()
	text := Markdown(Of(exampleApp(), []Exit{{0, "done"}}))
	for _, want := range []string{
		"| [`wheel turn`](#mill-wheel-turn) | turn it |", "\n## mill wheel turn\n", `grind grain \| salt`,
		"```\nmill grind --grain rye\nmill grind --loud\n```", "| `--turns N` | N turns |  |", "| 0 | done |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

// man itself reads the page, without a complaint.
func TestManPageIsRead(t *testing.T) {
	t.Parallel()
	page := Man(Of(exampleApp(), []Exit{{0, "done"}}))
	for _, want := range []string{".SS mill grind\n", `\&.dots lead`, `\-\-turns`, "    mill grind \\-\\-loud\n"} {
		if !strings.Contains(page, want) {
			t.Errorf("%q is missing in\n%s", want, page)
		}
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Log("without groff only the page's lines are compared")
		return
	}
	cmd := exec.Command(groff, "-man", "-Tutf8", "-ww")
	cmd.Stdin = strings.NewReader(page)
	var complaints strings.Builder
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Fatalf("groff: %v %s", err, complaints.String())
	}
	if !strings.Contains(string(out), ".dots lead no line astray.") {
		t.Errorf("groff lost a line:\n%s", out)
	}
}
