package history

// halted takes note of a job that nobody but an operator can start again.
func (j *judge) halted(e Event, job *job, p *process) {
	j.report.Halted++
	r := p.run(job)
	r.halted = &e
	r.halts++
}

// retried pairs with one Halted event, which may be told later.
func (j *judge) retried(job *job, p *process) {
	j.report.Retried++
	p.run(job).retries++
}

// skipped lets the job be done from now on: when it is durable is told as of
// any other.
func (j *judge) skipped(e Event, job *job, p *process) {
	j.report.Skipped++
	if before, running := p.running[job]; running {
		j.violation(Observer, e, "it was running", before.started, e)
		return
	}
	p.run(job).finish(e, job, p)
}

// checkHalted finds a start that no operator has asked for.
func (j *judge) checkHalted(e Event, r *run) {
	if r.halts > r.retries {
		j.violation(HaltedRan, e, "it ran although it was halted and nobody had asked for it", *r.halted, e)
	}
}
