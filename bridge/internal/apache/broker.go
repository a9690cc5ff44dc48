package apache

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/internal/loopback"
)

// Broker is a Kafka broker of its own process. Several goroutines may use its
// address and its tools; starting, stopping and configuring is for one.
type Broker struct {
	install    *install
	dir        string // holds server.properties, data/ and broker.log
	port       int
	release    []func() // of reserved ports
	properties map[string]string
	heap       string
	secured    *secured // nil: plaintext alone
	process    *process // nil while stopped
}

// Option changes what [Start] starts.
type Option func(*Broker)

// Property adds a line to server.properties, or replaces one.
func Property(name, value string) Option {
	return func(b *Broker) { b.properties[name] = value }
}

// Heap sets the size of the JVM's heap, "512m" for example; it is 384m else.
func Heap(size string) Option {
	return func(b *Broker) { b.heap = size }
}

const (
	startWithin = 3 * time.Minute
	stopWithin  = 2 * time.Minute
)

// Start starts a broker with an empty data directory and a cluster id of its
// own. It skips the test where Kafka cannot be had, see the package comment.
func Start(tb testing.TB, options ...Option) *Broker {
	tb.Helper()
	required := os.Getenv("HOLDFAST_REQUIRE_KAFKA") == "1"
	if testing.Short() && !required {
		tb.Skip("tests against a real Kafka are skipped with -short")
	}
	in, err := prepare(context.Background())
	switch {
	case err != nil && required:
		tb.Fatalf("a real Kafka is required: %v", err)
	case err != nil:
		tb.Skipf("no real Kafka to test against: %v", err)
	}
	b := &Broker{install: in, dir: tb.TempDir(), properties: make(map[string]string), heap: "384m"}
	for _, o := range options {
		o(b)
	}
	tb.Cleanup(func() { b.cleanup(tb) })
	if err := b.format(); err != nil {
		tb.Fatalf("prepare a Kafka broker: %v", err)
	}
	b.Restart(tb)
	return b
}

// Addr returns the address to bootstrap from.
func (b *Broker) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(b.port)) }

// Restart starts a stopped or killed broker again: same address, same data.
func (b *Broker) Restart(tb testing.TB) {
	tb.Helper()
	if b.process != nil {
		tb.Fatal("restart the broker: it is running")
	}
	p, err := startProcess(b.command(), b.logPath())
	if err != nil {
		tb.Fatalf("start the Kafka broker: %v", err)
	}
	b.process = p
	if err := b.waitReady(); err != nil {
		tb.Fatalf("start the Kafka broker: %v\n%s", err, b.logTail())
	}
}

// Stop stops the broker as an operator would.
func (b *Broker) Stop(tb testing.TB) {
	tb.Helper()
	if b.process == nil {
		return
	}
	if err := b.process.stop(syscall.SIGTERM, stopWithin); err != nil {
		tb.Fatalf("stop the Kafka broker: %v\n%s", err, b.logTail())
	}
	b.process = nil
}

// Kill ends the broker with SIGKILL.
func (b *Broker) Kill(tb testing.TB) {
	tb.Helper()
	if b.process == nil {
		return
	}
	if err := b.process.stop(syscall.SIGKILL, stopWithin); err != nil {
		tb.Fatalf("kill the Kafka broker: %v", err)
	}
	b.process = nil
}

// cleanup kills: nothing of the broker is needed any more, and a clean stop
// takes seconds.
func (b *Broker) cleanup(tb testing.TB) {
	if tb.Failed() {
		tb.Logf("end of the Kafka broker's log:\n%s", b.logTail())
	}
	b.Kill(tb)
	for _, release := range b.release {
		release()
	}
}

// format copies the formatted directory and gives the copy its own cluster id.
func (b *Broker) format() error {
	data := filepath.Join(b.dir, "data")
	if err := os.CopyFS(data, os.DirFS(b.install.formatted)); err != nil {
		return fmt.Errorf("copy the formatted directory: %w", err)
	}
	meta := filepath.Join(data, "meta.properties")
	text, err := os.ReadFile(meta)
	if err != nil {
		return fmt.Errorf("read the cluster id: %w", err)
	}
	text = clusterLine.ReplaceAll(text, []byte("cluster.id="+newClusterID()))
	if err := os.WriteFile(meta, text, 0o644); err != nil {
		return fmt.Errorf("write the cluster id: %w", err)
	}
	ports, err := b.reserve(2)
	if err != nil {
		return err
	}
	b.port = ports[0]
	controller := ports[1]
	properties := make(map[string]string)
	if b.secured != nil {
		if properties, err = b.secure(controller); err != nil {
			return err
		}
	}
	maps.Copy(properties, b.properties)
	return writeProperties(b.install.fixtures, b.configPath(), data, b.port, controller, properties)
}

var clusterLine = regexp.MustCompile(`(?m)^cluster\.id=.*$`)

// newClusterID returns 16 random bytes in the form Kafka prints. Kafka refuses
// ids that begin with a dash.
func newClusterID() string {
	var id [16]byte
	rand.Read(id[:])
	id[0] &= 0x7f
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// writeProperties fills in testdata/kafka/server.properties.
func writeProperties(fixtures, path, data string, port, controller int, extra map[string]string) error {
	text, err := os.ReadFile(filepath.Join(fixtures, "server.properties"))
	if err != nil {
		return fmt.Errorf("read the broker's configuration: %w", err)
	}
	filled := strings.NewReplacer(
		"${PORT}", strconv.Itoa(port),
		"${CONTROLLER_PORT}", strconv.Itoa(controller),
		"${DIR}", data,
	).Replace(string(text))
	// Of two lines for one name the later one counts.
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		filled += name + "=" + extra[name] + "\n"
	}
	if err := os.WriteFile(path, []byte(filled), 0o644); err != nil {
		return fmt.Errorf("write the broker's configuration: %w", err)
	}
	return nil
}

// reserve keeps n ports for the broker for as long as the test lasts, also while
// it is stopped.
func (b *Broker) reserve(n int) ([]int, error) {
	ports, release, err := loopback.Reserve(n)
	if err != nil {
		return nil, err
	}
	b.release = append(b.release, release)
	return ports, nil
}

func (b *Broker) configPath() string { return filepath.Join(b.dir, "server.properties") }
func (b *Broker) logPath() string    { return filepath.Join(b.dir, "broker.log") }

func (b *Broker) command() *exec.Cmd {
	return exec.Command("java", "-Xms"+b.heap, "-Xmx"+b.heap, "-XX:+UseSerialGC",
		"-Dlog4j2.configurationFile=file:"+filepath.Join(b.install.fixtures, "log4j2.properties"),
		"-cp", b.install.jars, "kafka.Kafka", b.configPath())
}

// waitReady waits for the open ports: a broker that listens is ready to answer. It
// opens one after the other.
func (b *Broker) waitReady() error {
	if b.secured != nil {
		for kind := range b.secured.ports {
			if err := b.waitOpen(b.SecureAddr(kind)); err != nil {
				return err
			}
		}
	}
	return b.waitOpen(b.Addr())
}

func (b *Broker) waitOpen(addr string) error {
	deadline := time.Now().Add(startWithin)
	for {
		conn, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready after %v: %w", startWithin, err)
		}
		select {
		case <-b.process.Done:
			return fmt.Errorf("it ended at once: %w", errors.Join(b.process.Err, err))
		case <-time.After(25 * time.Millisecond):
		}
	}
}

func (b *Broker) logTail() string {
	text, err := os.ReadFile(b.logPath())
	if err != nil {
		return err.Error()
	}
	return string(tail(text))
}

// tail keeps the end of a long text.
func tail(text []byte) []byte { return text[max(0, len(text)-8<<10):] }
