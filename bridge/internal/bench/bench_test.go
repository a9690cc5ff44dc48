package bench

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/seed-2837c37b/holdfast/bridge/internal/apache"
)

var (
	short       = flag.Bool("short", false, "fewer cases, once, in less than two minutes")
	repetitions = flag.Int("repetitions", 0, "how often to measure; 0: three times, with -short once")
	only        = flag.String("only", "", "regular expression for the names of the cases to measure")
	systems     = flag.String("systems", "", "regular expression for the systems to measure")
	output      = flag.String("json", "", "file for the results")
	profiles    = flag.String("cpuprofile", "", "directory for CPU profiles of the Go processes")
)

// TestMain is where a measured process begins too.
func TestMain(m *testing.M) {
	orders, child := os.LookupEnv(ordersVariable)
	if !child {
		os.Exit(m.Run())
	}
	if err := obey(orders); err != nil {
		fmt.Fprintln(os.Stderr, "measured process:", err)
		os.Exit(1)
	}
}

// BenchmarkSystems is `make bench`. It is a benchmark so that no test run
// includes it; its own time says nothing.
func BenchmarkSystems(b *testing.B) {
	chosen, times := planFull(), 3
	if *short {
		chosen, times = planShort(), 1
	}
	if *repetitions > 0 {
		times = *repetitions
	}
	if err := errors.Join(chosen.keep(*only), chosen.keepSystems(*systems)); err != nil {
		b.Fatal(err)
	}
	profile := absolute(b, *profiles)
	if profile != "" {
		if err := os.MkdirAll(profile, 0o755); err != nil {
			b.Fatal(err)
		}
	}
	jars, err := prepareRunner(filepath.Join("..", "..", "..", "testdata", "bench"))
	if err != nil {
		b.Fatal(err)
	}
	broker := apache.Start(b, apache.Heap("1g"))
	run := &bench{
		broker: broker.Addr(), jars: jars, dir: b.TempDir(), profile: profile,
		plan: chosen, loaded: make(map[string]bool),
	}
	if chosen.embedded() {
		embedded, address, err := startEmbedded(run.dir)
		if err != nil {
			b.Fatal(err)
		}
		defer embedded.kill()
		run.embedded = address
	}
	report, err := run.run(times, os.Stderr)
	if err != nil {
		b.Fatal(err)
	}
	report.Short = *short
	fmt.Println()
	if err := report.Table(os.Stdout); err != nil {
		b.Fatal(err)
	}
	save(b, report)
}

// absolute reads a path as the caller of make means it: from the directory
// that make runs in, not from this package's.
func absolute(b *testing.B, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	path, err := filepath.Abs(filepath.Join("..", "..", "..", path))
	if err != nil {
		b.Fatal(err)
	}
	return path
}

func save(b *testing.B, report Report) {
	if *output == "" {
		return
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(absolute(b, *output), append(text, '\n'), 0o644); err != nil {
		b.Fatal(err)
	}
}

// embedded tells whether a case needs the embedded broker.
func (p *plan) embedded() bool {
	return slices.ContainsFunc(p.Cases, func(c Case) bool { return c.Embedded })
}

// keep drops the cases whose names do not match.
func (p *plan) keep(pattern string) error {
	match, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	p.Cases = slices.DeleteFunc(p.Cases, func(c Case) bool { return !match.MatchString(c.Name()) })
	p.Paced = slices.DeleteFunc(p.Paced, func(c Paced) bool { return !match.MatchString(c.Name) })
	p.Stuck = slices.DeleteFunc(p.Stuck, func(c Stuck) bool { return !match.MatchString(c.Name) })
	return nil
}

// keepSystems drops the systems whose names do not match.
func (p *plan) keepSystems(pattern string) error {
	match, err := regexp.Compile(pattern)
	if err != nil {
		return fmt.Errorf("-systems: %w", err)
	}
	unwanted := func(s System) bool { return !match.MatchString(string(s)) }
	for i := range p.Cases {
		p.Cases[i].Systems = slices.DeleteFunc(p.Cases[i].Systems, unwanted)
	}
	for i := range p.Paced {
		p.Paced[i].Systems = slices.DeleteFunc(p.Paced[i].Systems, unwanted)
	}
	for i := range p.Stuck {
		p.Stuck[i].Systems = slices.DeleteFunc(p.Stuck[i].Systems, unwanted)
	}
	return nil
}
