package config

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge"
)

const allIntake = `
kafka: {brokers: [127.0.0.1:9092], group: billing}
data_dir: ./data
rate: 2000/s
topics:
  orders:
    rate: 0.5/s
    filter: {header: {env: prod, tenant: acme}, absent: [test, dry-run]}
    expire_after: 1d
    delay: 15m
    delay_header: not-before
    only_latest: true
handler:
  log: {}
`

func TestIntake(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, allIntake, Input{})
	made, err := c.Bridge(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	topic := made.Topics[0]
	if made.Rate != 2000 || topic.Rate != 0.5 || topic.Expiry != 24*time.Hour || topic.Delay != 15*time.Minute ||
		topic.DelayHeader != "not-before" || !topic.OnlyLatest || topic.Filter == nil {
		t.Errorf("%+v", topic)
	}
	var printed strings.Builder
	if err := c.Print(&printed); err != nil {
		t.Fatal(err)
	}
	again := mustLoad(t, printed.String(), Input{})
	if diff := cmp.Diff(c, again, compare); diff != "" {
		t.Errorf("what is printed reads as another: %s", diff)
	}
	if made, err := mustLoad(t, smallest, Input{}).Bridge(nil, nil); err != nil || made.Topics[0].Filter != nil {
		t.Errorf("a topic without a filter has one, %v", err)
	}
}

func TestFilterByHeaders(t *testing.T) {
	t.Parallel()
	passes := mustLoad(t, allIntake, Input{}).Topics[0].Filter.passes()
	for text, want := range map[string]bool{
		"env=prod tenant=acme":            true,
		"tenant=acme env=prod other=":     true,
		"env=prod":                        false,
		"":                                false,
		"env=prod tenant=acme test=":      false,
		"env=prod tenant=acme dry-run=no": false,
		"env=prod tenant=other":           false,
		"env=test tenant=acme env=prod":   true, // the last one counts
		"env=prod tenant=acme env=prod":   true,
		"env=prod env=test tenant=acme":   false,
		"env tenant=acme":                 false, // null is no value
	} {
		var r bridge.Record
		for field := range strings.FieldsSeq(text) {
			name, value, ok := strings.Cut(field, "=")
			h := bridge.Header{Key: name}
			if ok {
				h.Value = []byte(value)
			}
			r.Headers = append(r.Headers, h)
		}
		if got := passes(&r); got != want {
			t.Errorf("%q passes: %v", text, got)
		}
	}
}

func TestWrongIntake(t *testing.T) {
	t.Parallel()
	for from, c := range map[string]struct{ to, want string }{
		"rate: 2000/s":       {"rate: 2000", `"2000" is not a rate; write for example 500/s or 0.5/s`},
		"rate: 0.5/s":        {"rate: 0/s", `"0/s" is not a rate`},
		"only_latest: true":  {"only_latest: yes please", "is neither true nor false"},
		"delay: 15m":         {"delay: 2d", "topics.orders.delay: 48h0m0s is not shorter than expire_after (24h0m0s)"},
		"expire_after: 1d":   {"expire_after: never", `"never" is not a duration`},
		"absent: [test, dry": {"absent: [env, dry", "header env is to have a value and to be absent"},
		"filter: {header: {env: prod, tenant: acme}, absent: [test, dry-run]}": {"filter: {}", "says nothing; write header:"},
		"    delay: 15m": {"    ordering: none", "topics.orders.only_latest: needs an ordering by key"},
	} {
		_, err := load(t, strings.Replace(allIntake, from, c.to, 1), Input{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.to, err, c.want)
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	c := mustLoad(t, allIntake, Input{})
	if got := c.Changes(mustLoad(t, allIntake, Input{})); got.Live != nil || got.Restart != nil {
		t.Errorf("nothing has changed but %+v", got)
	}
	replaced := strings.NewReplacer(
		"rate: 2000/s", "workers: 3", "rate: 0.5/s", "rate: 1/s", "delay: 15m", "retry: {attempts: 3}",
		"env: prod", "env: test", "topics:", "budget: {disk: 1GiB}\ntopics:\n  new.one: {rate: 1/s}",
	).Replace(allIntake)
	got := c.Changes(mustLoad(t, replaced, Input{}))
	live := []string{"rate", "topics.orders.delay", "topics.orders.rate", "topics.orders.retry.attempts", "workers"}
	if !slices.Equal(got.Live, live) {
		t.Errorf("live %q, want %q", got.Live, live)
	}
	for _, key := range []string{"budget.disk", "topics.new.one.rate", "topics.orders.filter.header.env"} {
		if !slices.Contains(got.Restart, key) {
			t.Errorf("restart %q lacks %s", got.Restart, key)
		}
	}
}
