package recovery

import (
	"cmp"
	"slices"
	"time"

	"github.com/seed-2837c37b/holdfast/queue"
)

// LivedFor is how long a process lives until what happens to it is not blamed
// on the jobs that it began with, and how long a job runs until the end of the
// process is not blamed on it.
const LivedFor = 10 * time.Second

// maxSuspects bounds what is kept over many crashes in a row.
const maxSuspects = 4096

// verdict is what the life before this one tells.
type verdict struct {
	crashes  uint64 // in a row
	crashed  bool   // the life before is one of them
	suspects []note // flagSuspect is set in each
}

// judge follows the rules of README.md, "A job that kills the process".
func judge(before record, boot string, notes []note) verdict {
	if boot == "" || before.boot != boot {
		return verdict{} // the machine went down: no job did that
	}
	var v verdict
	if !before.settled {
		v.crashes = before.crashes
	}
	crashed := before.phase != wordStopping
	if v.crashed = crashed; crashed {
		v.crashes++
	}
	var list accused
	for _, n := range notes {
		switch {
		case n.flags&flagSuspect != 0: // from an earlier life, and has not run to its end since
		case n.life != before.life || !crashed || before.alive-n.began >= LivedFor:
			continue
		case n.flags&flagProbation != 0 && !before.settled:
			n.flags |= flagCharge
			n.crashes++
		}
		list.add(n)
	}
	slices.SortStableFunc(list.notes, func(a, b note) int { return cmp.Compare(b.life, a.life) })
	v.suspects = list.notes[:min(len(list.notes), maxSuspects)]
	return v
}

// accused lists each job once: the one on probation is noted twice, as what its
// worker ran and as kept from before.
type accused struct {
	notes []note
	at    map[suspectID]int // places in notes
}

type suspectID struct {
	queue.TopicPartition
	lane  uint64
	own   bool
	first int64
}

func (n *note) id() suspectID {
	id := suspectID{n.TopicPartition, n.Lane.ID, n.Lane.Own, n.First}
	if n.Lane.Own {
		id.lane = 0
	}
	return id
}

func (a *accused) add(n note) {
	n.flags = n.flags&^flagProbation | flagSuspect
	if at, twice := a.at[n.id()]; twice {
		known := &a.notes[at]
		known.flags |= n.flags
		known.crashes = max(known.crashes, n.crashes)
		known.life, known.Last = max(known.life, n.life), max(known.Last, n.Last)
		return
	}
	if a.at == nil {
		a.at = map[suspectID]int{}
	}
	a.at[n.id()] = len(a.notes)
	a.notes = append(a.notes, n)
}
