package exec

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	osexec "os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

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

func TestMain(m *testing.M) {
	if os.Getenv(asActor) != "" {
		(&actor{on: make(map[string]string)}).run(os.Stdin)
	}
	if script := os.Getenv(asBridge); script != "" {
		fmt.Fprintln(os.Stderr, runAsBridge(script))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

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

const patience = 20 * time.Second

// shell is a handler for a script; $1 and so on are args.
func shell(t testing.TB, script string, args ...string) bridge.Handler {
	t.Helper()
	h, err := New(Config{Command: append([]string{"sh", "-c", script, "sh"}, args...), Grace: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// runFor runs one job and returns what its script wrote to the file $1.
func runFor(t *testing.T, script string, job *bridge.Job) (string, error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "out")
	err := shell(t, script, out).Handle(context.Background(), job)
	text, _ := os.ReadFile(out)
	return string(text), err
}

func TestValueArrivesOnStdin(t *testing.T) {
	t.Parallel()
	value := []byte(strings.Repeat("0123456789abcdef", 1<<16)) // 1 MiB
	got, err := runFor(t, `cat >"$1"`, &bridge.Job{Record: bridge.Record{Value: value}})
	if err != nil || got != string(value) {
		t.Fatalf("child read %d of %d bytes, error %v", len(got), len(value), err)
	}
}

func TestValueThatIsNotReadIsNoError(t *testing.T) {
	t.Parallel()
	job := &bridge.Job{Record: bridge.Record{Value: make([]byte, 4<<20)}}
	for _, script := range []string{`exit 0`, `exec <&-; exit 0`, `head -c 10 >/dev/null`} {
		if err := shell(t, script).Handle(context.Background(), job); err != nil {
			t.Errorf("%s: %v", script, err)
		}
	}
}

func TestNullValueIsEmptyStdin(t *testing.T) {
	t.Parallel()
	got, err := runFor(t, `wc -c >"$1"; echo "${HOLDFAST_JOB_TOMBSTONE-unset}" >>"$1"`, &bridge.Job{})
	if err != nil || strings.Fields(got)[0] != "0" || strings.Fields(got)[1] != "1" {
		t.Errorf("got %q, error %v", got, err)
	}
}

func TestExitCodeAndStderrAreTheError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		script string
		want   ExitError
		text   string
	}{
		{`echo card declined >&2; exit 3`, ExitError{Code: 3, Stderr: "card declined"}, "exit status 3: card declined"},
		{`exit 75`, ExitError{Code: 75}, "exit status 75"},
		{`kill -9 $$`, ExitError{Code: -1, Signal: syscall.SIGKILL}, "ended by signal 9 (killed)"},
	}
	for _, tt := range tests {
		err := shell(t, tt.script).Handle(context.Background(), &bridge.Job{})
		var exit *ExitError
		if !errors.As(err, &exit) || *exit != tt.want || err.Error() != tt.text {
			t.Errorf("%s: error %v (%+v), want %+v", tt.script, err, exit, tt.want)
		}
	}
}

// A process that writes far more than is kept neither blocks nor fills the memory.
func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	const limit = 1000
	flood := `head -c 20000000 /dev/zero | tr '\0' x; echo the end; head -c 20000000 /dev/zero | tr '\0' y >&2; `
	for _, tt := range []struct {
		script string
		want   func(e *ExitError) string
		begin  string
	}{
		{flood + `echo the end >&2; exit 1`, func(e *ExitError) string { return e.Stderr }, "...y"},
		{flood + `exit 1`, func(e *ExitError) string { return e.Stdout }, "...x"},
	} {
		h, err := New(Config{Command: []string{"sh", "-c", tt.script}, OutputLimit: limit})
		if err != nil {
			t.Fatal(err)
		}
		var exit *ExitError
		if err := h.Handle(context.Background(), &bridge.Job{}); !errors.As(err, &exit) {
			t.Fatalf("error %v", err)
		}
		got := tt.want(exit)
		if len(got) > limit+len("...") || len(got) < limit || !strings.HasPrefix(got, tt.begin) || !strings.HasSuffix(got, "the end") {
			t.Errorf("output of %d bytes: %.10q ... %q", len(got), got, got[max(0, len(got)-10):])
		}
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	for _, size := range []int{1, 3, 7, 10, 11, 25, 100} {
		kept := tail{limit: 10}
		var all []byte
		for i := range 40 {
			p := bytes.Repeat([]byte{byte('0' + i)}, 1+(i*size)%(size+3))
			all = append(all, p...)
			if n, err := kept.Write(p); n != len(p) || err != nil {
				t.Fatalf("wrote %d of %d, error %v", n, len(p), err)
			}
			want := string(all)
			if len(all) > kept.limit {
				want = "..." + string(all[len(all)-kept.limit:])
			}
			if got := kept.String(); got != want {
				t.Fatalf("after %d bytes %q, want %q", len(all), got, want)
			}
			if cap(kept.buf) > 64 {
				t.Fatalf("the buffer grew to %d bytes", cap(kept.buf))
			}
		}
	}
}

func TestExitCodesThatMeanSomething(t *testing.T) {
	t.Parallel()
	for code, gone := range map[int]bool{1: false, 2: false, 64: false, 65: true, 66: false, 75: false, 255: false} {
		err := shell(t, `echo why >&2; exit `+strconv.Itoa(code)).Handle(context.Background(), &bridge.Job{})
		result := gaveUp(err)
		if result != gone {
			t.Errorf("exit code %d gives up: %v, want %v", code, result, gone)
		}
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Code != code || !strings.Contains(err.Error(), "why") {
			t.Errorf("exit code %d: error %v", code, err)
		}
	}
}

func TestTimeLimit(t *testing.T) {
	t.Parallel()
	run := func(script string, grace time.Duration) error {
		h, err := New(Config{Command: []string{"sh", "-c", script}, Timeout: time.Second, Grace: grace})
		if err != nil {
			t.Fatal(err)
		}
		return h.Handle(context.Background(), &bridge.Job{})
	}
	var (
		limit *TimeoutError
		exit  *ExitError
	)
	err := run(`exec sleep 600`, patience)
	if !errors.As(err, &limit) || !errors.As(err, &exit) || exit.Signal != syscall.SIGTERM ||
		err.Error() != "time limit of 1s passed: ended by signal 15 (terminated)" {
		t.Errorf("a process that heeds SIGTERM: %v", err)
	}
	err = run(`trap "" TERM; echo working >&2; while :; do sleep 0.1; done`, 50*time.Millisecond)
	if !errors.As(err, &limit) || !errors.As(err, &exit) || exit.Signal != syscall.SIGKILL || exit.Stderr != "working" {
		t.Errorf("a process that does not: %v", err)
	}
	if err := run(`trap "exit 0" TERM; while :; do sleep 0.01; done`, patience); err != nil {
		t.Errorf("a process that finishes all the same: %v", err)
	}
	if err := run(`exit 7`, patience); errors.As(err, &limit) {
		t.Errorf("a process that ends in time: %v", err)
	}
}

func TestCommandThatCannotBeRun(t *testing.T) {
	t.Parallel()
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for command, remedy := range map[string]string{
		"/no/such/program":         "; correct the path, or make the file executable",
		plain:                      "; correct the path, or make the file executable",
		"no-such-program-anywhere": "; install it, or name its path",
		"./charge.sh --all":        "; each argument is an item of its own behind the program, as there is no shell to part them",
	} {
		_, err := New(Config{Command: []string{command}})
		if err == nil || !strings.Contains(err.Error(), command) || !strings.HasSuffix(err.Error(), remedy) {
			t.Errorf("%s: error %v", command, err)
		}
	}
}

// What is only found by starting it is no less clear.
func TestScriptThatCannotBeStarted(t *testing.T) {
	t.Parallel()
	script := filepath.Join(t.TempDir(), "script")
	for first, want := range map[string]string{
		"echo done":     "exec format error; a script begins with a line that names its interpreter, such as #!/bin/sh",
		"#!/no/such/sh": "no such file or directory; the file is there, but not the interpreter that it names",
	} {
		if err := os.WriteFile(script, []byte(first+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		h, err := New(Config{Command: []string{script}})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Handle(context.Background(), &bridge.Job{}); err == nil || err.Error() != "start "+script+": "+want {
			t.Errorf("%s: error %v", first, err)
		}
	}
}

func TestWhatIsMissingIsAllReported(t *testing.T) {
	t.Parallel()
	_, err := New(Config{Command: []string{"/no/such/program"}, Dir: "/no/such/dir", User: "no-such-user"})
	for _, part := range []string{"/no/such/program", "dir cannot be used: stat /no/such/dir", "user no-such-user: there is no such user"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
	if _, err := New(Config{Command: []string{"sh"}, Dir: "/dev/null"}); err == nil || !strings.Contains(err.Error(), "is not a directory") {
		t.Errorf("a file as dir: %v", err)
	}
}

func TestConfigReportsAllProblems(t *testing.T) {
	t.Parallel()
	bad := Config{Env: []string{"=x", "HOLDFAST_CONFIG", "A=\x00"}, Grace: -1, Timeout: -1, OutputLimit: -1}
	err := bad.Validate()
	for _, part := range []string{"command is empty", `"=x"`, "HOLDFAST_CONFIG", "NUL", "grace", "timeout", "output limit"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
	if err := (Config{Command: []string{"a\x00b"}}).Validate(); err == nil {
		t.Error("a NUL byte in an argument is accepted")
	}
}

func TestRelativeCommandDoesNotFollowDir(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("job.sh", []byte("#!/bin/sh\npwd >here\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	h, err := New(Config{Command: []string{"./job.sh"}, Dir: work})
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	if err := h.Handle(context.Background(), &bridge.Job{}); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(work, "here")); err != nil {
		t.Errorf("the child did not run in Dir: %v", err)
	}
}

// A cancelled job ends with all of its group: here a grandchild that ignores SIGTERM.
func TestCancelKillsTheGroup(t *testing.T) {
	t.Parallel()
	pids := filepath.Join(t.TempDir(), "pids")
	script := `trap "" TERM; sleep 600 & echo $! $$ >"$1.tmp"; mv "$1.tmp" "$1"; while :; do sleep 1; done`
	ctx, cancel := context.WithCancelCause(context.Background())
	done := make(chan error, 1)
	go func() { done <- shell(t, script, pids).Handle(ctx, &bridge.Job{}) }()
	list := waitFile(t, pids)
	cancel(bridge.ErrRevoked)
	err := <-done
	var exit *ExitError
	if !errors.Is(err, bridge.ErrRevoked) || !errors.As(err, &exit) || exit.Signal != syscall.SIGKILL {
		t.Errorf("error %v", err)
	}
	for _, pid := range strings.Fields(list) {
		waitGone(t, pid)
	}
}

// A bridge that stops does not wait for a long grace, and what it has left behind would go
// on beside the next owner's run.
func TestLongGraceEndsWithTheJob(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]time.Duration{"cancelled": 0, "cancelled within the grace of its time limit": 2 * time.Second} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := filepath.Join(t.TempDir(), "told")
			script := `trap 'echo >"$1"' TERM; echo >"$1.ready"; while :; do sleep 0.01; done`
			h, err := New(Config{Command: []string{"sh", "-c", script, "sh", told}, Timeout: limit, Grace: time.Hour})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancelCause(context.Background())
			done := make(chan error, 1)
			go func() { done <- h.Handle(ctx, &bridge.Job{}) }()
			waitFile(t, told+".ready")
			if limit > 0 {
				waitFile(t, told)
			}
			cancel(bridge.ErrStopping)
			var exit *ExitError
			if err := wait(t, done); !errors.As(err, &exit) || exit.Signal != syscall.SIGKILL {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestCancelledJobThatFinishesIsDone(t *testing.T) {
	t.Parallel()
	ready := filepath.Join(t.TempDir(), "ready")
	script := `trap "exit 0" TERM; echo >"$1"; while :; do sleep 0.01; done`
	h, err := New(Config{Command: []string{"sh", "-c", script, "sh", ready}, Grace: patience})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Handle(ctx, &bridge.Job{}) }()
	waitFile(t, ready)
	cancel()
	if err := <-done; err != nil {
		t.Errorf("error %v", err)
	}
}

func TestCancelledContextStartsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(bridge.ErrStopping)
	out := filepath.Join(t.TempDir(), "out")
	if err := shell(t, `echo >"$1"`, out).Handle(ctx, &bridge.Job{}); !errors.Is(err, bridge.ErrStopping) {
		t.Errorf("error %v", err)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("the process ran")
	}
}

// What a job leaves in the background holds its pipes; it must neither outlive the job
// nor keep it from ending.
func TestLeftoversOfAFinishedJobAreKilled(t *testing.T) {
	t.Parallel()
	got, err := runFor(t, `sleep 600 & echo $! >"$1"`, &bridge.Job{Record: bridge.Record{Value: make([]byte, 1<<20)}})
	if err != nil {
		t.Fatal(err)
	}
	waitGone(t, strings.TrimSpace(got))
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

func TestManyChildrenAtOnce(t *testing.T) {
	t.Parallel()
	const n = 200
	dir := t.TempDir()
	// Every child waits for the last one, so all must be running at the same time.
	h := shell(t, `echo >"$1/$HOLDFAST_JOB_OFFSET"; read -r line; while ! [ -e "$1/all" ]; do sleep 0.2; done; [ "$line" = "$HOLDFAST_JOB_OFFSET" ]`, dir)
	errs := make(chan error, n)
	for i := range n {
		go func() {
			errs <- h.Handle(context.Background(), &bridge.Job{Record: bridge.Record{Offset: int64(i), Value: []byte(strconv.Itoa(i) + "\n")}})
		}()
	}
	eventually(t, func() bool { files, _ := os.ReadDir(dir); return len(files) == n })
	if err := os.WriteFile(filepath.Join(dir, "all"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkProcess(b *testing.B) {
	h, err := New(Config{Command: []string{"true"}})
	if err != nil {
		b.Fatal(err)
	}
	job := &bridge.Job{Record: bridge.Record{Key: []byte("key"), Value: make([]byte, 1024)}}
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := h.Handle(context.Background(), job); err != nil {
				b.Error(err)
			}
		}
	})
}

// gaveUp tells whether err says that no attempt will help.
func gaveUp(err error) bool {
	fails := bridge.HandlerFunc(func(context.Context, *bridge.Job) error { return err })
	trial, _ := bridge.Try(context.Background(), bridge.Config{Topics: []bridge.Topic{{Name: "orders", Handler: fails}}}, *valued(""))
	return trial.Outcome == "halt"
}

func waitFile(t *testing.T, name string) string {
	t.Helper()
	var text []byte
	eventually(t, func() bool {
		var err error
		text, err = os.ReadFile(name)
		return err == nil && len(text) > 0
	})
	return string(text)
}

func waitGone(t *testing.T, pid string) {
	t.Helper()
	eventually(t, func() bool { return !alive(pid) })
}

// alive reports whether a process exists and is more than a zombie.
func alive(pid string) bool {
	f, err := os.Open("/proc/" + pid + "/status")
	if err != nil {
		return false
	}
	defer f.Close()
	lines := bufio.NewScanner(io.LimitReader(f, 4096))
	for lines.Scan() {
		if state, ok := strings.CutPrefix(lines.Text(), "State:"); ok {
			return !strings.HasPrefix(strings.TrimSpace(state), "Z")
		}
	}
	return false
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v", patience)
		}
	}
}
