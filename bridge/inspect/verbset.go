package inspect

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Set changes settings of the bridge, or of one entry of its configuration, from
// now on and over restarts: they go before the configuration until they are
// unset. Command.Select.Topic names the entry, a topic or ~pattern.
const Set Verb = "set"

// SettingChange is a setting that a plan would change.
type SettingChange struct {
	Topic      string   `json:"topic"` // as of [Setting]
	Name       string   `json:"name"`
	Value      *float64 `json:"value"` // nil: it is unset
	Unit       Unit     `json:"unit"`
	From       *float64 `json:"from"`       // what is set now; nil: nothing is
	Configured *float64 `json:"configured"` // nil where it is not known
}

func (c SettingChange) setting() Setting {
	return Setting{Topic: c.Topic, Name: c.Name, Value: c.Value, Unit: c.Unit}
}

type setVerb struct{}

func (setVerb) validate(c Command) error {
	var problems []error
	q := c.Select
	q.Topic = ""
	if !q.isZero() {
		problems = append(problems, errors.New("a setting is of the bridge or of a whole entry"))
	}
	if len(c.Settings) == 0 {
		problems = append(problems, errors.New("nothing is to be set"))
	}
	for j, s := range c.Settings {
		if s.Topic != c.Select.Topic {
			problems = append(problems, fmt.Errorf("%s is not of the entry %q that is selected", s, c.Select.Topic))
		}
		if slices.ContainsFunc(c.Settings[:j], s.is) {
			problems = append(problems, fmt.Errorf("%s is given twice", s))
		}
		problems = append(problems, s.Validate())
	}
	return errors.Join(problems...)
}

const (
	reasonSet   = "it is set so"
	reasonUnset = "it is not set"
)

func (setVerb) plan(_ context.Context, i *inspector, plan *Plan) error {
	if topic := plan.Command.Select.Topic; topic != "" && i.opt.Entry != nil {
		entry, ok := i.opt.Entry(topic)
		switch {
		case !ok:
			return fmt.Errorf("%w: the configuration has no entry for %s", ErrNotFound, topic)
		case entry != topic:
			return fmt.Errorf("%w: %s goes by the entry %s: set that, for all of its topics, or give %s an entry of its own", ErrNotFound, topic, entry, topic)
		}
	}
	now := i.settings()
	for _, s := range plan.Command.Settings {
		plan.Matched++
		change := SettingChange{Topic: s.Topic, Name: s.Name, Value: s.Value, Unit: settingKinds[s.Name].unit, Configured: i.configured(s)}
		strange := false
		if at := slices.IndexFunc(now, s.is); at >= 0 {
			change.From, strange = now[at].Value, now[at].Value == nil
		}
		if equal(change.From, s.Value) && !strange {
			reason := reasonSet
			if s.Value == nil {
				reason = reasonUnset
			}
			addOther(&plan.AlreadyDone, reason)
			continue
		}
		plan.Settings = append(plan.Settings, change)
		change.explain(plan, i.opt.Set != nil && !i.offline)
	}
	list, err := i.changed(plan.Settings)
	if err != nil {
		return err
	}
	for j, problem := range i.unfit(list) {
		if at := slices.IndexFunc(now, list[j].is); problem != "" && at >= 0 && now[at].Problem == "" {
			plan.say("%s, which is set to %s, is not in force then: %s.", list[j], list[j].Unit.text(*list[j].Value), problem)
		}
	}
	return nil
}

// changed are the settings that changes lead to, those last that are new. It
// refuses changes that do not go with the configuration and the others.
func (i *inspector) changed(changes []SettingChange) (list []Setting, err error) {
	news := 0
	list, _ = StoredSettings(i.store)
	for _, c := range changes {
		list = slices.DeleteFunc(list, c.setting().is)
	}
	for _, c := range changes {
		if c.Value != nil {
			list = append(list, c.setting())
			news++
		}
	}
	var problems []error
	for j, problem := range i.unfit(list) {
		if j >= len(list)-news && problem != "" {
			problems = append(problems, fmt.Errorf("%w: %s cannot be %s: %s", ErrRefused, list[j], list[j].Unit.text(*list[j].Value), problem))
		}
	}
	return list, errors.Join(problems...)
}

func equal(a, b *float64) bool { return a == b || a != nil && b != nil && *a == *b }

func (c SettingChange) explain(plan *Plan, live bool) {
	now := "in force at once"
	if !live {
		now = "in force at the next start"
	}
	before := cmp.Or(c.From, c.Configured)
	text := c.setting().String()
	if before != nil {
		text += " is " + c.Unit.text(*before)
	}
	switch {
	case c.Value != nil:
		plan.say("%s: %s %s, and goes before the configuration until it is unset. Running jobs are left alone; nothing is skipped, nothing runs again.", text, c.Unit.text(*c.Value), now)
	case c.Configured != nil:
		plan.say("%s: the configuration's %s counts again, %s.", text, c.Unit.text(*c.Configured), now)
	default:
		plan.say("%s: the configuration counts again, %s.", text, now)
	}
	if c.Name == "delay" && live {
		plan.say("Jobs that are delayed by now keep their time.")
	}
	if c.Name == "workers" && c.Value != nil && *c.Value == 0 {
		plan.say("Without a worker no job starts.")
	}
	if strings.HasPrefix(c.Name, "dead_letter.") && c.Value != nil {
		plan.say("Dead letters beyond that are deleted for good, the oldest first.")
	}
}

// text is a value for people.
func (u Unit) text(v float64) string {
	switch u {
	case Seconds:
		return time.Duration(v * float64(time.Second)).String()
	case PerSecond:
		if v == 0 {
			return "no limit"
		}
		return fmt.Sprintf("%v/s", v)
	case Bytes:
		return fmt.Sprintf("%.0f bytes", v)
	}
	return fmt.Sprintf("%.0f", v)
}

func (setVerb) execute(ctx context.Context, i *inspector, plan Plan, op *Operation) error {
	i.setting.Lock()
	defer i.setting.Unlock()
	list, err := i.changed(plan.Settings)
	if err != nil {
		return err
	}
	if i.opt.Set != nil {
		i.opt.Set(list)
	}
	for _, c := range plan.Settings {
		if err := i.keep(c.setting()); err != nil {
			return err
		}
	}
	if err := i.store.Sync(ctx); err != nil {
		return err
	}
	op.Settings = plan.Settings
	for _, c := range plan.Settings {
		text := "unset"
		if c.Value != nil {
			text = c.Unit.text(*c.Value)
		}
		i.opt.Logger.Info("setting changed by an operator", "setting", c.setting().String(), "value", text, "reason", op.Command.Reason)
	}
	return nil
}

func (i *inspector) keep(s Setting) error {
	if s.Value == nil {
		return i.store.PutSetting(s.key(), nil)
	}
	value, err := json.Marshal(storedSetting{s.Topic, s.Name, *s.Value})
	if err != nil {
		return fmt.Errorf("keep %s: %w", s, err)
	}
	return i.store.PutSetting(s.key(), value)
}
