package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/seed-2837c37b/holdfast/bridge"
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

func TestManyChildrenAtOnce(t *testing.T) {
	t.Parallel()
	const n = 200
	dir := t.TempDir()
	// Every child waits for the last one, so all must be running at the same time.
	// It opens a pipe that nobody has open yet: one that looks again and again
	// would take the time that the others need to start.
	all := filepath.Join(t.TempDir(), "all")
	if err := syscall.Mkfifo(all, 0o600); err != nil {
		t.Fatal(err)
	}
	h := shell(t, `echo >"$1/$HOLDFAST_JOB_OFFSET"; read -r line; : <"$2"; [ "$line" = "$HOLDFAST_JOB_OFFSET" ]`, dir, all)
	errs := make(chan error, n)
	for i := range n {
		go func() {
			errs <- h.Handle(t.Context(), &bridge.Job{Record: bridge.Record{Offset: int64(i), Value: []byte(strconv.Itoa(i) + "\n")}})
		}()
	}
	eventually(t, func() bool { files, _ := os.ReadDir(dir); return len(files) == n })
	open, err := os.OpenFile(all, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
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
