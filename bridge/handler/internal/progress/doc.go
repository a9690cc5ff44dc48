// Package progress keeps the checkpoints of runs whose work is done elsewhere,
// without holding up what reads the answers: a checkpoint takes an fsync, and
// the answers of other runs come by the same way.
//
//	p := progress.New(ctx, job, nil)
//	p.Save(data) // from whatever reads
//	...
//	err := p.Wait() // before the handler returns
//
// Where several checkpoints come faster than they can be written, the last one
// is kept: an older one says nothing that it does not.
package progress
