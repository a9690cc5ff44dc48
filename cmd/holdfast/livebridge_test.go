package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// bridges are the bridges of a script that run now. It is the value of bridgesKey.
type bridges struct {
	running []*exec.Cmd
	live    bool // of a script that is run both ways: this is the live one

	// What the first one was started with.
	file       string
	partitions int
}

type bridgesKey struct{}

// handedOn are the variables of a script that its bridges see.
var handedOn = []string{"PATH", "HOME", "WORK", "TZ", "GORACE", "HOLDFAST_KAFKA_BROKERS", "HOLDFAST_CONFIG", "HOLDFAST_DATA_DIR"}

// cmdBridge runs bridges beside the script. Their stderr is appended to
// bridge.log and their stdout to bridge.out.
//
//	bridge start FILE [PARTITIONS]   with the configuration FILE; waits until PARTITIONS, or one, are taken
//	bridge stop                      a planned stop, which succeeds
//	bridge kill                      SIGKILL
//	bridge settle                    a planned stop, unless the script is the live one of two
//	bridge again                     start of what settle has stopped
func cmdBridge(ts *testscript.TestScript, neg bool, args []string) {
	all := ts.Value(bridgesKey{}).(*bridges)
	switch {
	case neg:
	case len(args) >= 2 && args[0] == "start":
		want := 1
		if len(args) == 3 {
			n, err := strconv.Atoi(args[2])
			ts.Check(err)
			want = n
		}
		all.start(ts, args[1], want)
		return
	case len(args) == 1 && args[0] == "stop" && len(all.running) > 0:
		ts.Check(all.end(syscall.SIGTERM))
		return
	case len(args) == 1 && args[0] == "settle" && len(all.running) > 0:
		if !all.live {
			ts.Check(all.end(syscall.SIGTERM))
		}
		return
	case len(args) == 1 && args[0] == "again" && all.file != "":
		if !all.live {
			all.start(ts, all.file, all.partitions)
		}
		return
	case len(args) == 1 && args[0] == "kill" && len(all.running) > 0:
		_ = all.end(syscall.SIGKILL) // it says that it was killed
		return
	}
	ts.Fatalf("usage: bridge start FILE [PARTITIONS], or bridge stop, kill or settle while one runs, or bridge again")
}

// taken is what the log says of each partition, once it works.
const taken = "partition taken"

func (b *bridges) start(ts *testscript.TestScript, file string, partitions int) {
	b.file, b.partitions = file, partitions
	log := ts.MkAbs("bridge.log")
	before := strings.Count(read(log), taken)
	cmd := command(ts, "run", "--config", file)
	for _, out := range []struct {
		name string
		to   func(*os.File)
	}{{log, func(f *os.File) { cmd.Stderr = f }}, {ts.MkAbs("bridge.out"), func(f *os.File) { cmd.Stdout = f }}} {
		f, err := os.OpenFile(out.name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		ts.Check(err)
		defer f.Close() // the child has its own
		out.to(f)
	}
	ts.Check(cmd.Start())
	b.running = append(b.running, cmd)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if strings.Count(read(log), taken)-before >= partitions {
			return
		}
	}
	ts.Fatalf("the bridge has not taken %d partitions after %v:\n%s", partitions, patience, read(log))
}

// command is one of holdfast in the script's directory.
func command(ts *testscript.TestScript, args ...string) *exec.Cmd {
	path, err := exec.LookPath("holdfast") // this test, see TestMain
	ts.Check(err)
	cmd := exec.Command(path, args...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range handedOn {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	return cmd
}

// cmdListed waits until a list has so many rows.
//
//	listed N COMMAND...   as: listed 3 inspect dead --topic orders
func cmdListed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: listed N COMMAND...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var rows []byte
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		rows, _ = command(ts, append(args[1:], "--output", "ndjson")...).Output() // nothing matched: none yet
		if bytes.Count(rows, []byte("\n")) == want {
			return
		}
	}
	ts.Fatalf("there are not %d rows after %v:\n%s\n%s", want, patience, rows, read(ts.MkAbs("bridge.log")))
}

// end ends the bridge that was started last.
func (b *bridges) end(how syscall.Signal) error {
	last := len(b.running) - 1
	cmd := b.running[last]
	b.running = b.running[:last]
	if err := cmd.Process.Signal(how); err != nil {
		return err
	}
	late := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("the bridge ends with %w", err)
	}
	return nil
}

// endAll is for what a script leaves behind.
func (b *bridges) endAll() {
	for len(b.running) > 0 {
		_ = b.end(syscall.SIGKILL)
	}
}

func read(path string) string {
	content, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err.Error()
	}
	return string(content)
}

// masks are what differs from run to run, and what it becomes.
var masks = []struct {
	what *regexp.Regexp
	by   string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?`), "TIME"},
	{regexp.MustCompile(`\d{8}T\d{6}\.\d+Z`), "TIME"}, // in an id
	{regexp.MustCompile(`buried \d[\d: -]*\d`), "buried TIME"},
	{regexp.MustCompile(`\b\d+(\.\d+)?(ms|µs|s|m\d\ds|m)\b`), "AGO"},
	{regexp.MustCompile(`"(\w+_seconds)":( ?)[\d.e-]+`), `"$1":${2}SECONDS`},
	{regexp.MustCompile(`\b(rq|dc)-[0-9a-z]+\b`), "OPERATION"},
	{regexp.MustCompile(`[A-Za-z0-9_-]{22}/(\d+@\d+)`), "TOPICID/$1"},
	{regexp.MustCompile(`"(topic_id|store)": "[^"]+"`), `"$1": "ID"`},
	{regexp.MustCompile(`"actor": "[^"]*"`), `"actor": "WHO"`},
	{regexp.MustCompile(`"checksum": "\w+"`), `"checksum": "SUM"`}, // of what has times in it
	{regexp.MustCompile(`"unsent": \w+`), `"unsent": PERHAPS`},
	{regexp.MustCompile(`([^\s]) {2,}`), "$1  "},
}

// offlineHeader is the first line of what is shown of a bridge that does not run.
var offlineHeader = regexp.MustCompile(`^offline, as of \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n`)

// cmdMask writes the last stdout to a file, without what differs from run to run
// and without the header that tells that no bridge runs, which has to be there
// exactly then.
//
//	mask FILE
func cmdMask(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: mask FILE")
	}
	text, running := ts.ReadFile("stdout"), len(ts.Value(bridgesKey{}).(*bridges).running) > 0
	if table := !strings.HasPrefix(text, "{") && !strings.HasPrefix(text, "["); table && text != "" {
		if offlineHeader.MatchString(text) == running {
			ts.Fatalf("a bridge runs: %v, and stdout is\n%s", running, text)
		}
		text = offlineHeader.ReplaceAllString(text, "")
	}
	for _, m := range masks {
		text = m.what.ReplaceAllString(text, m.by)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}
