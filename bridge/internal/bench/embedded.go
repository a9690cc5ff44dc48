package bench

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// embeddedWithin is how long the embedded broker may take to say its address.
const embeddedWithin = 10 * time.Second

// startEmbedded builds holdfast and runs its embedded broker as a process of
// its own. It keeps all records in memory.
func startEmbedded(dir string) (*process, string, error) {
	binary := filepath.Join(dir, "holdfast")
	build := exec.Command("go", "build", "-o", binary, "github.com/seed-2837c37b/holdfast/cmd/holdfast")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, "", fmt.Errorf("build the embedded broker: %w\n%s", err, out)
	}
	p, err := start(exec.Command(binary, "broker", "--listen", "127.0.0.1:0"), filepath.Join(dir, "embedded.log"))
	if err != nil {
		return nil, "", err
	}
	for deadline := time.Now().Add(embeddedWithin); time.Now().Before(deadline); time.Sleep(tick) {
		if err := p.alive(); err != nil {
			return nil, "", fmt.Errorf("start the embedded broker: %w", err)
		}
		if address, ok := firstAddress(p.log); ok {
			return p, address, nil
		}
	}
	p.kill()
	return nil, "", fmt.Errorf("the embedded broker did not say its address within %v", embeddedWithin)
}

// firstAddress finds the line that is an address, which may not be complete yet.
func firstAddress(log string) (string, bool) {
	f, err := os.Open(log)
	if err != nil {
		return "", false
	}
	defer f.Close()
	for r := bufio.NewReader(f); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			return "", false
		}
		if strings.HasPrefix(line, "127.0.0.1:") {
			return strings.TrimSpace(line), true
		}
	}
}
