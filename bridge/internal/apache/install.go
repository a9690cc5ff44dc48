package apache

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// install is a cached copy of what Maven fetched, shared by all test processes
// of the user.
type install struct {
	jars      string // class path
	formatted string // data directory as StorageTool leaves it, to copy
	fixtures  string // testdata/kafka
}

const (
	fetchWithin  = 5 * time.Minute
	formatWithin = time.Minute
)

// prepare returns the installation, and makes it first where there is none. Of
// several processes that ask at once, one fetches and the others wait.
func prepare(ctx context.Context) (*install, error) {
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, errors.New("java is missing: install Java 17, for example the package openjdk-17-jdk-headless")
	}
	fixtures, err := findFixtures()
	if err != nil {
		return nil, err
	}
	dir, err := cacheDir(filepath.Join(fixtures, "pom.xml"))
	if err != nil {
		return nil, err
	}
	unlock, err := lock(dir + ".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()

	in := &install{
		jars:      filepath.Join(dir, "libs", "*"),
		formatted: filepath.Join(dir, "formatted"),
		fixtures:  fixtures,
	}
	if _, err := os.Stat(dir); err == nil {
		return in, nil
	}
	if err := build(ctx, java, fixtures, dir); err != nil {
		return nil, err
	}
	return in, nil
}

// build fetches and formats beside dir and renames at the end: dir is complete
// or absent.
func build(ctx context.Context, java, fixtures, dir string) error {
	mvn, err := exec.LookPath("mvn")
	if err != nil {
		return errors.New("mvn is missing: install Maven, for example the package maven")
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "holdfast-kafka-new-")
	if err != nil {
		return fmt.Errorf("prepare Kafka: %w", err)
	}
	defer os.RemoveAll(temp)

	libs := filepath.Join(temp, "libs")
	fetchCtx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	if err := run(exec.CommandContext(fetchCtx, mvn, "-q", "-B", "-f", filepath.Join(fixtures, "pom.xml"),
		"dependency:copy-dependencies", "-DoutputDirectory="+libs, "-DincludeScope=runtime")); err != nil {
		return fmt.Errorf("fetch Kafka's jars with Maven: %w", err)
	}

	formatCtx, cancel := context.WithTimeout(ctx, formatWithin)
	defer cancel()
	data := filepath.Join(temp, "formatted")
	conf := filepath.Join(temp, "format.properties")
	// Ports are not part of what formatting writes.
	if err := writeProperties(fixtures, conf, data, 9092, 9093, nil); err != nil {
		return err
	}
	if err := run(exec.CommandContext(formatCtx, java, "-cp", filepath.Join(libs, "*"), "kafka.tools.StorageTool",
		"format", "-t", newClusterID(), "-c", conf)); err != nil {
		return fmt.Errorf("format a data directory for Kafka: %w", err)
	}
	if err := os.Rename(temp, dir); err != nil {
		return fmt.Errorf("prepare Kafka: %w", err)
	}
	return nil
}

func run(cmd *exec.Cmd) error {
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, tail(out))
	}
	return nil
}

// cacheDir names the installation after Kafka's version and all that the POM
// says, so that a changed POM is fetched anew.
func cacheDir(pom string) (string, error) {
	text, err := os.ReadFile(pom)
	if err != nil {
		return "", fmt.Errorf("read which Kafka to fetch: %w", err)
	}
	var project struct {
		Dependencies []struct {
			Artifact string `xml:"artifactId"`
			Version  string `xml:"version"`
		} `xml:"dependencies>dependency"`
	}
	if err := xml.Unmarshal(text, &project); err != nil {
		return "", fmt.Errorf("read which Kafka to fetch: %s: %w", pom, err)
	}
	if len(project.Dependencies) == 0 {
		return "", fmt.Errorf("read which Kafka to fetch: %s names no dependencies", pom)
	}
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a place for Kafka's jars: %w", err)
	}
	if err := os.MkdirAll(base, 0o755); err != nil {
		return "", fmt.Errorf("find a place for Kafka's jars: %w", err)
	}
	sum := sha256.Sum256(text)
	return filepath.Join(base, "holdfast-kafka-"+project.Dependencies[0].Version+"-"+hex.EncodeToString(sum[:4])), nil
}

// findFixtures looks for testdata/kafka at the module's root, upwards from the
// package directory that go test runs in.
func findFixtures() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find testdata/kafka: %w", err)
	}
	for dir := start; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return filepath.Join(dir, "testdata", "kafka"), nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("find testdata/kafka: no go.mod above %s", start)
		}
	}
}

// lock waits for an exclusive lock on a file that is never removed.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock Kafka's jars: %w", err)
	}
	for {
		err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err != syscall.EINTR {
			break
		}
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock Kafka's jars: %w", err)
	}
	return func() { f.Close() }, nil
}
