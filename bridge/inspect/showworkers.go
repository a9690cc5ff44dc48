package inspect

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

// Workers lists the runs under way, those that last longest first.
func (i *inspector) Workers(context.Context) ([]Worker, error) {
	if i.opt.Live == nil {
		return nil, fmt.Errorf("%w: nobody works on this data directory, and holdfast inspect jobs shows what waits; holdfast run works on it", ErrNoBridge)
	}
	return i.runs(), nil
}

// runs are those under way, where a bridge runs.
func (i *inspector) runs() []Worker {
	list := i.opt.Live.Workers()
	slices.SortFunc(list, func(a, b Worker) int {
		return cmp.Or(a.Started.Compare(b.Started), compareNames(a.Name, b.Name))
	})
	return list
}
