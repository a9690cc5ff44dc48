package inspect

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/bulk"
	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
	"github.com/seed-2837c37b/holdfast/queue"
)

// settle tells whether the plan is executed by an operation that is stored, and how
// that would go.
func (p *Plan) settle(offline bool) error {
	c, n := p.Command, p.changes()
	if _, ok := bulkOf(c.Verb); !ok || n == 0 {
		return nil
	}
	paced, size := c.Rate > 0 || c.StopAt > 0, c.fits()
	switch {
	case paced && size != nil:
		return size
	case !paced && (n <= batchJobs || offline || size != nil):
		return nil
	}
	p.Background, p.Pace = true, &Pace{StopAt: c.stopAt()}
	if c.Rate > 0 {
		take := c.lasts(n)
		p.Pace.Take = &take
	}
	return nil
}

// maxStoredCommand bounds a command that is stored with its operation, in bytes:
// the ledger has to have room for what the operation takes.
const maxStoredCommand = 128 << 10

// fits tells why a command is too long to be stored, if it is.
func (c Command) fits() error {
	text, err := json.Marshal(c)
	if size := len(text) + len(c.String()); err == nil && size > maxStoredCommand {
		err = fmt.Errorf("%w: the command takes %s, and a stored operation has room for %s; select by fewer offsets, or give it bit by bit",
			ErrRefused, words.Amount(int64(size)), words.Amount(maxStoredCommand))
	}
	return err
}

// leaveTo leaves a letter, job or lane to the operation that is about to take it.
func (p *Plan) leaveTo(by *bulk.Claim, note func(list *[]Group, reason string)) {
	if Verb(by.Operation.Verb) == p.Command.Verb {
		note(&p.AlreadyDone, "operation "+by.Operation.ID+" is about to do it")
		return
	}
	note(&p.Refused, fmt.Sprintf("operation %s is about to %s it; stop that first", by.Operation.ID, Verb(by.Operation.Verb).does()))
}

// named notes a letter or job.
func named(name Name) func(*[]Group, string) {
	return func(list *[]Group, reason string) { add(list, reason, name) }
}

// claimed returns the running operation that takes the job; nil where none does.
func (v jobVerb) claimed(running []bulk.Claim, f *found) (*bulk.Claim, error) {
	if !v.bulk.Stored() {
		return nil, nil
	}
	return bulk.First(running, func(c bulk.Claim) (bool, error) { return c.TakesJob(f.part, f.Pending) })
}

// reach is how far a plan about jobs goes, by partition.
type reach map[queue.TopicPartition]*Cutoff

// reachOf begins with what is stored.
func (i *inspector) reachOf(q Query) (reach, error) {
	parts, err := i.partitions(q)
	r := reach{}
	for _, p := range parts {
		tp := p.TopicPartition()
		r[tp] = &Cutoff{Topic: tp.Topic, Partition: tp.Partition, Below: p.State().Next}
	}
	return r, err
}

// note counts the jobs of the plan. The last one that a limit lets in ends its
// partition.
func (r reach) note(f *found, changes int, last bool) {
	c := r[f.tp]
	if c == nil { // it was not held when the plan began
		return
	}
	c.Jobs += changes
	if c.Below = max(c.Below, f.Offset+1); last {
		c.Below = f.Offset + 1
	}
}

func (r reach) cutoffs() (list []Cutoff) {
	for _, c := range r {
		if c.Jobs > 0 {
			list = append(list, *c)
		}
	}
	slices.SortFunc(list, func(a, b Cutoff) int { return cmp.Compare(a.Partition, b.Partition) })
	return list
}
