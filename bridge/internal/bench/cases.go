package bench

import (
	"fmt"
	"time"
)

// Case is a backlog to work off.
type Case struct {
	Topic    Topic
	Workers  int
	Work     Work
	Systems  []System
	Embedded bool // on the embedded broker; else on the real one
}

// Name tells all that makes the case.
func (c Case) Name() string {
	work, keys := "no-op", ""
	if c.Work.Sleep > 0 {
		work = c.Work.Sleep.String()
	}
	if c.Topic.Zipf {
		keys = "Zipf "
	}
	name := fmt.Sprintf("%s x %d workers, %d B, partitions: %d, %skeys: %d",
		work, c.Workers, c.Topic.Bytes, c.Topic.Partitions, keys, c.Topic.Keys)
	if c.Embedded {
		name += ", embedded broker"
	}
	return name
}

// Paced is a stream to keep up with.
type Paced struct {
	Name    string
	Rate    int // records a second
	Topic   Topic
	Workers int
	Systems []System
}

// Stuck is a backlog in which some keys never finish, and a kill on the way.
type Stuck struct {
	Name    string
	Topic   Topic
	Workers int
	Work    Work
	Systems []System
	Lives   [2]time.Duration // before the kill, and after the start that follows
}

// plan is what a run of the benchmark measures, and for how long.
type plan struct {
	Cases  []Case
	Paced  []Paced
	Stuck  []Stuck
	Warm   time.Duration // not measured, where a case or system needs it; Java takes four times as long
	Window time.Duration // measured at most
	Pacing time.Duration // measured of a paced stream

	Commits int // intervals of Parallel Consumer's commits that it is measured for
}

// warm is how long a system works before it is measured: a machine that
// compiles as it runs takes longer to reach its speed.
func (p plan) warm(s System) time.Duration {
	if s == Parallel {
		return 4 * p.Warm
	}
	return p.Warm
}

// window is how long a system is measured. Parallel Consumer stops a partition
// whose completed offsets do not fit into the metadata of its last commit and
// goes on after the next: what it does in less than several of its intervals
// depends on where they fall.
func (p plan) window(s System) time.Duration {
	if s == Parallel {
		return max(p.Window, time.Duration(p.Commits)*parallelCommits)
	}
	return p.Window
}

// parallelCommits is the interval of Parallel Consumer's commits, its default.
const parallelCommits = 5 * time.Second

const (
	keys        = 10_000
	fewWorkers  = 16
	manyWorkers = 1000
)

// everyone is for handlers that do nothing: a bare consumer has no workers to
// wait with.
func everyone() []System { return []System{Bare, Holdfast, Parallel} }
func pools() []System    { return []System{Holdfast, Parallel} }

func planFull() plan {
	p := plan{Warm: 2 * time.Second, Window: 4 * time.Second, Pacing: 6 * time.Second, Commits: 3}
	for _, size := range []struct{ bytes, records int }{{1024, 1_000_000}, {100, 3_000_000}} {
		for _, partitions := range []int{1, 4} {
			p.Cases = append(p.Cases, idle(size.bytes, partitions, size.records))
		}
	}
	crowded := idle(1024, 4, 1_000_000)
	crowded.Workers = manyWorkers
	p.Cases = append(p.Cases, skewed(idle(1024, 4, 1_000_000)), crowded,
		waiting(time.Millisecond, 10, 5, 250_000),
		waiting(10*time.Millisecond, 100, 4, 250_000),
		waiting(10*time.Millisecond, manyWorkers, 4, 1_500_000),
		waiting(10*time.Millisecond, 2*manyWorkers, 4, 1_500_000))
	for _, c := range p.Cases[:2] {
		c.Embedded, c.Systems = true, []System{Bare, Holdfast}
		p.Cases = append(p.Cases, c)
	}
	p.Paced = []Paced{paced(2000), paced(10_000)}
	p.Stuck = []Stuck{stuck(600_000, 25*time.Second, 30*time.Second)}
	return p
}

// planShort is for a look within two minutes, also on a busy machine.
func planShort() plan {
	small := idle(100, 4, 500_000)
	small.Systems = []System{Bare, Holdfast} // Parallel Consumer takes the longest, and is measured without work once
	return plan{
		Warm: 750 * time.Millisecond, Window: 2500 * time.Millisecond, Pacing: 2 * time.Second, Commits: 1,
		Cases: []Case{idle(1024, 1, 300_000), small, waiting(10*time.Millisecond, manyWorkers, 4, 350_000)},
		Paced: []Paced{paced(2000)},
		Stuck: []Stuck{stuck(250_000, 3*time.Second, 5*time.Second)},
	}
}

func idle(bytes, partitions, records int) Case {
	return Case{
		Topic:   Topic{Partitions: partitions, Keys: keys, Bytes: bytes, Records: records},
		Workers: fewWorkers,
		Systems: everyone(),
	}
}

// skewed gives some keys far more records than others.
func skewed(c Case) Case {
	c.Topic.Zipf = true
	return c
}

func waiting(each time.Duration, workers, partitions, records int) Case {
	return Case{
		Topic:   Topic{Partitions: partitions, Keys: keys, Bytes: 1024, Records: records},
		Workers: workers,
		Work:    Work{Sleep: each},
		Systems: pools(),
	}
}

func paced(rate int) Paced {
	return Paced{
		Name:    fmt.Sprintf("%d records/s, 1024 B", rate),
		Rate:    rate,
		Topic:   Topic{Partitions: 4, Keys: keys, Bytes: 1024},
		Workers: fewWorkers,
		Systems: everyone(),
	}
}

func stuck(records int, before, after time.Duration) Stuck {
	return Stuck{
		Name:    "400 of 10000 keys never finish",
		Topic:   Topic{Partitions: 1, Keys: keys, Bytes: 100, Records: records},
		Workers: manyWorkers,
		Work:    Work{Sleep: 10 * time.Millisecond, Stuck: 400, Tally: true},
		Systems: pools(),
		Lives:   [2]time.Duration{before, after},
	}
}
