package config

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/seed-2837c37b/holdfast/bridge"
	"github.com/seed-2837c37b/holdfast/partitioner"
)

var update = flag.Bool("update", false, "write the golden files anew")

const smallest = `
kafka: {brokers: [127.0.0.1:9092], group: billing}
data_dir: ./data
topics:
  orders:
handler:
  log: {}
`

func load(t *testing.T, content string, in Input) (*Config, error) {
	t.Helper()
	in.File = "/etc/holdfast/holdfast.yaml"
	if in.Dir == "" {
		in.Dir = "/srv"
	}
	return decode([]byte(content), in)
}

func mustLoad(t *testing.T, content string, in Input) *Config {
	t.Helper()
	c, err := load(t, content, in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, smallest, Input{})
	want := defaults()
	want.Kafka.Brokers, want.Kafka.Group = []string{"127.0.0.1:9092"}, "billing"
	want.DataDir = "/etc/holdfast/data"
	want.Topics = []*Topic{newTopic("orders")}
	want.Topics[0].Retry.Attempts = 0
	want.Handler = &Handler{Log: &LogHandler{}}
	if diff := cmp.Diff(want, c, compare); diff != "" {
		t.Error(diff)
	}
}

var compare = cmp.Options{
	cmp.Comparer(func(a, b partitioner.Source) bool { return a.String() == b.String() }),
	cmpopts.IgnoreUnexported(Config{}),
}

func TestEverything(t *testing.T) {
	t.Parallel()
	own := fmt.Sprintf("%d:%d", os.Geteuid(), os.Getegid())
	c := mustLoad(t, strings.ReplaceAll(`
kafka:
  brokers: k1:9093, k2:9093
  group: billing
  instance_id: none
  session_timeout: 90s
  assignor: [cooperative-sticky, range]
  isolation: read_uncommitted
  start: 2026-01-01T00:00:00Z
  on_external_reset: follow
data_dir: /var/lib/holdfast
workers: 128
flush: 20ms
stop_within: 1.5d
max_crashes: 5
budget: {memory: 512MiB, disk: 30GiB, min_free: 0.5GiB}
topics:
  orders:
    partitioner: {source: [header:tenant, json:customer.id], missing: spread:16, lanes: 64}
    ordering: key
    concurrency: 40
    timeout: 2h
    heartbeat: 5m
    retry: &slowly {attempts: 5, first_delay: 1s, factor: 3, max_delay: 5m, jitter: 0}
    retry_classes:
      - {match: {text: busy}, do: retry_after, delay: 30s}
    on_failure: bury
    dead_letter: {keep: 30d, keep_bytes: 5GiB, guard: {bucket: none, successes: 10, every: 1m}}
    handler: {log: }
  "~^audit\\..*":
    ordering: partition
    retry: *slowly
  imports:
    partitions: [0, 3]
    retry_classes: {match: {exit_code: 3, text: duplicate}, do: skip}
    on_failure: park
handler:
  exec: {command: /bin/true, env: [HOME, TOKEN=x], dir: /, user: "OWN", timeout: 2m, grace: 1s, output_limit: 1KiB}
admin: {socket: /run/holdfast/billing.sock, socket_group: 0, read_only: true}
log: {level: debug, format: json}
`, "OWN", own), Input{})
	guard, byKey := newTopic("").DeadLetter, Partitioner{Source: []partitioner.Source{partitioner.Key()}}
	byDefault := newTopic("").Retry
	byDefault.Attempts = bridge.DefaultAttempts
	slowly := Retry{Attempts: 5, FirstDelay: time.Second, Factor: 3, MaxDelay: 5 * time.Minute}
	want := &Config{
		Kafka: Kafka{
			Brokers: []string{"k1:9093", "k2:9093"}, Group: "billing", InstanceID: "none", SessionTimeout: 90 * time.Second,
			Assignor: []string{"cooperative-sticky", "range"}, ReadUncommitted: true,
			Start:           bridge.Start{Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
			OnExternalReset: bridge.ResetFollow,
		},
		DataDir: "/var/lib/holdfast", Workers: 128, Flush: 20 * time.Millisecond, StopWithin: 36 * time.Hour, MaxCrashes: 5,
		Budget: Budget{Memory: 512 << 20, Disk: 30 << 30, MinFree: 512 << 20},
		Topics: []*Topic{
			{
				Name: "orders",
				Partitioner: Partitioner{
					Source:  []partitioner.Source{partitioner.HeaderValue("tenant"), partitioner.JSON("customer.id")},
					Missing: partitioner.Spread(16), Lanes: 64,
				},
				Concurrency: 40, Timeout: 2 * time.Hour, Heartbeat: 5 * time.Minute, Retry: slowly, Handler: &Handler{Log: &LogHandler{}},
				Classes:   []*Class{{Match: Match{Text: "busy"}, Do: "retry_after", Delay: 30 * time.Second}},
				OnFailure: bridge.BuryJob, DeadLetter: DeadLetter{Keep: 30 * 24 * time.Hour, KeepBytes: 5 << 30, Guard: Guard{Bucket: -1, Successes: 10, Every: time.Minute}},
			},
			{Name: `~^audit\..*`, Partitioner: byKey, Ordering: partitioner.OrderPartition, Retry: slowly, DeadLetter: guard},
			{Name: "imports", Partitioner: byKey, Retry: byDefault, Classes: []*Class{{Match: Match{ExitCode: []int{3}, Text: "duplicate"}, Do: "skip"}}, Partitions: []int32{0, 3}, OnFailure: bridge.ParkLane, DeadLetter: guard},
		},
		Handler: &Handler{Exec: &Exec{
			Command: []string{"/bin/true"}, Env: []string{"HOME", "TOKEN=x"}, Mode: modeProcess, Dir: "/", User: own,
			Timeout: 2 * time.Minute, Grace: time.Second, OutputLimit: 1 << 10,
		}},
		Admin: Admin{Socket: "/run/holdfast/billing.sock", Group: "0", ReadOnly: true},
		Log:   Log{Level: "debug", Format: "json"},
	}
	if diff := cmp.Diff(want, c, compare); diff != "" {
		t.Error(diff)
	}
}

// Without Kafka and a store, what is said about them need not be there.
func TestLoadLocal(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "holdfast.yaml")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("topics: {orders: }\nhandler: {log: {}}\nkafka: {tls: {ca_file: none.pem}}\n")
	c, err := LoadLocal(Input{File: file})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Bridge(nil, nil); err != nil || len(got.Topics) != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	write("topics: {orders: }\nkafka: {groups: x}\n")
	_, err = LoadLocal(Input{File: file})
	want := "2 problems in the configuration:\n  " + file + `:1: topics.orders: has no handler; write one here, or at the top level for every topic
  ` + file + `:2: kafka: unknown key "groups"; did you mean group?`
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}

func TestBridge(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, smallest+"stop_within: 0s\n", Input{Flags: []Flag{{"--instance-id", "kafka.instance_id", "none"}}})
	c.Topics[0].Retry.Jitter = 0
	got, err := c.Bridge(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got.StopWithin >= 0 || got.InstanceID != bridge.Dynamic {
		t.Errorf("stop_within %v, instance %q", got.StopWithin, got.InstanceID)
	}
	if b := got.Topics[0].Retry.(bridge.Backoff); b.Jitter >= 0 {
		t.Errorf("a jitter of 0 became %v", b.Jitter)
	}
	if err := got.Validate(); err != nil {
		t.Error(err)
	}
}

func TestStreamDefaults(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, strings.Replace(smallest, "log: {}", "exec: {mode: stream, command: /bin/true}", 1), Input{})
	want := &Exec{
		Command: []string{"/bin/true"}, Mode: modeStream, Grace: 3 * time.Second, OutputLimit: 3 << 10,
		InFlight: 32, Processes: 1, Value: valueText,
	}
	if diff := cmp.Diff(want, c.Handler.Exec); diff != "" {
		t.Error(diff)
	}
	settings, err := c.Bridge(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := settings.Topics[0].Handler.(io.Closer); !ok {
		t.Error("the handler cannot be closed")
	}
}

func TestPrint(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, smallest+`
budget: {disk: 30GiB}
log: {format: text}
`, Input{Environ: []string{"HOLDFAST_KAFKA_GROUP=007"}})
	c.Handler = &Handler{Exec: &Exec{Command: []string{"/bin/charge", "", "--all"}, Mode: modeProcess, Env: []string{"HOME", "TOKEN=secret"}, Grace: time.Second}}
	c.Topics[0].Partitioner = Partitioner{Source: []partitioner.Source{partitioner.HeaderValue("tenant")}, Lanes: 64}
	c.Kafka.Security = Security{TLS: &TLS{}, SASL: &SASL{Mechanism: "PLAIN", User: "billing", Password: "s3cret"}}
	var b strings.Builder
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("testdata/print.yaml", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/print.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(smallest)
	f.Add(strings.Replace(smallest, "log: {}", "exec: {command: /bin/true, mode: stream, value: base64, timeout: 1s}", 1))
	f.Add("a: &a [*a]\ntopics: &t {orders: *t}")
	f.Add(smallest + "workers: !!int 3\nlog: {level: !x info}")
	f.Add(strings.Replace(smallest, "orders:", "\"~^a\": {retry: &r {factor: 3}, partitions: 0}\n  b: {retry: *r, partitioner: {source: round_robin:3}}", 1))
	f.Add(strings.Replace(smallest, "log: {}", "http: {url: \"http://a/?b\", give_up: [], headers: {x: 007}, type: \"{topic}: #\", tls: }", 1))
	f.Add(strings.Replace(smallest, "orders:", "orders: {on_failure: bury, retry_classes: [{match: {status: 429, text: x}, do: retry_after, delay: 1d}]}", 1))
	f.Add(smallest + "stop_within: 1.5d2h\nbudget: {memory: 1.5GiB}\n? [x]\n: y")
	f.Fuzz(func(t *testing.T, content string) {
		in := Input{File: "/etc/holdfast/holdfast.yaml", Dir: "/"}
		c, err := decode([]byte(content), in)
		if err != nil {
			return
		}
		// What is printed reads back as the same, except for secrets.
		var printed strings.Builder
		if err := c.Print(&printed); err != nil {
			t.Fatal(err)
		}
		again, err := decode([]byte(printed.String()), in)
		if err != nil {
			if strings.Contains(printed.String(), Redacted) {
				return
			}
			t.Fatalf("%v in\n%s", err, printed.String())
		}
		var second strings.Builder
		if err := again.Print(&second); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(printed.String(), second.String()); diff != "" {
			t.Error(diff)
		}
	})
}
