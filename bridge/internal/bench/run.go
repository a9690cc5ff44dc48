package bench

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// run measures everything. The systems of a case take turns, and who begins
// changes with the repetition. What becomes of stuck keys is counted once: it
// is no matter of speed. progress is told what was measured, as it comes.
func (b *bench) run(repetitions int, progress io.Writer) (Report, error) {
	r := Report{Date: time.Now(), Machine: thisMachine(), Repetitions: repetitions}
	for _, c := range b.plan.Cases {
		if err := turns(c.Systems, repetitions, func(n int, s System) error {
			d, err := b.drain(c, s)
			d.Case, d.Repetition = c.Name(), n
			r.Drains = append(r.Drains, d)
			return told(progress, err, "%s: %s: %.0f records/s", c.Name(), s, d.Rate)
		}); err != nil {
			return r, err
		}
	}
	for _, c := range b.plan.Paced {
		if err := turns(c.Systems, repetitions, func(n int, s System) error {
			l, err := b.pace(c, s)
			l.Case, l.Repetition = c.Name, n
			r.Latencies = append(r.Latencies, l)
			return told(progress, err, "%s: %s: p50 %v, p99 %v", c.Name, s, l.P50, l.P99)
		}); err != nil {
			return r, err
		}
	}
	for _, c := range b.plan.Stuck {
		if err := turns(c.Systems, 1, func(n int, s System) error {
			v, err := b.survive(c, s)
			v.Case, v.Repetition = c.Name, n
			r.Survivals = append(r.Survivals, v)
			return told(progress, err, "%s: %s: %d of %d finished", c.Name, s, v.Finished, v.Finishable)
		}); err != nil {
			return r, err
		}
	}
	return r, nil
}

func turns(systems []System, repetitions int, measure func(repetition int, s System) error) error {
	for n := range repetitions {
		for i := range systems {
			s := systems[(n+i)%len(systems)]
			if err := measure(n, s); err != nil {
				return fmt.Errorf("measure %s: %w", s, err)
			}
		}
	}
	return nil
}

func told(progress io.Writer, err error, format string, args ...any) error {
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(progress, format+"\n", args...)
	return err
}

func thisMachine() Machine {
	m := Machine{Processor: runtime.GOARCH, Cores: runtime.NumCPU(), Go: runtime.Version()}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				m.Processor = strings.TrimSpace(model)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		if fields := strings.Fields(string(text)); len(fields) >= 3 {
			m.Load = strings.Join(fields[:3], " ")
		}
	}
	return m
}
