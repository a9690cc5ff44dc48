package config

import (
	"errors"
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

func TestProblems(t *testing.T) {
	t.Parallel()
	base := strings.TrimSpace(smallest) + "\n"
	const file = "/etc/holdfast/holdfast.yaml"
	for _, tt := range []struct {
		name, content string
		want          []string
	}{
		{"misspelt key", base + "worker: 3", []string{file + `:7: unknown key "worker"; did you mean workers?`}},
		{"key of another section", base + "group: x", []string{file + `:7: unknown key "group"; known here: admin, budget, data_dir, flush, handler, kafka, log, max_crashes, metrics, rate, stop_within, topics, workers`}},
		{"feature that does not exist", strings.Replace(base, "  orders:", "  orders: {priority: high}", 1), []string{file + `:4: topics.orders: unknown key "priority"; known here: concurrency, dead_letter, delay, delay_header, expire_after, filter, handler, heartbeat, on_failure, only_latest, ordering, partitioner, partitions, produce, rate, retry, retry_classes, timeout`}},
		{"unknown failure policy", strings.Replace(base, "  orders:", "  orders: {on_failure: drop}", 1), []string{file + `:4: topics.orders.on_failure: "drop" is unknown; use block, bury or park`}},
		{"park without keys", strings.Replace(base, "  orders:", "  orders: {on_failure: park, ordering: none}", 1), []string{
			file + `:4: topics.orders.on_failure: park sets a key aside, and ordering none has none; use block or bury, or ordering key`,
		}},
		{"class of everything", strings.Replace(base, "  orders:", "  orders: {retry_classes: {match: {}, do: skip}}", 1), []string{
			file + `:4: topics.orders.retry_classes: matches everything; write match: with exit_code, status or text`,
		}},
		{"class without an answer", strings.Replace(base, "  orders:", "  orders: {retry_classes: [{match: {text: x}}]}", 1), []string{
			file + `:4: topics.orders.retry_classes: does not say what to do; write do: retry, retry_after, bury, skip or snooze`,
		}},
		{"class without a delay", strings.Replace(base, "  orders:", "  orders: {retry_classes: [{match: {status: 429}, do: snooze}]}", 1), []string{
			file + `:4: topics.orders.retry_classes: snooze needs a delay; write for example delay: 30s`,
		}},
		{"class with a delay too many", strings.Replace(base, "  orders:", "  orders: {retry_classes: [{match: {exit_code: 0}, do: bury, delay: 1s}]}", 1), []string{
			file + `:4: topics.orders.retry_classes: bury has no delay; remove it, or use retry_after or snooze`,
		}},
		{"no guard of zero", strings.Replace(base, "  orders:", "  orders: {dead_letter: {guard: {bucket: 0}}}", 1), []string{
			file + `:4: topics.orders.dead_letter.guard.bucket: "0" is not a whole number of at least 1, or none`,
		}},
		{"set twice", base + "workers: 1\nworkers: 2", []string{file + `:8: workers is set twice, first in line 7; remove one`}},
		{"not a number", base + "workers: many", []string{file + `:7: workers: "many" is not a whole number of at least 1`}},
		{"not a duration", base + "flush: 10", []string{file + `:7: flush: "10" is not a duration; write for example 10ms, 45s, 2h30m or 30d`}},
		{"too short", base + "flush: 1us", []string{file + `:7: flush: 1us is too short; use at least 1ms`}},
		{"not a size", base + "budget: {memory: 256MB}", []string{file + `:7: budget.memory: "256MB" is not a size; write for example 512KiB, 256MiB or 30GiB`}},
		{"no value", base + "workers:", []string{file + `:7: workers: has no value; give it one or remove the key`}},
		{"list for a value", base + "workers: [1]", []string{file + `:7: workers: is a list; write a single value`}},
		{"value for a section", base + "budget: 3", []string{file + `:7: budget: is a single value; write its keys below it`}},
		{"empty list", strings.Replace(base, "[127.0.0.1:9092]", "[]", 1), []string{
			file + `:1: kafka.brokers: is an empty list; give at least one value or remove the key`,
		}},
		{"no port", strings.Replace(base, "127.0.0.1:9092", "localhost", 1), []string{
			file + `:1: kafka.brokers: "localhost" is not host:port`,
		}},
		{"unknown word", base + "log: {level: loud}", []string{file + `:7: log.level: "loud" is unknown; use debug, info, warn or error`}},
		{"unknown source", strings.Replace(base, "  orders:", "  orders: {partitioner: {source: [key, headers]}}", 1), []string{
			file + `:4: topics.orders.partitioner.source: source "headers": unknown: use key, header:NAME, json:PATH or round_robin:N`,
		}},
		{"contradicting retry", strings.Replace(base, "  orders:", "  orders:\n    retry: {first_delay: 5m}", 1), []string{
			file + `:5: topics.orders.retry: first_delay (5m) is longer than max_delay (1m); delays only grow`,
		}},
		{"unknown group", base + "admin: {socket_group: no-such-group}", []string{file + `:7: admin.socket_group: there is no group "no-such-group" on this machine`}},
		{"merge key", base + "log: {<<: {level: info}}", []string{file + `:7: log: << is not supported; write the keys out, or use an alias for a whole value`}},
		{"no handler", strings.Replace(base, "handler:\n  log: {}\n", "", 1), []string{
			file + `:4: topics.orders: has no handler; write one here, or at the top level for every topic`,
		}},
		{"empty handler", strings.Replace(base, "  log: {}", "  {}", 1), []string{
			file + `:6: handler: names no handler; write exec: {command: [...]}, http: {url: ...} or log: {}`,
		}},
		{"two handlers", strings.Replace(base, "log: {}", "{log: {}, exec: {command: /bin/true}}", 1), []string{
			file + `:6: handler: has both exec and log; keep one`,
		}},
		{"log with a value", strings.Replace(base, "log: {}", "log: {level: info}", 1), []string{
			file + `:6: handler.log: unknown key "level"; there is nothing to set here, write {}`,
		}},
		{"missing program", strings.Replace(base, "log: {}", "exec: {command: no-such-program}", 1), []string{
			file + `:6: handler.exec: command cannot be run: "no-such-program": executable file not found in $PATH; install it, or name its path`,
		}},
		{"missing folder and user", strings.Replace(base, "log: {}", "exec: {command: /bin/true, dir: nowhere, user: no-such-user}", 1), []string{
			file + `:6: handler.exec: dir cannot be used: stat /etc/holdfast/nowhere: no such file or directory; user no-such-user: there is no such user; name one that exists, or write UID:GID`,
		}},
		{"stream settings without a stream", strings.Replace(base, "log: {}", "exec: {command: /bin/true, in_flight: 8}", 1), []string{
			file + `:6: handler.exec: has in_flight, processes or value, which are for mode: stream; set that, or remove them`,
		}},
		{"stream", strings.Replace(base, "log: {}", "exec: {command: /bin/true, mode: streams, in_flight: 0}", 1), []string{
			file + `:6: handler.exec.mode: "streams" is unknown; use process or stream`,
			file + `:6: handler.exec.in_flight: "0" is not a whole number of at least 1`,
		}},
		{"too large a stream", strings.Replace(base, "log: {}", "exec: {command: /bin/true, mode: stream, in_flight: 1000, processes: 1000}", 1), []string{
			file + `:6: handler.exec: 1000 jobs in flight in each of 1000 processes are more than 100000`,
		}},
		{"pattern", strings.Replace(base, "orders:", `"~(":`, 1), []string{
			file + ":4: topics.~(: is not a regular expression: error parsing regexp: missing closing ): `(`",
		}},
		{"topic name", strings.Replace(base, "orders:", `"a b":`, 1), []string{
			file + `:4: topics.a b: "a b" cannot be a Kafka topic: 1 to 249 of letters, digits, '.', '_' and '-'; a pattern begins with ~`,
		}},
		{"syntax", "kafka: [", []string{
			file + `:1: not valid YAML: did not find expected node content`,
		}},
		{"pattern twice", strings.Replace(base, "  orders:", "  '~orders.*':\n  '~^audit$':\n  '~or?ders.*': {concurrency: 1}\n  '~orders':", 1), []string{
			file + `:7: topics.~orders: is for the topic orders alone, which ~orders.* matches, too; leave out the ~, an entry with a name goes before patterns`,
		}},
		{"second document", base + "---\nworkers: 3", []string{file + `:7: a second YAML document begins here; keep one`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, tt.content, Input{})
			var problems *Error
			if !errors.As(err, &problems) {
				t.Fatalf("error is %v", err)
			}
			var got []string
			for _, p := range problems.Problems {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestEmptyFile(t *testing.T) {
	t.Parallel()
	_, err := load(t, "# nothing\n", Input{})
	want := `4 problems in the configuration:
  /etc/holdfast/holdfast.yaml: kafka.brokers: is empty; name at least one broker as host:port
  /etc/holdfast/holdfast.yaml: kafka.group: is empty; name the consumer group
  /etc/holdfast/holdfast.yaml: data_dir: is empty; name a directory on a local disk
  /etc/holdfast/holdfast.yaml: topics: is empty; name at least one topic`
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}

func TestMissingFile(t *testing.T) {
	t.Parallel()
	_, err := Load(Input{File: filepath.Join(t.TempDir(), "none.yaml")})
	if err == nil || !strings.Contains(err.Error(), "none.yaml: the file does not exist; name it with --config FILE") {
		t.Errorf("error is %v", err)
	}
}

func TestPrecedence(t *testing.T) {
	t.Parallel()
	in := Input{Environ: []string{"HOLDFAST_WORKERS=7", "HOLDFAST_KAFKA_GROUP=env", "HOLDFAST_DATA_DIR=there", "HOLDFAST_LOG_LEVEL="}}
	content := smallest + "workers: 5\nlog: {level: warn}\n"
	c := mustLoad(t, content, in)
	if c.Workers != 7 || c.Kafka.Group != "env" || c.DataDir != "/srv/there" || c.Log.Level != "warn" || c.Flush != 10*time.Millisecond {
		t.Errorf("with variables: %+v", c)
	}
	in.Flags = []Flag{{"--workers", "workers", "9"}, {"--brokers", "kafka.brokers", "a:1, b:2"}}
	c = mustLoad(t, content, in)
	if c.Workers != 9 || !cmp.Equal(c.Kafka.Brokers, []string{"a:1", "b:2"}) {
		t.Errorf("with flags: %+v", c)
	}
}

func TestProblemsOfVariablesAndFlags(t *testing.T) {
	t.Parallel()
	_, err := load(t, smallest, Input{
		Environ: []string{"HOLDFAST_FLUSH=soon", "HOLDFAST_KAFKA_BROKERS=nowhere"},
		Flags:   []Flag{{"--workers", "workers", "0"}},
	})
	want := `3 problems in the configuration:
  --workers: workers: "0" is not a whole number of at least 1
  HOLDFAST_FLUSH: flush: "soon" is not a duration; write for example 10ms, 45s, 2h30m or 30d
  HOLDFAST_KAFKA_BROKERS: kafka.brokers: "nowhere" is not host:port`
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}

func TestWarnings(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]int{
		"kafka: {sasl: {mechanism: PLAIN, user: billing, password_file: /dev/null}, tls: {}}":  0,
		"kafka: {sasl: {mechanism: SCRAM-SHA-256, user: billing, password_file: /etc/passwd}}": 0,
		"kafka: {sasl: {mechanism: PLAIN, user: billing, password_file: /etc/passwd}}":         1,

		"handler: {exec: {command: x, env: [PATH, NO_SUCH=x]}}":                                0,
		"handler: {exec: {command: x, env: [NO_SUCH, NONE_SUCH]}}":                             2,
		"topics: {a: , b: {handler: {exec: {command: x, env: NO_SUCH}}}}":                      1,
		"handler: {http: {url: 'http://billing.test'}}":                                        0,
		"handler: {http: {url: 'https://billing.test', header_files: {Authorization: token}}}": 0,
		"handler: {http: {url: 'http://[::1]:8080', header_files: {Authorization: token}}}":    0,
		"handler: {http: {url: 'http://localhost', header_files: {Authorization: token}}}":     0,
		"handler: {http: {url: 'http://billing.test', header_files: {Authorization: token}}}":  1,
	} {
		found, _, err := assemble([]byte(content), Input{File: "/x.yaml"})
		if err != nil {
			t.Fatal(err)
		}
		got := found.Warnings()
		if len(got) != want {
			t.Errorf("%s: %q, want %d", content, got, want)
		}
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

func TestMisspelt(t *testing.T) {
	t.Parallel()
	got := Misspelt([]string{
		"HOLDFAST_WORKER=3", "HOLDFAST_WORKERS=3", "HOLDFAST_JOB_TOPIC=x", "HOLDFAST_SERVICE_HOST=10.0.0.1",
		"HOLDFAST_PORT_9092_TCP_ADDR=10.0.0.1", "WORKERS=1", "HOLDFAST_WORKERZ=",
	})
	if diff := cmp.Diff(map[string]string{"HOLDFAST_WORKER": "HOLDFAST_WORKERS"}, got); diff != "" {
		t.Error(diff)
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

func TestWhereTheSocketIs(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                           "/var/lib/holdfast/admin.sock",
		"admin: {socket: auto}":      "/var/lib/holdfast/admin.sock",
		"admin: {socket: none}":      "",
		"admin: {socket: ../x.sock}": "/etc/x.sock",
		"admin: {socket: /run/h.s}":  "/run/h.s",
	} {
		content := strings.Replace(smallest, "./data", "/var/lib/holdfast", 1) + text
		if got := mustLoad(t, content, Input{}).SocketPath(); got != want {
			t.Errorf("%q: the socket is %q, want %q", text, got, want)
		}
	}
}

func TestAGroupThatCannotReachTheSocketIsWarnedOf(t *testing.T) {
	t.Parallel()
	open := t.TempDir()
	if err := os.Chmod(open, 0o710); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"data_dir: /no/such\nadmin: {socket_group: 0}":                             true,
		"data_dir: /no/such\nadmin: {socket_group: 0, socket: /run/holdfast.sock}": false,
		"data_dir: " + open + "\nadmin: {socket_group: 0}":                         false,
		"data_dir: /no/such": false,
	} {
		warned := strings.Contains(fmt.Sprint(mustLoad(t, strings.Replace(smallest, "data_dir: ./data", text, 1), Input{}).Warnings()), "admin.socket_group")
		if warned != want {
			t.Errorf("%q is warned of: %v, want %v", text, warned, want)
		}
	}
}
