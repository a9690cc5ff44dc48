package exec

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// acting is a stream of actors.
func acting(t testing.TB, config StreamConfig, env ...string) *Stream {
	t.Helper()
	// The race detector would let each child end with a second's sleep.
	config.Command, config.Env = []string{os.Args[0]}, append([]string{asActor + "=x", "GORACE=atexit_sleep_ms=1"}, env...)
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
		`{"id":"ID","snooze":"5m"}`:                                     bridge.Snooze(5 * time.Minute),
		`{"id":"ID","skip":"seen before"}`:                              bridge.Skip("seen before"),
		`{"id":"ID","error":"` + strings.Repeat("x", 19) + "äää" + `"}`: errors.New(strings.Repeat("x", 19) + "..."),
	} {
		if err := s.do("say:" + said); !reflect.DeepEqual(err, want) {
			t.Errorf("%s: %#v, want %#v", said, err, want)
		}
	}
}

// A child hears when its checkpoint is on disk, and may say more before it answers.
func TestStreamCheckpoints(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	s := acting(t, StreamConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for _, said := range []string{
		`{"id":"ID","checkpoint":"so far"}`,
		`{"id":"ID","heartbeat":true}` + "\n" + `{"id":"ID","checkpoint_base64":"/w=="}`,
		`{"id":"ID","heartbeat":true,"checkpoint":""}`,
	} {
		if err := s.do("say:" + said); err != nil {
			t.Errorf("%s: %v", said, err)
		}
	}
	if err := s.do("say:" + `{"id":"ID","checkpoint":"half","error":"refused"}`); err == nil || err.Error() != "refused" {
		t.Errorf("with a failure: %v", err)
	}
	if text := log.String(); text != "" {
		t.Errorf("log:\n%s", text)
	}
}

// A line of a kind that a later version knows leaves its job open.
func TestStreamLeavesRoomForLaterAnswers(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	s := acting(t, StreamConfig{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	for range 2 {
		if err := s.do("say:" + `{"id":"ID","delegated":true}` + "\n" + `{"id":"ID","error":"after it"}`); err == nil || err.Error() != "after it" {
			t.Errorf("error %v", err)
		}
	}
	if text := log.String(); strings.Count(text, "does not understand") != 1 || !strings.Contains(text, "delegated") {
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
		errs := make(chan error, 4)
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
		`{"id":"ID","error":"x","give_up":true,"retry_after":"1s"}`:                      "it says both",
		`{"id":"ID","error":"x","retry_after":"soon"}`:                                   "retry_after",
		`{"id":"ID","error":"x","retry_after":"-1s"}`:                                    "retry_after",
		`{"id":"ID","snooze":"soon"}`:                                                    "snooze",
		`{"id":"ID","snooze":"1s","ok":true}`:                                            "something else",
		`{"id":"ID","skip":"x","error":"y"}`:                                             "something else",
		`{"id":"ID","checkpoint":"x","checkpoint_base64":"eA=="}`:                        "both a checkpoint",
		`{"id":"ID","checkpoint_base64":"%"}`:                                            `its field "checkpoint_base64" is of another type`,
		`{"id":"ID","checkpoint":"` + strings.Repeat("x", bridge.MaxCheckpoint+1) + `"}`: "its checkpoint of 65537 bytes is above 65536",
		strings.Repeat("x", maxAnswer+1):                                                 `a line is longer than 1048576 bytes: "xxx`,
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
