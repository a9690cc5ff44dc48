package bench

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Table prints a report for people. Figures are medians over the repetitions;
// a ratio is the median of the ratios within each repetition, whose systems
// ran one after the other.
func (r Report) Table(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	p := &printer{w: t}
	p.line("%s, %d cores, %s, load %s, %s; repetitions: %d", r.Machine.Processor, r.Machine.Cores, r.Machine.Go,
		r.Machine.Load, r.Date.Format(time.DateOnly), r.Repetitions)
	for _, name := range names(r.Drains, func(d Drain) string { return d.Case }) {
		p.drains(r.Drains, name)
	}
	p.latencies(r.Latencies)
	p.survivals(r.Survivals)
	if p.err == nil {
		p.err = t.Flush()
	}
	return p.err
}

// printer keeps the first error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format+"\n", args...)
	}
}

func (p *printer) drains(all []Drain, name string) {
	of := func(s System) []Drain { return drainsOf(all, name, s) }
	p.line("\n%s", name)
	p.line("system\trecords/s\tto bare\tto Parallel\tbusy\tCPU/record\tpeak RssAnon\twritten/record\tfsyncs/s\trecords\tmeasured\t")
	for _, system := range []System{Bare, Holdfast, Parallel} {
		drains := of(system)
		if len(drains) == 0 {
			continue
		}
		busy := "-"
		if b := median(drains, func(d Drain) float64 { return d.Busy }); b > 0 {
			busy = fmt.Sprintf("%.1f%%", 100*b)
		}
		p.line("%s\t%.0f\t%s\t%s\t%s\t%.2f µs\t%.0f MiB\t%.1f B\t%.0f\t%.0f\t%.1f s\t", system,
			median(drains, func(d Drain) float64 { return d.Rate }),
			ratio(drains, of(Bare)), ratio(drains, of(Parallel)), busy,
			median(drains, func(d Drain) float64 { return float64(d.Processor) / float64(time.Microsecond) }),
			median(drains, func(d Drain) float64 { return float64(d.PeakAnonymous) / (1 << 20) }),
			median(drains, func(d Drain) float64 { return d.WrittenPerItem }),
			median(drains, func(d Drain) float64 { return d.SyncsPerSecond }),
			median(drains, func(d Drain) float64 { return float64(d.Records) }),
			median(drains, func(d Drain) float64 { return d.Window.Seconds() }))
	}
}

func (p *printer) latencies(all []Latency) {
	for _, name := range names(all, func(l Latency) string { return l.Case }) {
		p.line("\nlatency from producer to handler, %s", name)
		p.line("system\tp50\tp99\tp99.9\trecords\t")
		for _, system := range []System{Bare, Holdfast, Parallel} {
			of := pick(all, name, system, func(l Latency) (string, System) { return l.Case, l.System })
			if len(of) == 0 {
				continue
			}
			ms := func(of []Latency, at func(Latency) time.Duration) float64 {
				return median(of, func(l Latency) float64 { return float64(at(l)) / float64(time.Millisecond) })
			}
			p.line("%s\t%.2f ms\t%.2f ms\t%.2f ms\t%.0f\t", system,
				ms(of, func(l Latency) time.Duration { return l.P50 }),
				ms(of, func(l Latency) time.Duration { return l.P99 }),
				ms(of, func(l Latency) time.Duration { return l.P999 }),
				median(of, func(l Latency) float64 { return float64(l.Records) }))
		}
	}
}

func (p *printer) survivals(all []Survival) {
	for _, name := range names(all, func(s Survival) string { return s.Case }) {
		p.line("\n%s; kill -9 and a new start on the way", name)
		p.line("system\tfinishable\tfinished before the kill\trun again\tfinished in the end\t")
		for _, system := range []System{Holdfast, Parallel} {
			of := pick(all, name, system, func(s Survival) (string, System) { return s.Case, s.System })
			if len(of) == 0 {
				continue
			}
			n := func(at func(Survival) int64) float64 {
				return median(of, func(s Survival) float64 { return float64(at(s)) })
			}
			p.line("%s\t%.0f\t%.0f\t%.0f\t%.0f\t", system,
				n(func(s Survival) int64 { return s.Finishable }),
				n(func(s Survival) int64 { return s.BeforeKill }),
				n(func(s Survival) int64 { return s.Again }),
				n(func(s Survival) int64 { return s.Finished }))
		}
	}
}

// names lists the cases in the order they were measured.
func names[T any](all []T, name func(T) string) []string {
	var found []string
	for _, t := range all {
		if n := name(t); !slices.Contains(found, n) {
			found = append(found, n)
		}
	}
	return found
}

func pick[T any](all []T, name string, system System, of func(T) (string, System)) []T {
	var found []T
	for _, t := range all {
		if n, s := of(t); n == name && s == system {
			found = append(found, t)
		}
	}
	return found
}

func drainsOf(all []Drain, name string, s System) []Drain {
	return pick(all, name, s, func(d Drain) (string, System) { return d.Case, d.System })
}

// ratio compares repetition by repetition.
func ratio(drains, base []Drain) string {
	var ratios []float64
	for _, d := range drains {
		for _, b := range base {
			if b.Repetition == d.Repetition && b.Rate > 0 {
				ratios = append(ratios, d.Rate/b.Rate)
			}
		}
	}
	if len(ratios) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", median(ratios, func(r float64) float64 { return r }))
}

// median needs at least one value; of an even number it takes the mean of the
// middle two.
func median[T any](all []T, of func(T) float64) float64 {
	values := make([]float64, len(all))
	for i, t := range all {
		values[i] = of(t)
	}
	slices.Sort(values)
	middle := len(values) / 2
	if len(values)%2 == 1 {
		return values[middle]
	}
	return (values[middle-1] + values[middle]) / 2
}
