package bench

import "time"

// Drain is how fast a system worked off a backlog, once.
type Drain struct {
	Case       string
	System     System
	Repetition int
	Workers    int

	Records        int64         // finished within the window
	Window         time.Duration // that was measured
	Rate           float64       // records a second
	Busy           float64       // share of the window that workers spent in handlers; 0: not measured
	Processor      time.Duration // time of all cores per record
	PeakAnonymous  int64         // bytes of memory that no file backs, from the start of the process
	WrittenPerItem float64       // bytes sent towards the disk per record
	SyncsPerSecond float64
}

// Latency is how long records took from when they were due to be produced to
// the start of their handler.
type Latency struct {
	Case       string
	System     System
	Repetition int

	Records        int64
	P50, P99, P999 time.Duration
}

// Survival is what became of a backlog with stuck keys.
type Survival struct {
	Case       string
	System     System
	Repetition int

	Finishable int64 // records of keys that are not stuck
	BeforeKill int64 // finished by the life that was killed
	Again      int64 // finished again by the life after it
	Finished   int64 // in the end
}

// Report is all that a run of the benchmark measured.
type Report struct {
	Date        time.Time
	Machine     Machine
	Short       bool
	Repetitions int
	Drains      []Drain
	Latencies   []Latency
	Survivals   []Survival
}

// Machine says where it was measured.
type Machine struct {
	Processor string
	Cores     int
	Go        string
	Load      string // load averages at the start, of 1, 5 and 15 minutes
}
