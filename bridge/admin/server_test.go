package admin

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/queue"
)

// serveWith is serve with other limits.
func serveWith(t *testing.T, cfg Config, change func(*limits)) string {
	t.Helper()
	path := filepath.Join(shortDir(t), SocketName)
	listener, err := Listen(path, ListenOptions{})
	must(t, err)
	server, err := NewServer(cfg)
	must(t, err)
	to := defaultLimits()
	change(&to)
	server.limit(to)
	run(t, server, listener)
	return path
}

// raw sends bytes and returns what comes back until the other end closes.
func raw(t *testing.T, path, request string) string {
	t.Helper()
	conn, err := net.Dial("unix", path)
	must(t, err)
	defer conn.Close()
	must(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	go io.WriteString(conn, request) // what is refused may not be read to its end
	answer, err := io.ReadAll(conn)
	if err != nil && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
	return string(answer)
}

func post(path, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}

func postAs(header, plan string) string {
	return strings.Replace(post("/v1/plan", plan), "\r\n", "\r\n"+header+"\r\n", 1)
}

func get(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
}

func TestNonsenseIsRefusedAndChangesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 10)
	near := inspect.New(s, inspect.Options{})
	path := serve(t, Config{Inspector: near})
	before := collect(t, near.Jobs(t.Context(), inspect.Query{}))
	for request, want := range map[string]string{
		get("/"):                                   `404 .*"code":"unknown"`,
		get("/v1/"):                                `404 .*"code":"unknown"`,
		get("/v2/jobs"):                            `404 .*this version of the bridge`,
		get("/v1/../../etc/passwd"):                `404`,
		get("/v1/jobs?stored_after=x"):             `400 .*\\"stored_after\\" is not known here`,
		get("/v1/jobs?limit=-1"):                   `400 .*limit -1 is below zero`,
		get("/v1/jobs?limit=99999999999999999999"): `400 .*is not a whole number`,
		get("/v1/jobs?%zz"):                        `400 .*invalid URL escape`,
		get("/v1/dead?error_matches=("):            `400 .*missing closing`,
		get("/v1/partitions?topic=orders"):         `400 .*\\"topic\\" is not known`,
		get("/v1/jobs/"):                           `404 .*Content-Type: application/json.*"code":"unknown"`,
		get("/v1/jobs?partitions=0,null"):          `400 .*\[1\]: is null`,
		get("/v1/jobs?limit=null"):                 `400 .*parameter limit: is null`,
		get("/v1/openapi.json?topic=orders"):       `400 .*has no parameters`,
		get("/v1/plan"):                            `405 .*Allow: POST\r.*"code":"wrong_method".*is not asked for with`,
		"DELETE /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":  `405 .*Allow: GET, HEAD\r.*is not asked for with`,
		"OPTIONS /v1/jobs HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n": `405 .*Allow: GET, HEAD\r`,
		"HEAD /v1/plan HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n":    `405 .*Allow: POST\r\s+Content-Type: application/json\r`,
		"HEAD /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n": `404 `,
		post("/v1/jobs", "{}"): `405 .*Allow: GET, HEAD\r.*is not asked for with`,
		post("/v1/plan?topic=orders", `{"verb":"skip","select":{"topic":"orders"}}`):                             `400 .*takes no parameters in its URL`,
		postAs("Content-Type: application/x-www-form-urlencoded", `{"verb":"skip","select":{"topic":"orders"}}`): `415 .*"code":"wrong_content_type".*send application/json`,
		postAs("Content-Type: /", `{"verb":"skip","select":{"topic":"orders"}}`):                                 `415 `,
		postAs("Content-Encoding: gzip", `{"verb":"skip","select":{"topic":"orders"}}`):                          `415 .*Content-Encoding is \\"gzip\\"`,
		postAs("Content-Type: Application/JSON; charset=utf-8", `{"verb":"skip","select":{"topic":"orders"}}`):   `200 .*Content-Type: application/json.*"matched":10,`,
		post("/v1/plan", `{"verb":"skip","select":{"topic":"orders","partitions":[null]}}`):                      `400 .*\[0\]: is null`,
		post("/v1/snapshot", `{}`):                            `400 .*path is \\"\\": name the directory`,
		post("/v1/snapshot", `{"path":"copy"}`):               `400 .*whole path`,
		get("/v1/lanes?sort=size"):                            `400 .*order \\"size\\" is unknown`,
		get("/v1/jobs?states=sleeping"):                       `400 .*sleeping`,
		get("/v1/explain?topic=orders&partition=x"):           `400 .*is not a whole number`,
		get("/v1/audit?since=yesterday"):                      `400 .*since`,
		post("/v1/plan", ""):                                  `400 .*is not JSON`,
		post("/v1/plan", "null"):                              `400 .*verb \\"\\" is unknown`,
		post("/v1/plan", "[1]"):                               `400 .*is not a JSON object`,
		post("/v1/plan", strings.Repeat("[", 1<<20)):          `400 .*is not JSON`,
		post("/v1/plan", strings.Repeat(`{"select":`, 1<<16)): `400 .*is not JSON`,
		post("/v1/plan", `{"verb":"skip"}`):                   `400 .*no topic is selected`,
		post("/v1/plan", `{"verb":"skip","select":{"topic":"orders"},"stored_after":"2026-01-01T00:00:00Z"}`): `400 .*is not known here`,
		post("/v1/plan", `{"verb":"skip","select":{"topic":"orders","older":1}}`):                             `400 .*is not known here`,
		post("/v1/execute", `{}`): `400 .*it has no command`,
		post("/v1/execute", `{"command":{"verb":"skip","select":{"topic":"orders","older":1}},"jobs":[{"topic":"orders"}]}`):                                                 `400 .*is not known here`,
		post("/v1/execute", `{"command":{"verb":"skip"},"jobs":[{"topic":"orders","partition":0,"offset":1}]}`):                                                              `400 .*no topic is selected`,
		post("/v1/execute", `{"command":{"verb":"skip","select":{"topic":"orders"}},"jobs":[{"topic":"orders","partition":0,"offset":1,"id":"forged"}]}`):                    `200 .*deleted and created anew`,
		post("/v1/execute", `{"command":{"verb":"skip","select":{"topic":"orders"}},"jobs":[{"topic":"orders","partition":0,"offset":1},{"topic":"orders","partition":0}]}`): `400 .*jobs\[1\] has no offset`,
		post("/v1/execute", `{"command":{"verb":"skip","select":{"topic":"orders"}},"jobs":[{"topic":"orders","partition":null,"offset":1}]}`):                               `400 .*jobs\[0\] has no partition`,
		post("/v1/execute", `{"command":{"verb":"seek","select":{"topic":"orders"},"to":{"offset":3}},"seeks":[{"topic":"orders","partition":0}]}`):                          `400 .*seeks\[0\] has no to`,
		post("/v1/plan", strings.Repeat(" ", maxBody+1)):                                                     `413 .*select less at a time`,
		"GET /v1/jobs?key=" + strings.Repeat("k", maxHeader+8192) + " HTTP/1.1\r\nHost: x\r\n\r\n":           `431`,
		"GET /v1/jobs HTTP/1.1\r\n\r\n":                                                                      `400`,
		"\x16\x03\x01\x02\x00\x01\x00":                                                                       `400`,
		"POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n":                                    `400`,
		"POST /v1/plan HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n": `400`,
	} {
		answer := raw(t, path, request)
		_, rest, _ := strings.Cut(answer, " ")
		if !matches(want, strings.ReplaceAll(rest, "\n", " ")) {
			t.Errorf("%.120q is answered with\n%.400s\nwant %s", request, answer, want)
		}
	}
	if after := collect(t, near.Jobs(t.Context(), inspect.Query{})); len(after) != len(before) {
		t.Errorf("of %d jobs %d are left", len(before), len(after))
	}
	dial(t, path) // it goes on
}

// An answer to HEAD is that to GET without its body.
func TestHeadIsAnsweredAsGetIs(t *testing.T) {
	t.Parallel()
	path := serve(t, Config{Inspector: inspect.New(newStore(t, 1, 10), inspect.Options{})})
	for of, kind := range map[string]string{"/v1": "application/json", "/v1/partitions": "application/json", "/v1/jobs": "application/x-ndjson"} {
		answer := raw(t, path, strings.Replace(get(of), "GET", "HEAD", 1))
		header, body, _ := strings.Cut(answer, "\r\n\r\n")
		if !strings.HasPrefix(header, "HTTP/1.1 200 ") || !strings.Contains(header, "Content-Type: "+kind+"\r\n") || body != "" {
			t.Errorf("HEAD %s is answered with\n%s", of, answer)
		}
	}
}

func TestAReadOnlySocketPlansAndExecutesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 10)
	far := dial(t, serve(t, Config{Inspector: inspect.New(s, inspect.Options{}), ReadOnly: true}))
	if !far.About().ReadOnly {
		t.Error("it does not say that it is read-only")
	}
	plan, err := far.Plan(t.Context(), inspect.Command{Verb: inspect.Skip, Select: inspect.Query{Topic: "orders"}})
	if err != nil || len(plan.Jobs) != 10 {
		t.Errorf("planned %d jobs, %v", len(plan.Jobs), err)
	}
	if _, err = far.Execute(t.Context(), plan); !errors.Is(err, ErrReadOnly) {
		t.Errorf("executed: %v", err)
	}
	if n := len(collect(t, far.Jobs(t.Context(), inspect.Query{}))); n != 10 {
		t.Errorf("%d jobs are left of 10", n)
	}
}

func TestWhoChangesSomethingIsWrittenDown(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := newStore(t, 1, 2)
	path := filepath.Join(shortDir(t), SocketName)
	listener, err := Listen(path, ListenOptions{})
	must(t, err)
	stop := serveOn(t, Config{Inspector: inspect.New(s, inspect.Options{}), Logger: slog.New(slog.NewTextHandler(&log, nil))}, listener)
	far := dial(t, path)
	plan, err := far.Plan(inspect.As(t.Context(), "somebody else"), inspect.Command{Verb: inspect.Skip, Select: inspect.Query{Topic: "orders"}})
	must(t, err)
	_, err = far.Execute(inspect.As(t.Context(), "somebody else"), plan)
	must(t, err)
	me := userOf(uint32(os.Getuid()))
	entries := collect(t, far.Audit(t.Context(), inspect.AuditQuery{}))
	if len(entries) != 1 || entries[0].Actor != me {
		t.Errorf("the audit has %+v, want %s", entries, me)
	}
	must(t, stop())
	if want := fmt.Sprintf("path=/v1/execute by=%q", me); !strings.Contains(log.String(), want) || strings.Contains(log.String(), "/v1/plan") {
		t.Errorf("the log has no %s, or a plan:\n%s", want, log.String())
	}
}

// endless lists jobs until nobody takes them.
type endless struct {
	inspect.Inspector
	store *queue.Store
	ended chan struct{}
}

func (e endless) Jobs(context.Context, inspect.Query) iter.Seq2[inspect.Job, error] {
	return func(yield func(inspect.Job, error) bool) {
		defer close(e.ended)
		i := inspect.New(e.store, inspect.Options{})
		for {
			for job, err := range i.Jobs(context.Background(), inspect.Query{}) {
				if !yield(job, err) {
					return
				}
			}
		}
	}
}

func TestAClientThatTakesNothingIsCutOffAndHoldsNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t, 1, 1000)
	e := endless{store: s, ended: make(chan struct{})}
	path := serveWith(t, Config{Inspector: e}, func(l *limits) { l.page = time.Second })
	conn, err := net.Dial("unix", path)
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, get("/v1/jobs"))
	must(t, err)
	_, err = bufio.NewReaderSize(conn, 16).ReadByte() // the list has begun
	must(t, err)
	for stalled := true; stalled; {
		p := s.Attached()[0]
		next := p.State().Next
		_, err := p.Append([]queue.Record{{Offset: next, Lane: queue.Lane{ID: 1}}})
		must(t, err)
		must(t, s.Sync(t.Context())) // the committer goes on
		select {
		case <-e.ended:
			stalled = false
		default:
		}
	}
}

func TestAClientThatSendsNothingIsCutOff(t *testing.T) {
	t.Parallel()
	path := serveWith(t, Config{Inspector: stub{}}, func(l *limits) {
		l.header, l.body, l.idle = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	})
	for _, request := range []string{"", "GET /v1/jo", "GET /v1 HTTP/1.1\r\nHost: x\r\n\r\n", "POST /v1/plan HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"} {
		raw(t, path, request) // returns when the other end closes
	}
	dial(t, path)
}

func TestConnectionsThatAreKeptOpenKeepNobodyOut(t *testing.T) {
	t.Parallel()
	path := serveWith(t, Config{Inspector: stub{}}, func(l *limits) { l.header = 100 * time.Millisecond })
	for range maxConnections + 10 {
		conn, err := net.Dial("unix", path)
		must(t, err)
		defer conn.Close()
	}
	dial(t, path)
}

func TestTooManyRequestsAreRefusedAndOthersGoOn(t *testing.T) {
	t.Parallel()
	path := serveWith(t, Config{Inspector: waiting{}, Health: healthy}, func(l *limits) { l.reads, l.turn = 2, 50*time.Millisecond })
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer cancel()
	refusals := make(chan error, 3)
	far := dial(t, path)
	for range 3 {
		group.Go(func() {
			_, err := far.Partitions(ctx)
			refusals <- err
		})
	}
	if err := <-refusals; !errors.Is(err, ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	if h, err := far.Health(ctx); err != nil || !h.Alive || len(h.Parts) != 1 {
		t.Errorf("its health meanwhile: %+v, %v", h, err)
	}
}

func TestAPanicIsOneRequests(t *testing.T) {
	t.Parallel()
	far := dial(t, serve(t, Config{Inspector: stub{}}))
	for range 2 {
		if _, err := far.Partitions(t.Context()); err == nil || err.Error() != "the bridge failed to answer; its log says more" {
			t.Errorf("a panic is answered with %v", err)
		}
	}
}

// cutting ends in the middle of a list, as a bridge that is killed.
type cutting struct{ inspect.Inspector }

func (cutting) Jobs(context.Context, inspect.Query) iter.Seq2[inspect.Job, error] {
	return func(yield func(inspect.Job, error) bool) {
		for range 1000 {
			yield(inspect.Job{Name: inspect.Name{Topic: "orders"}}, nil)
		}
		panic("killed")
	}
}

func TestAListThatWasCutOffIsNotTakenForWhole(t *testing.T) {
	t.Parallel()
	far := dial(t, serve(t, Config{Inspector: cutting{}}))
	n, last := 0, error(nil)
	for _, err := range far.Jobs(t.Context(), inspect.Query{}) {
		n, last = n+1, err
	}
	if last == nil {
		t.Errorf("%d jobs, and no error", n)
	}
}

func TestTwoCommandsAtOnceDoEachJobOnce(t *testing.T) {
	t.Parallel()
	const jobs = 2000
	s := newStore(t, 1, jobs)
	path := serve(t, Config{Inspector: inspect.New(s, inspect.Options{})})
	var (
		group sync.WaitGroup
		ops   [2]inspect.Operation
		errs  [2]error
	)
	plan, err := dial(t, path).Plan(t.Context(), inspect.Command{Verb: inspect.Bury, Select: inspect.Query{Topic: "orders"}})
	must(t, err)
	plan.Background = false // each of them does it itself
	for i := range ops {
		far := dial(t, path)
		group.Go(func() { ops[i], errs[i] = far.Execute(t.Context(), plan) })
	}
	group.Wait()
	must(t, errors.Join(errs[:]...))
	done := slices.Concat(ops[0].Done, ops[1].Done)
	slices.SortFunc(done, func(a, b inspect.Name) int { return int(a.Offset - b.Offset) })
	if once := slices.Compact(slices.Clone(done)); len(done) != jobs || len(once) != jobs {
		t.Errorf("%d jobs were buried, %d of them different, want %d", len(done), len(once), jobs)
	}
}

func TestTheEndOfTheServerEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	path := filepath.Join(shortDir(t), SocketName)
	listener, err := Listen(path, ListenOptions{})
	must(t, err)
	began := make(chan struct{}, 1)
	server, err := NewServer(Config{Inspector: waiting{began: began}})
	must(t, err)
	to := defaultLimits()
	to.end = 20 * time.Millisecond
	server.limit(to)
	stop := run(t, server, listener)
	far, answered := dial(t, path), make(chan error, 1)
	go func() {
		_, err := far.Partitions(t.Context())
		answered <- err
	}()
	<-began
	must(t, stop())
	if err := <-answered; err == nil {
		t.Error("it was answered")
	}
}

func TestAServerNeedsAnInspector(t *testing.T) {
	t.Parallel()
	if _, err := NewServer(Config{}); err == nil {
		t.Error("it was made without")
	}
}
