package inspect

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Export writes dead letters where they can be kept, or edited and imported
// again.
type Export struct {
	To io.Writer
	// Discard removes the letters that are written, in the name of Reason, once
	// Sync says that they are on disk.
	Discard bool
	Reason  string
	Sync    func() error // nil: there is nothing to wait for
}

// Exported is what became of an export.
type Exported struct {
	Letters   int `json:"letters"`
	Discarded int `json:"discarded"`
	Damaged   int `json:"damaged"` // of Letters: what can be read of them is written, and they are not discarded
}

// exportChunk is how many letters are discarded at a time.
const exportChunk = 1000

// Write writes the letters that q selects to To: one JSON object a line, as
// [Inspector.Dead] lists them. With an error, what Exported counts was done.
func (e Export) Write(ctx context.Context, i Inspector, q DeadQuery) (done Exported, err error) {
	out := bufio.NewWriter(e.To)
	var written []DeadTarget
	settle := func() error {
		if err := out.Flush(); err != nil || !e.Discard || len(written) == 0 {
			return err
		}
		n, err := e.discard(ctx, i, q, written)
		done.Discarded += n
		written = written[:0]
		return err
	}
	for l, err := range i.Dead(ctx, q) {
		if err != nil {
			return done, errors.Join(fmt.Errorf("export: %w", err), settle())
		}
		line, err := json.Marshal(l)
		if err == nil {
			_, err = out.Write(append(line, '\n'))
		}
		if err != nil {
			return done, fmt.Errorf("export %s: %w", l.Name, err)
		}
		if done.Letters++; l.Damaged != nil {
			done.Damaged++
			continue
		}
		if written = append(written, DeadTarget{l.Name, l.ID, l.Number}); len(written) == exportChunk {
			if err := settle(); err != nil {
				return done, fmt.Errorf("export: %w", err)
			}
		}
	}
	if err := settle(); err != nil {
		return done, fmt.Errorf("export: %w", err)
	}
	return done, nil
}

// discard removes exactly the letters that are written.
func (e Export) discard(ctx context.Context, i Inspector, q DeadQuery, written []DeadTarget) (n int, err error) {
	if e.Sync != nil {
		if err := e.Sync(); err != nil {
			return 0, err
		}
	}
	byTopic := map[string][]DeadTarget{}
	for _, t := range written {
		byTopic[t.Topic] = append(byTopic[t.Topic], t)
	}
	for topic, targets := range byTopic {
		q.Topic = topic
		plan := Plan{Command: Command{Verb: Discard, Dead: q, Reason: e.Reason}, Matched: len(targets), Dead: targets}
		op, err := i.Execute(ctx, plan)
		n += len(op.Done)
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// Imported is what became of an import, or would become of it.
type Imported struct {
	Letters     int     `json:"letters"` // that were read
	Done        int     `json:"done"`    // that were imported, or would be
	AlreadyDone int     `json:"already_done"`
	Refused     []Group `json:"refused"`
}

// An import goes to the bridge in pieces of this size.
const (
	importLetters = 256
	importBytes   = 4 << 20
)

// ImportDead reads what [Export] has written, edited or not, and imports it;
// without execute it only tells what would be. Each line is judged by itself, and
// what is here already is left alone: an import can be repeated. An error names
// the line; what was read before it was imported.
func ImportDead(ctx context.Context, i Inspector, from io.Reader, reason string, execute bool) (done Imported, err error) {
	var letters []DeadLetter
	size := int64(0)
	settle := func() error {
		if len(letters) == 0 {
			return nil
		}
		err := done.take(ctx, i, Command{Verb: Import, Import: letters, Reason: reason}, execute)
		letters, size = nil, 0
		return err
	}
	lines := json.NewDecoder(from)
	for n := 1; ; n++ {
		before := lines.InputOffset()
		var l DeadLetter
		err := lines.Decode(&l)
		if err == io.EOF {
			return done, settle()
		}
		if err == nil {
			err = l.importable()
		}
		if err != nil {
			return done, errors.Join(fmt.Errorf("dead letter %d of the import: %w: %w", n, ErrMalformed, err), settle())
		}
		done.Letters++
		letters = append(letters, l)
		if size += lines.InputOffset() - before; len(letters) == importLetters || size >= importBytes {
			if err := settle(); err != nil {
				return done, err
			}
		}
	}
}

// take imports some letters.
func (done *Imported) take(ctx context.Context, i Inspector, c Command, execute bool) error {
	plan, err := i.Plan(ctx, c)
	if err != nil {
		return err
	}
	done.AlreadyDone += count(plan.AlreadyDone)
	done.Refused = joinGroups(done.Refused, plan.Refused)
	if !execute || len(plan.Dead) == 0 {
		done.Done += len(plan.Dead)
		return nil
	}
	op, err := i.Execute(ctx, plan)
	done.Done += len(op.Done)
	done.AlreadyDone += count(op.AlreadyDone)
	done.Refused = joinGroups(done.Refused, op.Refused)
	return err
}

// joinGroups adds the one groups to the others.
func joinGroups(to, more []Group) []Group {
	for _, g := range more {
		for _, name := range g.Jobs {
			add(&to, g.Reason, name)
		}
		if rest := g.Count - len(g.Jobs); rest > 0 {
			addGroup(&to, g.Reason, rest)
		}
	}
	return to
}
