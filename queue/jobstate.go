package queue

// JobState is what an open job waits for.
type JobState uint8

// The states of an open job.
const (
	Ready    JobState = iota + 1 // it starts as soon as a worker takes it
	Blocked                      // another job has to finish first
	Running                      // a run of it is out
	Retrying                     // it failed and waits for Pending.Due
	Halted                       // it was given up and waits for an operator
	Delayed                      // it was postponed or snoozed until Pending.Due, and has not failed
	Paused                       // its lane, partition or topic is paused; else it would be Ready, Retrying or Delayed
	Parked                       // its lane is set aside until an operator releases it
)

// String returns the state's name as people see it.
func (s JobState) String() string {
	switch s {
	case Ready:
		return "ready"
	case Blocked:
		return "blocked"
	case Running:
		return "running"
	case Retrying:
		return "retrying"
	case Halted:
		return "halted"
	case Delayed:
		return "delayed"
	case Paused:
		return "paused"
	case Parked:
		return "parked"
	}
	return "unknown"
}
