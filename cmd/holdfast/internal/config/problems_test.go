package config

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

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
