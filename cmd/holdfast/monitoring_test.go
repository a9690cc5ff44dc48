package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/metrics"
)

const monitoring = "monitoring/"

// described are the metrics that the bridge has, with their labels and what they
// are.
func described(t *testing.T) map[string]string {
	t.Helper()
	descs := make(chan *prometheus.Desc, 1000)
	metrics.New().Describe(descs)
	close(descs)
	form := regexp.MustCompile(`^Desc\{fqName: "(\w+)", help: "(.*?)", .*constLabels: \{\}, variableLabels: \{(.*)\}\}$`)
	found := map[string]string{}
	for d := range descs {
		parts := form.FindStringSubmatch(d.String())
		if parts == nil {
			t.Fatalf("%s has another form", d)
		}
		found[parts[1]] = fmt.Sprintf("| `%s` | %s | %s |\n", parts[1], strings.ReplaceAll(parts[3], ",", ", "), parts[2])
	}
	return found
}

// TestMetricsAreDocumented: METRICS.md is written by this test with -update.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	all := described(t)
	var b strings.Builder
	b.WriteString("# Metrics\n\nWhat `metrics.listen` serves at `/metrics`, beside those of Go and the process (`go_`, `process_`) and\n" +
		"`holdfast_build_info`. Those of runs, waits and flushes are histograms, with `_bucket`, `_sum` and `_count`; of\n" +
		"`holdfast_kafka_request_seconds` and `holdfast_kafka_throttle_seconds` there are `_sum` and `_count`.\n" +
		"No label is a key or a lane: `holdfast top` and `holdfast inspect lanes` tell which lanes block.\n\n" +
		"| name | labels | meaning |\n|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b.WriteString(all[name])
	}
	const file = monitoring + "METRICS.md"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got := string(content(t, file)); got != b.String() {
		t.Errorf("%s is not fresh; run go test ./cmd/holdfast -run TestMetricsAreDocumented -update", file)
	}
}

// TestEveryMetricThatIsWatchedExists in dashboard, alerts and their tests.
func TestEveryMetricThatIsWatchedExists(t *testing.T) {
	t.Parallel()
	known := described(t)
	for _, file := range []string{"dashboard.json", "alerts.yml", "alerts_test.yml"} {
		names := regexp.MustCompile(`\bholdfast_\w+`).FindAllString(string(content(t, monitoring+file)), -1)
		if len(names) == 0 {
			t.Errorf("%s watches nothing", file)
		}
		for _, name := range names {
			bare := name
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				bare = strings.TrimSuffix(bare, suffix)
			}
			if known[name] == "" && known[bare] == "" {
				t.Errorf("%s: there is no metric %s", file, name)
			}
		}
	}
}

// panel is one of Grafana's.
type panel struct {
	ID                       int
	Type, Title, Description string
	Targets                  []struct{ Expr string }
}

func panels(t *testing.T) []panel {
	t.Helper()
	var dashboard struct{ Panels []panel }
	if err := json.Unmarshal(content(t, monitoring+"dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	return dashboard.Panels
}

// TestDashboard: every panel has a description and asks something.
func TestDashboard(t *testing.T) {
	t.Parallel()
	ids := map[int]bool{}
	for _, p := range panels(t) {
		if ids[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		ids[p.ID] = true
		if p.Type != "row" && (p.Description == "" || len(p.Targets) == 0) {
			t.Errorf("%s has no description, or asks nothing", p.Title)
		}
	}
	if len(ids) < 20 {
		t.Errorf("%d panels", len(ids))
	}
}

// asked writes what the dashboard asks as rules, which promtool can check.
func asked(t *testing.T) (file string) {
	t.Helper()
	variables := strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*", "$topic", ".*")
	var b strings.Builder
	b.WriteString("groups:\n- name: dashboard\n  rules:\n")
	n := 0
	for _, p := range panels(t) {
		for _, target := range p.Targets {
			n++
			fmt.Fprintf(&b, "  - record: panel_%d_%d\n    expr: %q\n", p.ID, n, variables.Replace(target.Expr))
		}
	}
	file = filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestAlertsAndDashboardAreRight: Prometheus itself judges their expressions, and
// lets each alert fire in the tests beside them.
func TestAlertsAndDashboardAreRight(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	switch {
	case err != nil && os.Getenv("HOLDFAST_REQUIRE_KAFKA") != "":
		t.Fatal("promtool is not on this machine; run .ci/install")
	case err != nil:
		t.Skip("promtool is not on this machine (Debian's package prometheus)")
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yml"}, {"test", "rules", "alerts_test.yml"}, {"check", "rules", asked(t)}} {
		cmd := exec.Command(promtool, args...)
		cmd.Dir = monitoring
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

func TestEveryAlertIsTested(t *testing.T) {
	t.Parallel()
	tests := string(content(t, monitoring+"alerts_test.yml"))
	rules := regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllStringSubmatch(string(content(t, monitoring+"alerts.yml")), -1)
	if len(rules) < 10 {
		t.Fatalf("%d rules", len(rules))
	}
	for _, r := range rules {
		if !strings.Contains(tests, `alertname="`+r[1]+`"`) {
			t.Errorf("no test lets %s fire", r[1])
		}
	}
}

func content(t *testing.T, file string) []byte {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestAlertsNameCommandsThatExist: whoever is called at night types them.
func TestAlertsNameCommandsThatExist(t *testing.T) {
	t.Parallel()
	named := regexp.MustCompile(`holdfast [a-z][^,"\n]*`)
	placeholder := regexp.MustCompile(`\{\{[^}]*\}\}`)
	count := 0
	for _, line := range regexp.MustCompile(`See: [^\n]*`).FindAllString(string(content(t, monitoring+"alerts.yml")), -1) {
		line = placeholder.ReplaceAllString(line, "x")
		for _, command := range named.FindAllString(strings.ReplaceAll(line, "systemctl status holdfast", ""), -1) {
			count++
			if err := understood(strings.Fields(command)[1:]); err != nil {
				t.Errorf("%s: %v", command, err)
			}
		}
	}
	if count < 10 {
		t.Errorf("%d commands are named", count)
	}
}

// understood finds a command and its flags.
func understood(words []string) error {
	list := thisProcess().app().Commands
	var flags []cli.Flag
	for _, word := range words {
		name, isFlag := strings.CutPrefix(word, "--")
		switch {
		case isFlag && !slices.ContainsFunc(flags, func(f cli.Flag) bool { return slices.Contains(f.Names(), name) }):
			return fmt.Errorf("there is no flag --%s", name)
		case isFlag || len(list) == 0: // or what belongs to a flag
			continue
		}
		at := slices.IndexFunc(list, func(c *cli.Command) bool { return c.HasName(word) })
		if at < 0 {
			return fmt.Errorf("there is no command %s", word)
		}
		flags, list = list[at].Flags, list[at].Subcommands
	}
	return nil
}
