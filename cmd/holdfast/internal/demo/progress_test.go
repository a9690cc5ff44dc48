package demo

import (
	"bytes"
	"strings"
	"testing"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/screen"
)

func TestProgressIsALineAtATime(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(&out, Options{Records: 1000})
	p.show(findings{finished: 500, running: 8, durable: 490}, 480)
	p.show(findings{finished: 1000, durable: 1000}, 1000)
	p.end()
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "500 of 1,000 done") || !strings.Contains(lines[0], "8 running  490 on disk  offset 480") {
		t.Errorf("lines %q", lines)
	}
}

func TestProgressOnATerminalLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(nil, Options{Records: 10, Status: screen.New(&out, func() int { return 80 })})
	p.show(findings{finished: 5}, 0)
	p.show(findings{finished: 6}, 0)
	p.say("killed")
	p.end()
	if text := out.String(); strings.Count(text, "\n") != 1 || !strings.HasSuffix(text, "\x1b[2K") {
		t.Errorf("written %q", text)
	}
}
