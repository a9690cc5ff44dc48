package inspect

// Health says whether a bridge goes on. It looks at what must never stand
// still, and not at jobs: one that runs for six hours is healthy.
type Health struct {
	// State is starting, running, stopping or ended.
	State string `json:"state"`
	// Alive means that every part goes on. A process that is not alive is to be
	// restarted. Kafka has no say: nothing is gained by a restart while no broker
	// answers.
	Alive bool `json:"alive"`
	// Ready means that the bridge is alive and runs, and that its group counts on
	// it: it works on the partitions that it is given.
	Ready bool `json:"ready"`
	// Problems are why it is not alive, or not ready, a sentence each.
	Problems []string     `json:"problems,omitempty"`
	Parts    []HealthPart `json:"parts,omitempty"` // none before the store and Kafka are open
}

// HealthPart is something of a bridge that must never stand still.
type HealthPart struct {
	// Part is committer (it writes outcomes to the store), scheduler (it gives
	// jobs to workers), leases (they let jobs start), heartbeat (it keeps the
	// group's membership) or watch (it looks after the others).
	Part string `json:"part"`
	// SilentSeconds is how long ago it last took a step, or had nothing to do.
	SilentSeconds float64 `json:"silent_seconds"`
	// LimitSeconds is when it counts as standing still.
	LimitSeconds float64 `json:"limit_seconds"`
}

// The states of a bridge.
const (
	StateStarting = "starting" // its store and Kafka are being opened
	StateRunning  = "running"
	StateStopping = "stopping" // running jobs may finish
	StateEnded    = "ended"
)
