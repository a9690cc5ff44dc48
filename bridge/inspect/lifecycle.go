package inspect

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// validateLifecycle tells what is given that belongs to another verb.
func (c Command) validateLifecycle() error {
	var problems []error
	for _, field := range []struct {
		given bool
		of    Verb
		text  string
	}{
		{c.Leave, Drain, "that the group is left at the end"},
		{c.Undo, Drain, "that it is taken back"},
		{!c.To.isZero(), Seek, "where to go on"},
		{len(c.Settings) > 0, Set, "settings"},
		{c.FromKafka, Requeue, "that records are read from Kafka again"},
		{c.NewID, Requeue, "that jobs get an id of their own"},
	} {
		if field.given && c.Verb != field.of {
			problems = append(problems, fmt.Errorf("%s: that is said of %s only, not of %s", field.text, field.of, c.Verb))
		}
	}
	if c.NewID && c.Verb == Requeue && !c.FromKafka {
		problems = append(problems, errors.New("a dead letter keeps its id: one of its own is for records that are read from Kafka again"))
	}
	return errors.Join(problems...)
}

// lifecycle is what the verbs of a bridge's life have beside the others.
func (w *what) lifecycle(c Command) {
	w.on("leave", c.Leave)
	w.on("undo", c.Undo)
	if to := c.To; to != nil {
		if to.Offset != nil {
			w.flag("offset", strconv.FormatInt(*to.Offset, 10))
		}
		w.time("time", to.Time)
		w.on("oldest", to.Oldest)
		w.on("newest", to.Newest)
		w.on("keep-stored", to.KeepStored)
	}
	w.on("from-kafka", c.FromKafka)
	w.on("new-id", c.NewID)
	for _, s := range c.Settings {
		if s.Value == nil {
			w.flag("unset", s.Name)
			continue
		}
		w.flag(flagOf(s.Name), strconv.FormatFloat(*s.Value, 'f', -1, 64)+s.Unit.suffix())
	}
}

// flagOf is the flag of a setting.
func flagOf(name string) string {
	return strings.NewReplacer("dead_letter.", "dead-", "_", "-").Replace(name)
}

func (u Unit) suffix() string {
	return map[Unit]string{PerSecond: "/s", Seconds: "s"}[u]
}
