package exec

import (
	"context"
	"log/slog"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// asBridge makes the test binary run the script it names for one job with a value of
// asBridgeValue bytes, so that a test can kill the whole process. $1 is the file of
// asBridgeFile; asBridgeUser, if set, is whom the script runs as.
const (
	asBridge      = "EXEC_TEST_BRIDGE"
	asBridgeFile  = "EXEC_TEST_FILE"
	asBridgeUser  = "EXEC_TEST_USER"
	asBridgeValue = 1 << 20

	// asBridgeStream, if set, makes the script the child of a stream.
	asBridgeStream = "EXEC_TEST_STREAM"
)

func runAsBridge(script string) error {
	config := Config{Command: []string{"sh", "-c", script, "sh", os.Getenv(asBridgeFile)}, User: os.Getenv(asBridgeUser)}
	h, err := New(config)
	if os.Getenv(asBridgeStream) != "" {
		h, err = NewStream(StreamConfig{Config: config})
	}
	if err != nil {
		return err
	}
	return h.Handle(context.Background(), &bridge.Job{Record: bridge.Record{Value: make([]byte, asBridgeValue)}})
}

func TestChildDiesWithTheBridge(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a death signal")
	}
	file := filepath.Join(t.TempDir(), "pid")
	parent := startBridge(t, `echo $$ >"$1"; exec sleep 600`, file)
	pid := strings.TrimSpace(waitFile(t, file))
	if !alive(pid) {
		t.Errorf("child %s is not running before the kill", pid)
	}
	_ = parent.Process.Kill()
	_ = parent.Wait()
	waitGone(t, pid)
}

// A child that a killed bridge leaves alive for a moment, or for good, must not take a
// part of a value for the whole: what it reads does not come from the bridge's hands.
func TestValueIsWholeWhenTheBridgeIsKilled(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "read")
	parent := startBridge(t, `exec 3<&0
setsid sh -c 'while kill -0 "$2" 2>/dev/null; do sleep 0.02; done; wc -c <&3 >"$1.part"; mv "$1.part" "$1"' sh "$1" "$PPID" &
echo >"$1.ready"
wait`, file)
	waitFile(t, file+".ready")
	_ = parent.Process.Kill()
	_ = parent.Wait()
	if got := strings.TrimSpace(waitFile(t, file)); got != strconv.Itoa(asBridgeValue) {
		t.Errorf("the process read %s bytes of %d", got, asBridgeValue)
	}
}

// startBridge starts a process that runs the script for a job, with file as its $1.
func startBridge(t *testing.T, script, file string, env ...string) *osexec.Cmd {
	t.Helper()
	cmd := osexec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), asBridge+"="+script, asBridgeFile+"="+file), env...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// Threads come and go with the goroutines locked to them; the children must not notice.
func TestChildOutlivesForeignThreads(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Add(1)
	go func() {
		defer wg.Done()
		for {
			select {
			case <-stop:
				return
			default:
			}
			ended := make(chan struct{})
			go func() { defer close(ended); runtime.LockOSThread() }() // the thread ends with it
			<-ended
		}
	}()
	h := shell(t, `sleep 0.05`)
	for range 20 {
		if err := h.Handle(context.Background(), &bridge.Job{}); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

// The thread that started a child lives as long as the child does: the death signal comes
// when that thread ends, and threads end with the goroutines that are locked to them.
func TestStreamChildOutlivesForeignThreads(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	const processes = 20
	s := acting(t, StreamConfig{InFlight: 1, Processes: processes, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	var threads sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		threads.Go(func() {
			for range 2000 {
				select {
				case <-stop:
					return
				default:
				}
				ended := make(chan struct{})
				go func() { defer close(ended); runtime.LockOSThread() }()
				<-ended
			}
		})
	}
	errs := make(chan error, 5*processes)
	for range cap(errs) {
		go func() {
			runtime.LockOSThread()
			errs <- s.do("ok")
		}()
	}
	for range cap(errs) {
		if err := wait(t, errs); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	threads.Wait()
	if text := log.String(); text != "" {
		t.Errorf("log:\n%s", text)
	}
}

func TestStreamChildDiesWithTheBridge(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has a death signal")
	}
	for _, user := range []string{"", stranger} {
		if user != "" && maySwitch() != nil {
			continue // TestChildOfAnotherUserDiesWithTheBridge is skipped with the reason
		}
		file := filepath.Join(openDir(t), "pid")
		parent := startBridge(t, `echo $$ >"$1"; read -r job; exec sleep 600`, file, asBridgeStream+"=x", asBridgeUser+"="+user)
		pid := strings.TrimSpace(waitFile(t, file))
		if !alive(pid) {
			t.Errorf("child %s is not running before the kill", pid)
		}
		_ = parent.Process.Kill()
		_ = parent.Wait()
		waitGone(t, pid)
	}
}
