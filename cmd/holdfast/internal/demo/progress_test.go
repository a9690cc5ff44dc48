package demo

import (
	"bytes"
	"strings"
	"testing"
)

func TestProgressIsOneLineAtATime(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(&out, 1000)
	p.show(findings{finished: 500, running: 8, durable: 490}, 480)
	p.show(findings{finished: 1000, durable: 1000}, 1000)
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "500 of 1,000 done") || !strings.Contains(lines[0], "8 running  490 on disk  offset 480") {
		t.Errorf("lines %q", lines)
	}
}

// On a terminal a line is replaced by the next, and nothing else is written into it.
func TestProgressIsOverwrittenOnATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newProgress(&out, 10)
	p.terminal = true
	p.show(findings{finished: 5}, 0)
	p.show(findings{finished: 6}, 0)
	p.say("killed")
	p.show(findings{finished: 7}, 0)
	p.clear()
	const erase = "\r\x1b[K"
	parts := strings.Split(out.String(), erase)
	if len(parts) != 6 || parts[0] != "" || parts[3] != "killed\n" || parts[5] != "" {
		t.Errorf("written %q", parts)
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("line feeds in %q", out.String())
	}
}
