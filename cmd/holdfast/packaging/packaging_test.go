// Package packaging_test installs what the files beside it make.
package packaging_test

import (
	"bufio"
	"debug/elf"
	"errors"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

// requireTool is for tools that a test cannot do without: on a machine that is
// to have everything their absence is a failure.
func requireTool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("HOLDFAST_REQUIRE_KAFKA") != "" {
		t.Fatalf("%s is missing", name)
	}
	if err != nil {
		t.Skipf("%s is not on this machine", name)
	}
	return path
}

func commandOutput(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// buildStatic builds the binary as it is packaged.
func buildStatic(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "holdfast")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "..")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// The package is installed into a root directory of its own, as dpkg does on a
// machine that is being set up, run from there, and removed again.
func TestDebianPackage(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it builds the binary anew")
	}
	requireTool(t, "dpkg-deb")
	dir := t.TempDir()
	deb := filepath.Join(dir, "holdfast.deb")
	commandOutput(t, "./deb", buildStatic(t, dir), "v0.1.0-3-gabc", deb)
	if version := strings.TrimSpace(commandOutput(t, "dpkg-deb", "--field", deb, "Version")); version != "0.1.0+3+gabc" {
		t.Errorf("the package has version %s", version)
	}

	root := filepath.Join(dir, "root")
	database := filepath.Join(root, "var/lib/dpkg")
	for _, d := range []string{"updates", "info", "triggers"} {
		if err := os.MkdirAll(filepath.Join(database, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"status", "available"} {
		if err := os.WriteFile(filepath.Join(database, f), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dpkg := func(args ...string) string {
		return commandOutput(t, "dpkg", append([]string{
			"--root=" + root, "--force-not-root", "--force-script-chrootless", "--log=" + filepath.Join(dir, "dpkg.log"),
		}, args...)...)
	}
	dpkg("--install", deb)
	installedIsComplete(t, root)
	installedRuns(t, root)

	data := filepath.Join(root, "var/lib/holdfast")
	if err := os.MkdirAll(data, 0o750); err != nil {
		t.Fatal(err)
	}
	dpkg("--remove", "holdfast")
	if _, err := os.Stat(filepath.Join(root, "etc/holdfast/holdfast.yaml")); err != nil {
		t.Errorf("the configuration went with the package: %v", err)
	}
	if said := dpkg("--purge", "holdfast"); !strings.Contains(said, "is kept") {
		t.Errorf("a purge does not say that the jobs stay:\n%s", said)
	}
	left := files(t, root)
	for _, f := range left {
		if !strings.HasPrefix(f, "var/lib/dpkg/") {
			t.Errorf("a purge leaves %s", f)
		}
	}
	if _, err := os.Stat(data); err != nil {
		t.Errorf("the purge took the jobs: %v", err)
	}
}

func files(t *testing.T, root string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(root, path)
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func installedIsComplete(t *testing.T, root string) {
	t.Helper()
	for _, name := range []string{
		"usr/bin/holdfast", "usr/lib/systemd/system/holdfast.service", "usr/lib/systemd/system/holdfast@.service",
		"usr/lib/sysusers.d/holdfast.conf", "usr/share/man/man1/holdfast.1.gz", "usr/share/doc/holdfast/README.md",
		"usr/share/doc/holdfast/monitoring/alerts.yml", "usr/share/doc/holdfast/monitoring/dashboard.json",
		"usr/share/bash-completion/completions/holdfast", "usr/share/zsh/vendor-completions/_holdfast",
		"usr/share/fish/vendor_completions.d/holdfast.fish", "etc/holdfast/holdfast.yaml",
	} {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, errors.Join(err, errors.New("it is not there, or empty")))
		}
	}
	binary, err := elf.Open(filepath.Join(root, "usr/bin/holdfast"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = binary.Close() }()
	if libraries, err := binary.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("the binary needs %v, %v", libraries, err)
	}
	unitsAreUnderstood(t, filepath.Join(root, "usr/lib/systemd/system"))
}

// unitsAreUnderstood asks systemd, which looks for the program where the unit
// says that it is.
func unitsAreUnderstood(t *testing.T, dir string) {
	t.Helper()
	requireTool(t, "systemd-analyze")
	units := t.TempDir()
	for _, name := range []string{"holdfast.service", "holdfast@.service"} {
		text := strings.ReplaceAll(readText(t, filepath.Join(dir, name)), "/usr/bin/holdfast", "/bin/true")
		writeText(t, filepath.Join(units, name), text, 0o600)
	}
	said := commandOutput(t, "systemd-analyze", "verify", "--man=no", filepath.Join(units, "holdfast.service"), filepath.Join(units, "holdfast@one.service"))
	if said != "" {
		t.Errorf("systemd says of the units:\n%s", said)
	}
}

// installedRuns runs the binary as its unit does: with the shipped
// configuration on a broker, told the service manager's socket.
func installedRuns(t *testing.T, root string) {
	t.Helper()
	binary := filepath.Join(root, "usr/bin/holdfast")
	config := filepath.Join(root, "etc/holdfast/holdfast.yaml")
	commandOutput(t, binary, "config", "check", "--config", config)

	socket := filepath.Join(t.TempDir(), "notify")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = manager.Close() }()
	broker := brokerProcess(t, binary)
	run := exec.Command(binary, "run", "--config", config)
	run.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket, "HOLDFAST_KAFKA_BROKERS="+broker, "HOLDFAST_DATA_DIR="+t.TempDir())
	run.Stderr = os.Stderr
	if err := run.Start(); err != nil {
		t.Fatal(err)
	}
	awaitState(t, manager, "READY=1")
	if err := run.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	awaitState(t, manager, "STOPPING=1")
	if err := run.Wait(); err != nil {
		t.Errorf("the stop ended with %v", err)
	}
}

func brokerProcess(t *testing.T, binary string) (address string) {
	t.Helper()
	broker := exec.Command(binary, "broker", "--listen", "127.0.0.1:0", "--topics", "orders:2")
	out, err := broker.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := broker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = broker.Process.Kill()
		_ = broker.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

func awaitState(t *testing.T, manager *net.UnixConn, want string) {
	t.Helper()
	if err := manager.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	datagram := make([]byte, 4096)
	for {
		n, err := manager.Read(datagram)
		if err != nil {
			t.Fatalf("the service manager was not told %s: %v", want, err)
		}
		if strings.Contains(string(datagram[:n]), want) {
			return
		}
	}
}

// The service manager waits for longer than a stop takes by default.
func TestUnitWaitsForTheStop(t *testing.T) {
	t.Parallel()
	shipped, err := config.Load(config.Input{File: "holdfast.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{"holdfast.service", "holdfast@.service"} {
		text, err := os.ReadFile(unit)
		if err != nil {
			t.Fatal(err)
		}
		var waits time.Duration
		for line := range strings.Lines(string(text)) {
			if value, ok := strings.CutPrefix(strings.TrimSpace(line), "TimeoutStopSec="); ok {
				if waits, err = time.ParseDuration(value); err != nil {
					t.Fatal(err)
				}
			}
		}
		if least := shipped.StopWithin + 30*time.Second; waits < least {
			t.Errorf("%s: TimeoutStopSec is %v, a stop may take %v", unit, waits, least)
		}
	}
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
