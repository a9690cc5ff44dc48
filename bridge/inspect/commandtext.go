package inspect

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
)

// String is the command as one would type it.
func (c Command) String() string {
	w := &what{}
	switch c.Verb {
	case StopOperation:
		w.WriteString("operations stop")
	case Import:
		w.WriteString("dead import")
	case DiscardParked:
		w.WriteString("discard --parked")
	default:
		w.WriteString(string(c.Verb))
	}
	w.flag("topic", c.topic())
	w.selection(c.Select)
	w.dead(c.Dead)
	if n := len(c.Import); n > 0 {
		fmt.Fprintf(w, " (%s)", words.Number(n, "dead letter"))
	}
	w.flag("id", c.Operation)
	w.flag("then", string(c.Then))
	w.time("until", c.Until)
	w.on("reset-attempts", c.ResetAttempts)
	if c.Rate > 0 {
		w.flag("rate", strconv.FormatFloat(c.Rate, 'f', -1, 64)+"/s")
	}
	if c.StopAt > 0 {
		w.flag("stop-at", strconv.FormatFloat(100*c.StopAt, 'f', -1, 64)+"%")
	}
	w.lifecycle(c)
	w.flag("reason", c.Reason)
	return w.String()
}

// does is the verb in a sentence.
func (v Verb) does() string {
	if v == DiscardParked {
		return string(Discard)
	}
	return string(v)
}

func (c Command) topic() string { return cmp.Or(c.Select.Topic, c.Dead.Topic) }

// what is a command line.
type what struct{ strings.Builder }

func (w *what) selection(q Query) {
	w.numbers(q.Partitions, q.Offsets)
	w.count("from", q.From)
	w.key(q.Key, q.Lane)
	for _, state := range q.States {
		w.flag("state", string(state))
	}
	w.time("stored-before", q.StoredBefore)
	w.flag("error-matches", q.ErrorMatches)
	w.count("limit", int64(q.Limit))
}

func (w *what) dead(q DeadQuery) {
	w.numbers(q.Partitions, q.Offsets)
	w.key(q.Key, q.Lane)
	w.time("buried-before", q.BuriedBefore)
	w.flag("error-matches", q.ErrorMatches)
	w.count("limit", int64(q.Limit))
}

// shownOffsets is how many offsets, or ranges of them, are spelled out.
const shownOffsets = 20

func (w *what) numbers(partitions []int32, offsets []int64) {
	for _, p := range partitions {
		w.flag("partition", strconv.Itoa(int(p)))
	}
	ranges, more := rangesOf(offsets)
	for _, text := range ranges {
		w.flag("offset", text)
	}
	if more > 0 {
		fmt.Fprintf(w, " ... %d more offsets", more)
	}
}

// rangesOf names the first offsets, those that follow each other as 10-20, and
// counts the others.
func rangesOf(offsets []int64) (ranges []string, more int) {
	for len(offsets) > 0 && len(ranges) < shownOffsets {
		n := 1
		for n < len(offsets) && offsets[n] == offsets[n-1]+1 {
			n++
		}
		text := strconv.FormatInt(offsets[0], 10)
		if n > 1 {
			text += "-" + strconv.FormatInt(offsets[n-1], 10)
		}
		ranges, offsets = append(ranges, text), offsets[n:]
	}
	return ranges, len(offsets)
}

// logged are offsets for a log line, which many of them must not fill.
func logged(offsets []int64) string {
	ranges, more := rangesOf(offsets)
	if more > 0 {
		ranges = append(ranges, fmt.Sprintf("%d more", more))
	}
	return strings.Join(ranges, ",")
}

func (w *what) key(key, lane []byte) {
	switch {
	case key == nil:
	case len(key) > 0 && utf8.Valid(key):
		w.flag("key", string(key))
	default:
		fmt.Fprintf(w, " --key-hex %q", fmt.Sprintf("%x", key))
	}
	switch {
	case lane == nil:
	case utf8.Valid(lane):
		w.flag("lane", string(lane))
	default:
		w.flag("lane-hex", fmt.Sprintf("%x", lane))
	}
}

func (w *what) flag(name, value string) {
	if value != "" {
		fmt.Fprintf(w, " --%s %s", name, quote(value))
	}
}

func (w *what) on(name string, set bool) {
	if set {
		fmt.Fprintf(w, " --%s", name)
	}
}

func (w *what) count(name string, n int64) {
	if n > 0 {
		w.flag(name, strconv.FormatInt(n, 10))
	}
}

func (w *what) time(name string, t time.Time) {
	if !t.IsZero() {
		w.flag(name, t.UTC().Format(time.RFC3339Nano))
	}
}

// quote is a word of a shell.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=,", r)
	}
	if strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	if strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == utf8.RuneError || r == 0x7f }) >= 0 {
		return strconv.Quote(s)
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
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
