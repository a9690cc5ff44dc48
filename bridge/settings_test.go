package bridge

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

func set(topic, name string, value float64) inspect.Setting {
	return inspect.Setting{Topic: topic, Name: name, Value: &value}
}

// One that does not go with the configuration, which was changed since, leaves the
// others in force.
func TestSettingsThatGoWithTheConfigurationAreInForce(t *testing.T) {
	t.Parallel()
	nothing := HandlerFunc(func(context.Context, *Job) error { return nil })
	cfg := Config{
		Brokers: []string{"kafka:9092"}, Group: "billing", DataDir: "data",
		Topics: []Topic{{Name: "orders", Handler: nothing, Expiry: 10 * time.Minute}},
	}
	for name, test := range map[string]struct {
		settings []inspect.Setting
		problems []string // parts of them
		delay    time.Duration
		rate     float64
	}{
		"all go":                             {[]inspect.Setting{set("orders", "delay", 60), set("orders", "rate", 5)}, []string{"", ""}, time.Minute, 5},
		"one does not":                       {[]inspect.Setting{set("orders", "delay", 900), set("orders", "rate", 5)}, []string{"not shorter than Expiry", ""}, 0, 5},
		"one needs another that comes later": {[]inspect.Setting{set("orders", "delay", 900), set("orders", "expire_after", 1000)}, []string{"", ""}, 15 * time.Minute, 0},
		"they exclude each other":            {[]inspect.Setting{set("orders", "delay", 300), set("orders", "expire_after", 200)}, []string{"", "not shorter than Expiry"}, 5 * time.Minute, 0},
		"there is no such entry":             {[]inspect.Setting{set("gone", "delay", 60), set("orders", "rate", 5)}, []string{"no entry gone", ""}, 0, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, problems := cfg.fit(test.settings)
			for i, part := range test.problems {
				if (problems[i] == "") != (part == "") || !strings.Contains(problems[i], part) {
					t.Errorf("%s: the problem is %q, want %q", test.settings[i], problems[i], part)
				}
			}
			if diff := cmp.Diff([]any{test.delay, test.rate}, []any{got.Topics[0].Delay, got.Topics[0].Rate}); diff != "" {
				t.Error(diff)
			}
			if cfg.Topics[0].Delay != 0 || cfg.Topics[0].Rate != 0 {
				t.Error("the configuration itself was changed")
			}
		})
	}
}
