package bridge

// JoinHooks returns hooks that call those of all, in their order; nil ones are
// left out. What no one of them wants to hear costs nothing. Where one panics,
// those behind it are still called.
func JoinHooks(all ...*Hooks) *Hooks {
	return &Hooks{
		Assigned:          join(all, func(h *Hooks) func(Assigned) { return h.Assigned }),
		Revoked:           join(all, func(h *Hooks) func(Revoked) { return h.Revoked }),
		Held:              join(all, func(h *Hooks) func(Held) { return h.Held }),
		EndOfPartition:    join(all, func(h *Hooks) func(EndOfPartition) { return h.EndOfPartition }),
		Drained:           join(all, func(h *Hooks) func(Drained) { return h.Drained }),
		Committed:         join(all, func(h *Hooks) func(Committed) { return h.Committed }),
		Stored:            join(all, func(h *Hooks) func(Stored) { return h.Stored }),
		Dropped:           join(all, func(h *Hooks) func(Dropped) { return h.Dropped }),
		PartitionerFailed: join(all, func(h *Hooks) func(PartitionerFailed) { return h.PartitionerFailed }),
		Started:           join(all, func(h *Hooks) func(*Job) { return h.Started }),
		Stuck:             join(all, func(h *Hooks) func(Stuck) { return h.Stuck }),
		Finished:          joinFinished(all),
		Retried:           join(all, func(h *Hooks) func(Retried) { return h.Retried }),
		Buried:            join(all, func(h *Hooks) func(Buried) { return h.Buried }),
		Parked:            join(all, func(h *Hooks) func(Parked) { return h.Parked }),
		Durable:           join(all, func(h *Hooks) func([]Completion) { return h.Durable }),
		Flushed:           join(all, func(h *Hooks) func(Flushed) { return h.Flushed }),
		Paused:            join(all, func(h *Hooks) func(Paused) { return h.Paused }),
		Throttled:         join(all, func(h *Hooks) func(Throttled) { return h.Throttled }),
		Guarding:          join(all, func(h *Hooks) func(Guarding) { return h.Guarding }),
		Tick:              join(all, func(h *Hooks) func(Tick) { return h.Tick }),
		StoreError:        join(all, func(h *Hooks) func(error) { return h.StoreError }),
	}
}

// join is one hook of all; nil where none of them has it.
func join[E any](all []*Hooks, of func(*Hooks) func(E)) func(E) {
	var list []func(E)
	for _, h := range all {
		if h != nil && of(h) != nil {
			list = append(list, of(h))
		}
	}
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return func(e E) { inTurn(list, e) }
}

// inTurn calls the rest also where the first panics.
func inTurn[E any](list []func(E), e E) {
	if len(list) > 1 {
		defer inTurn(list[1:], e)
	}
	list[0](e)
}

// finishedRun is what Finished tells, as one value.
type finishedRun struct {
	job    *Job
	result Result
}

func joinFinished(all []*Hooks) func(*Job, Result) {
	joined := join(all, func(h *Hooks) func(finishedRun) {
		if h.Finished == nil {
			return nil
		}
		return func(f finishedRun) { h.Finished(f.job, f.result) }
	})
	if joined == nil {
		return nil
	}
	return func(job *Job, result Result) { joined(finishedRun{job, result}) }
}
