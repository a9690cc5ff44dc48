package main

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/bridgetest"
)

const repository = "../.."

// The commands and snippets of the project's README are run as they stand there.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme := readText(t, filepath.Join(repository, "README.md"))
	dir := t.TempDir()
	writeText(t, filepath.Join(dir, "holdfast.yaml"), blocks(readme, "yaml")[0], 0o600)
	writeText(t, filepath.Join(dir, "charge.sh"), "#!/bin/sh\ncat >> "+filepath.Join(dir, "charged")+"\n", 0o700)
	broker := bridgetest.StartBroker(t, bridgetest.Topic("orders", 1))
	broker.Produce(t, "orders", bridgetest.Record{Key: []byte("anna"), Value: []byte("7.50")})
	s := &site{dir: dir, brokers: strings.Join(broker.Addrs(), ",")}

	for _, line := range commands(readme) {
		t.Run(line, func(t *testing.T) {
			words := strings.Fields(line)
			switch {
			case words[0] == "make":
				s.make(t, words[1:])
			case slices.Equal(words[:2], []string{"go", "install"}):
				s.install(t, words[2])
			case words[0] == "holdfast" && words[1] == "run":
				s.run(t, words[1:])
			case words[0] == "holdfast":
				s.holdfast(t, words[1:])
			default:
				t.Errorf("nothing checks this command")
			}
		})
	}
	if got := readText(t, filepath.Join(dir, "charged")); got != "7.50" {
		t.Errorf("the configuration of the README charged %q", got)
	}
}

// The library's snippets are parts of Go examples, whose output go test checks.
func TestReadmeSnippetsAreExamples(t *testing.T) {
	t.Parallel()
	snippets := blocks(readText(t, filepath.Join(repository, "README.md")), "go")
	files := []string{"bridge/example_test.go", "bridge/inspect/example_test.go"}
	if len(snippets) != len(files) {
		t.Fatalf("%d snippets of Go, and %d examples for them", len(snippets), len(files))
	}
	for i, file := range files {
		example := bufio.NewScanner(strings.NewReader(readText(t, filepath.Join(repository, file))))
		for line := range strings.Lines(snippets[i]) {
			line = strings.TrimSpace(line)
			found := line == ""
			for !found && example.Scan() {
				found = strings.TrimSpace(example.Text()) == line
			}
			if !found {
				t.Fatalf("not in %s, or not in this order: %s", file, line)
			}
		}
	}
}

// site is where the commands are run.
type site struct{ dir, brokers string }

// make only looks whether there is something to do: the targets run the tests.
func (s *site) make(t *testing.T, args []string) {
	cmd := exec.Command("make", append([]string{"--dry-run", "--directory", repository}, args...)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func (s *site) install(t *testing.T, what string) {
	module := strings.Fields(readText(t, filepath.Join(repository, "go.mod")))[1]
	if want := module + "/cmd/holdfast@latest"; what != want {
		t.Errorf("installs %s, want %s", what, want)
	}
}

// holdfast runs a command that ends by itself.
func (s *site) holdfast(t *testing.T, args []string) {
	var out bytes.Buffer
	if code := s.world(&out, nil).main(t.Context(), s.line(args)); code != 0 {
		t.Errorf("exit code %d\n%s", code, &out)
	}
}

// run works until the job of the topic is done, and stops as planned.
func (s *site) run(t *testing.T, args []string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	signals := make(chan os.Signal, 1)
	ended := make(chan int)
	go func() { ended <- s.world(&out, signals).main(ctx, s.line(args)) }()
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	for ctx.Err() == nil {
		select {
		case code := <-ended:
			t.Fatalf("it ended early with exit code %d\n%s", code, &out)
		case <-poll.C:
		}
		if _, err := os.Stat(filepath.Join(s.dir, "charged")); err == nil {
			break
		}
	}
	signals <- os.Interrupt
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d\n%s", code, &out)
	}
}

// line is the command with its files found in the site's directory.
func (s *site) line(args []string) []string {
	line := []string{"holdfast"}
	for _, a := range args {
		if strings.HasSuffix(a, ".yaml") {
			a = filepath.Join(s.dir, a)
		}
		line = append(line, a)
	}
	return line
}

func (s *site) world(out *bytes.Buffer, signals chan os.Signal) *world {
	w := thisProcess()
	w.stdin, w.stdout, w.stderr = strings.NewReader(""), out, out
	w.environ = append(os.Environ(), "HOLDFAST_KAFKA_BROKERS="+s.brokers)
	w.signals = func() <-chan os.Signal { return signals }
	return w
}

// commands are the lines of the sh blocks, without their comments.
func commands(readme string) (lines []string) {
	for _, b := range blocks(readme, "sh") {
		for line := range strings.Lines(b) {
			line, _, _ = strings.Cut(line, "#")
			if line = strings.TrimSpace(line); line != "" {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

func blocks(text, language string) (found []string) {
	for _, m := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(text, -1) {
		found = append(found, m[1])
	}
	return found
}

func readText(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func writeText(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}
