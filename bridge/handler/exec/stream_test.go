package exec

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// acting is a stream of actors.
func acting(t testing.TB, config StreamConfig, env ...string) *Stream {
	t.Helper()
	config.Command, config.Env = []string{os.Args[0]}, append([]string{asActor + "=x"}, env...)
	s, err := NewStream(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func valued(value string) *bridge.Job {
	return &bridge.Job{Record: bridge.Record{Topic: "orders", Partition: 3, Offset: 17, Value: []byte(value)}, Attempt: 1}
}

func (s *Stream) do(value string) error { return s.Handle(context.Background(), valued(value)) }

// begin handles a job and returns when the child has it.
func (s *Stream) begin(t *testing.T, ctx context.Context, value string) <-chan error {
	t.Helper()
	before := s.handed()
	done := make(chan error, 1)
	go func() { done <- s.Handle(ctx, valued(value)) }()
	eventually(t, func() bool { return s.handed() > before })
	return done
}

// handed is how many jobs children have.
func (s *Stream) handed() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, each := range s.slots {
		if c := each.child; c != nil {
			c.mu.Lock()
			n += len(c.open)
			c.mu.Unlock()
		}
	}
	return n
}

// pid is the process that the next job gets to.
func (s *Stream) pid(t *testing.T) string {
	t.Helper()
	err := s.do("pid")
	if err == nil || strings.Trim(err.Error(), "0123456789") != "" {
		t.Fatalf("no process id: %v", err)
	}
	return err.Error()
}

func wait(t *testing.T, done <-chan error) error {
	t.Helper()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		t.Fatalf("the job has not ended within %v", patience)
		return nil
	}
}

func TestStreamAnswers(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{OutputLimit: 20}})
	refused := errors.New("refused")
	for said, want := range map[string]error{
		`{"id":"ID","ok":true}`:                                         nil,
		`{"id":"ID","ok":true,"later":{"a":[1]}}`:                       nil,
		`{"ok":true,"error":null,"id":"ID"}`:                            nil,
		`{"id":"ID","error":"refused"}`:                                 refused,
		`{"id":"ID","ok":false,"error":"refused"}`:                      refused,
		`{"id":"ID","ok":false}`:                                        errors.New("the child gives no reason"),
		`{"id":"ID","error":""}`:                                        errors.New("the child gives no reason"),
		`{"id":"ID","error":"refused","give_up":true}`:                  bridge.Bury(refused),
		`{"id":"ID","error":"refused","give_up":false}`:                 refused,
		`{"id":"ID","error":"refused","retry_after":"1m30s"}`:           bridge.RetryAfter(90*time.Second, refused),
		`{"id":"ID","error":"` + strings.Repeat("x", 19) + "äää" + `"}`: errors.New(strings.Repeat("x", 19) + "..."),
	} {
		if err := s.do("say:" + said); !reflect.DeepEqual(err, want) {
			t.Errorf("%s: %#v, want %#v", said, err, want)
		}
	}
}

// A line of a kind that a later version knows leaves its job open.
func TestStreamLeavesRoomForLaterAnswers(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	s := acting(t, StreamConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 2 {
		if err := s.do("say:" + `{"id":"ID","heartbeat":true}` + "\n" + `{"id":"ID","error":"after it"}`); err == nil || err.Error() != "after it" {
			t.Errorf("error %v", err)
		}
	}
	if text := log.String(); strings.Count(text, "does not understand") != 1 || !strings.Contains(text, "heartbeat") {
		t.Errorf("log:\n%s", text)
	}
}

// The children have as many jobs as they may, and answer them in any order.
func TestStreamInFlight(t *testing.T) {
	t.Parallel()
	const n, processes = 25, 3
	s := acting(t, StreamConfig{InFlight: n, Processes: processes})
	errs := make(chan error, n*processes)
	for range n * processes {
		go func() { errs <- s.do(fmt.Sprint("hold:", n)) }()
	}
	for range n * processes {
		if err := wait(t, errs); err != nil {
			t.Error(err)
		}
	}
	pids := make(map[int]bool)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, each := range s.slots {
		pids[each.child.group.id] = true
	}
	if len(pids) != processes {
		t.Errorf("%d processes, want %d", len(pids), processes)
	}
}

func TestStreamWaitsForAPlace(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{InFlight: 1})
	ctx, cancel := context.WithCancelCause(context.Background())
	first := s.begin(t, ctx, "obey")
	short, stop := context.WithTimeoutCause(context.Background(), 20*time.Millisecond, bridge.ErrRevoked)
	defer stop()
	if err := s.Handle(short, valued("ok")); !errors.Is(err, bridge.ErrRevoked) {
		t.Errorf("a job without a place: %v", err)
	}
	second := make(chan error, 1)
	go func() { second <- s.do("ok") }()
	cancel(bridge.ErrStopping)
	if err := wait(t, first); !errors.Is(err, bridge.ErrStopping) || !strings.Contains(err.Error(), "cancelled") {
		t.Errorf("the cancelled job: %v", err)
	}
	if err := wait(t, second); err != nil {
		t.Errorf("the job that waited: %v", err)
	}
	if err := s.Handle(ctx, valued("exit:started")); !errors.Is(err, bridge.ErrStopping) {
		t.Errorf("a job whose context has ended: %v", err)
	}
}

func TestStreamLargeValues(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("0123456789\n\"\\\x00<ä>"), 70_000) // more than 1 MiB
	for name, tt := range map[string]struct {
		base64 bool
		data   []byte
	}{"text": {false, data}, "base64": {true, data}, "bytes": {false, append([]byte{0xff}, data...)}} {
		s := acting(t, StreamConfig{Base64: tt.base64})
		errs := make(chan error, 8)
		for range cap(errs) {
			go func() { errs <- s.do("sum:" + string(tt.data)) }()
		}
		for range cap(errs) {
			if err := wait(t, errs); err == nil || err.Error() != fmt.Sprintf("%x", sha256.Sum256(tt.data)) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// A child that dies is followed by another one, and its jobs fail by name of the cause.
func TestStreamChildDies(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{})
	pid := s.pid(t)
	other := s.begin(t, context.Background(), "deaf")
	for _, err := range []error{s.do("die"), wait(t, other)} {
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Signal != syscall.SIGKILL || gaveUp(err) || err.Error() != "child "+pid+" ended: ended by signal 9 (killed)" {
			t.Errorf("killed: %v", err)
		}
	}
	err := s.do("exit:out of paper")
	var exit *ExitError
	if !errors.As(err, &exit) || exit.Code != 3 || exit.Stderr != "out of paper" {
		t.Errorf("exited: %v", err)
	}
	if next := s.pid(t); next == pid {
		t.Error("the same process")
	}
	if err := s.do("ok"); err != nil {
		t.Error(err)
	}
}

// An answer whose line is cut off is none.
func TestStreamCutAnswer(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{})
	if err := s.do("cut"); err == nil || !strings.HasSuffix(err.Error(), "ended: exit status 0") {
		t.Errorf("error %v", err)
	}
}

func TestStreamNonsense(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		`hello`:                              `not a JSON object: "hello"`,
		"\n":                                 `not a JSON object: ""`,
		`[1]`:                                "not a JSON object",
		`null`:                               "not a JSON object",
		`{"id":"ID","ok":true} {}`:           "not a JSON object",
		`{"ok":true}`:                        "it has no id",
		`{"ID":"ID","ok":true}`:              "it has no id",
		`{"id":1,"ok":true}`:                 `its field "id" is of another type`,
		`{"id":"ID","ok":"yes"}`:             `its field "ok" is of another type`,
		`{"id":"none","ok":true}`:            `no job with the id "none" is open`,
		`{"id":"none"}`:                      `no job with the id "none" is open`,
		`{"id":"ID","ok":true,"error":"no"}`: "it says both",
		`{"id":"ID","error":"x","give_up":true,"retry_after":"1s"}`: "it says both",
		`{"id":"ID","error":"x","retry_after":"soon"}`:              "retry_after",
		`{"id":"ID","error":"x","retry_after":"-1s"}`:               "retry_after",
		strings.Repeat("x", maxAnswer+1):                            `a line is longer than 1048576 bytes: "xxx`,
	} {
		s := acting(t, StreamConfig{})
		pid := s.pid(t)
		err := s.do("say:" + said)
		var nonsense *ProtocolError
		if !errors.As(err, &nonsense) || gaveUp(err) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "child "+pid+" was killed: ") || len(err.Error()) > 400 {
			t.Errorf("%.80s: %.500v", said, err)
		}
		waitGone(t, pid)
		if err := s.do("ok"); err != nil {
			t.Errorf("%.80s: the next child: %v", said, err)
		}
		s.Close()
	}
}

// An answer counts once: the second one is nonsense, whichever run of the job is open.
func TestStreamAnswersOnce(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{})
	other := s.begin(t, context.Background(), "deaf")
	twice := `{"id":"ID","ok":true}` + "\n" + `{"id":"ID","ok":true}`
	if err := s.do("say:" + twice); err != nil {
		t.Errorf("the first answer: %v", err)
	}
	var nonsense *ProtocolError
	if err := wait(t, other); !errors.As(err, &nonsense) {
		t.Errorf("the other job of the child: %v", err)
	}

	s = acting(t, StreamConfig{})
	if err := s.do("say:" + `{"id":"ID","error":"ran as 1"}`); err == nil || err.Error() != "ran as 1" {
		t.Fatal(err)
	}
	late := s.do("say:" + `{"id":"1","ok":true}`) // for the run before this one of the same job
	if !errors.As(late, &nonsense) || !strings.Contains(late.Error(), `"1"`) {
		t.Errorf("a late answer: %v", late)
	}
}

func TestStreamCancel(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{Grace: patience}})
	ctx, cancel := context.WithCancelCause(context.Background())
	obeys, finishes := s.begin(t, ctx, "obey"), s.begin(t, ctx, "finish")
	pid := s.pid(t)
	cancel(bridge.ErrRevoked)
	if err := wait(t, obeys); !errors.Is(err, bridge.ErrRevoked) || !strings.HasSuffix(err.Error(), ": cancelled") {
		t.Errorf("the job that obeys: %v", err)
	}
	if err := wait(t, finishes); err != nil {
		t.Errorf("the job that finishes all the same: %v", err)
	}
	if s.pid(t) != pid {
		t.Error("the child was killed")
	}
}

// A run is not left alone in a child that does not heed its cancel.
func TestStreamCancelUnheeded(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{Grace: 50 * time.Millisecond}})
	ctx, cancel := context.WithCancelCause(context.Background())
	pid := s.pid(t)
	other := s.begin(t, context.Background(), "deaf")
	deaf := s.begin(t, ctx, "deaf")
	cancel(bridge.ErrRevoked)
	err := wait(t, deaf)
	if alive(pid) {
		t.Error("the child is alive")
	}
	const why = "was killed: orders/3@17 was not answered within 50ms of its cancel"
	if !errors.Is(err, bridge.ErrRevoked) || !strings.HasSuffix(err.Error(), why) {
		t.Errorf("the job: %v", err)
	}
	if err := wait(t, other); errors.Is(err, bridge.ErrRevoked) || !strings.HasSuffix(err.Error(), why) {
		t.Errorf("the other job: %v", err)
	}
	if s.pid(t) == pid {
		t.Error("the same process")
	}
}

// See TestLongGraceEndsWithTheJob.
func TestStreamLongGraceEndsWithTheJob(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{Grace: time.Hour}})
	ctx, cancel := context.WithCancelCause(context.Background())
	pid := s.pid(t)
	deaf := s.begin(t, ctx, "deaf")
	cancel(bridge.ErrStopping)
	if err := wait(t, deaf); err == nil || !strings.HasSuffix(err.Error(), "was killed: orders/3@17 was not answered within 3s of its cancel") {
		t.Errorf("error %v", err)
	}
	if alive(pid) {
		t.Error("the child is alive")
	}
}

func TestStreamTimeLimit(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{Timeout: 2 * time.Second, Grace: patience}})
	eventually(t, func() bool { return s.do("ok") == nil }) // the child reads
	err := s.do("obey")
	var limit *TimeoutError
	if !errors.As(err, &limit) || gaveUp(err) || err.Error() != "time limit of 2s passed: cancelled" {
		t.Errorf("error %v", err)
	}
	if err := s.do("finish"); err != nil {
		t.Errorf("a job that finishes all the same: %v", err)
	}
}

// A child that reads nothing for long blocks nobody: what waits in front of its pipe can be
// taken back, and the rest goes on when it does.
func TestStreamSlowReader(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{Grace: patience}, InFlight: 12})
	file := filepath.Join(t.TempDir(), "go on")
	first := s.begin(t, context.Background(), "file:"+file)
	large := "ok:" + strings.Repeat("x", 1<<20)
	rest := make(chan error, 9)
	for range cap(rest) {
		go func() { rest <- s.do(large) }()
	}
	c := s.slots[0].child
	queued := func() int {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.queue)
	}
	eventually(t, func() bool { return queued() >= 8 })
	ctx, cancel := context.WithCancelCause(context.Background())
	last := make(chan error, 1)
	go func() { last <- s.Handle(ctx, valued("exit:seen")) }()
	eventually(t, func() bool { return queued() >= 9 })
	cancel(bridge.ErrStopping)
	if err := wait(t, last); err != bridge.ErrStopping {
		t.Errorf("the job that was taken back: %v", err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range cap(rest) {
		if err := wait(t, rest); err != nil {
			t.Error(err)
		}
	}
	if err := wait(t, first); err != nil {
		t.Error(err)
	}
}

// What a child writes to stderr is logged, but not all of a flood, and never blocks it.
func TestStreamStderr(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	s := acting(t, StreamConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	if err := s.do("flood"); err != nil {
		t.Fatal(err)
	}
	pid := s.pid(t)
	s.Close()
	text := log.String()
	lines := strings.Count(text, "msg=\"exec: child wrote to stderr\" pid="+pid+" line=xxx")
	if lines < stderrLinesPerSecond || len(text) > lines*(maxStderrLine+200) || !strings.Contains(text, "not_shown") {
		t.Errorf("%d lines, %d bytes", lines, len(text))
	}
}

// A child that closes its end of a pipe cannot work any more.
func TestStreamHalfClosedChild(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{})
	if err := s.do("close"); err == nil || !strings.HasSuffix(err.Error(), "was killed: it closed its stdout and went on") {
		t.Errorf("without stdout: %v", err)
	}
	shut := s.begin(t, context.Background(), "shut")
	var err error
	for ended := false; !ended; { // a job that comes after the end of stdin finds it out
		go func() { _ = s.do("ok") }()
		select {
		case err = <-shut:
			ended = true
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err == nil || !strings.HasSuffix(err.Error(), "was killed: it closed its stdin and went on") {
		t.Errorf("without stdin: %v", err)
	}
}

func TestStreamThatCannotStart(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "program")
	script := []byte("#!/bin/sh\nread -r line && echo '{\"id\":\"2\",\"ok\":true}'\nread -r line\n")
	if err := os.WriteFile(program, script, 0o700); err != nil {
		t.Fatal(err)
	}
	s, err := NewStream(StreamConfig{Config: Config{Command: []string{program}}})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := os.Rename(program, program+".away"); err != nil {
		t.Fatal(err)
	}
	if err := s.do("x"); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "start "+program) {
		t.Errorf("without a program: %v", err)
	}
	if err := os.Rename(program+".away", program); err != nil {
		t.Fatal(err)
	}
	if err := s.do("x"); err != nil {
		t.Errorf("with the program: %v", err)
	}
}

func TestStreamClose(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{Config: Config{Grace: patience}})
	pid := s.pid(t)
	deaf := s.begin(t, context.Background(), "deaf")
	s.Close()
	if alive(pid) {
		t.Error("the child is alive")
	}
	if err := wait(t, deaf); err == nil || !strings.HasSuffix(err.Error(), "ended: exit status 0") {
		t.Errorf("the job that ran: %v", err)
	}
	if err := s.do("ok"); !errors.Is(err, ErrClosed) {
		t.Errorf("a job that comes later: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	acting(t, StreamConfig{}).Close() // without any child

	s = acting(t, StreamConfig{Config: Config{Grace: 50 * time.Millisecond}}, asActor+"=stubborn")
	pid = s.pid(t)
	s.Close()
	if alive(pid) {
		t.Error("the stubborn child is alive")
	}
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

func TestStreamConfigReportsAllProblems(t *testing.T) {
	t.Parallel()
	_, err := NewStream(StreamConfig{InFlight: -1, Processes: -1, Config: Config{Grace: -1}})
	for _, part := range []string{"command is empty", "grace", "in flight", "processes"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%q is missing in: %v", part, err)
		}
	}
	for _, c := range []StreamConfig{{InFlight: maxPlaces + 1}, {InFlight: 1000, Processes: 1000}, {Processes: 1 << 40}} {
		c.Command = []string{"sh"}
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), "more than 100000") {
			t.Errorf("%d in %d: %v", c.InFlight, c.Processes, err)
		}
	}
}

// Many workers, jobs and deaths at once: every job ends, and no place is lost.
func TestStreamUnderFire(t *testing.T) {
	t.Parallel()
	s := acting(t, StreamConfig{InFlight: 8, Processes: 2, Config: Config{Grace: 20 * time.Millisecond}})
	var workers sync.WaitGroup
	for w := range 40 {
		workers.Go(func() {
			for i := range 50 {
				verb := "ok"
				switch (w*50 + i) % 400 {
				case 100:
					verb = "die"
				case 200:
					verb = "say:what?"
				case 300:
					verb = "obey"
				}
				ctx, cancel := context.WithCancel(context.Background())
				if verb == "obey" {
					time.AfterFunc(time.Millisecond, cancel)
				}
				if err := s.Handle(ctx, valued(verb)); err == nil && verb != "ok" {
					t.Errorf("%s is done", verb)
				}
				cancel()
			}
		})
	}
	workers.Wait()
	eventually(t, func() bool { return len(s.places) == cap(s.places) })
}

func BenchmarkStream(b *testing.B) {
	s := acting(b, StreamConfig{InFlight: 64})
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.do("ok"); err != nil {
				b.Error(err)
			}
		}
	})
}

// syncBuffer is a buffer for a logger.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
