package inspect

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect/internal/words"
	"github.com/seed-2837c37b/holdfast/queue"
)

// Setting is a value that an operator has set, or wants to. Names are those of
// the configuration file.
type Setting struct {
	Topic string `json:"topic"` // entry of the configuration, a topic or ~pattern; empty: the bridge
	Name  string `json:"name"`  // workers, rate, concurrency, dead_letter.keep, ...
	// Value is a number in the unit of the name; nil in a command unsets it: the
	// configuration counts again.
	Value *float64  `json:"value"`
	Unit  Unit      `json:"unit"`
	Since time.Time `json:"since"`
	// Configured is the configuration's own value; nil where it is not known.
	Configured *float64 `json:"configured"`
	// Problem is why a stored setting is not in force; empty: it is. Of one that
	// is damaged, or of a version that knows more of them, Value is nil.
	Problem string `json:"problem"`
}

// Unit is what the value of a setting counts.
type Unit string

// The units of settings.
const (
	Count     Unit = "count"
	PerSecond Unit = "per_second" // 0: no limit
	Seconds   Unit = "seconds"
	Bytes     Unit = "bytes"
)

// settingKind says what a setting may be.
type settingKind struct {
	unit          Unit
	bridge, topic bool // what it can be of
}

var settingKinds = map[string]settingKind{
	"workers":                {Count, true, false},
	"rate":                   {PerSecond, true, true},
	"stop_within":            {Seconds, true, false},
	"concurrency":            {Count, false, true},
	"timeout":                {Seconds, false, true},
	"heartbeat":              {Seconds, false, true},
	"delay":                  {Seconds, false, true},
	"expire_after":           {Seconds, false, true},
	"dead_letter.keep":       {Seconds, false, true},
	"dead_letter.keep_bytes": {Bytes, false, true},
}

// SettingNames lists the settings of the bridge as a whole, or of an entry.
func SettingNames(ofTopic bool) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(settingKinds)) {
		if kind := settingKinds[name]; ofTopic && kind.topic || !ofTopic && kind.bridge {
			names = append(names, name)
		}
	}
	return names
}

// UnitOf returns the unit of a setting; empty: there is none of that name.
func UnitOf(name string) Unit { return settingKinds[name].unit }

// MaxWorkers is how many workers there can be. One digit too many would take all of
// the memory, and being stored, at every start again.
const MaxWorkers = 1 << 16

// maxSetting bounds values: whole numbers are exact below it, and durations fit.
const maxSetting = 1 << 52

// Validate reports what is wrong with the setting.
func (s Setting) Validate() error {
	kind, known := settingKinds[s.Name]
	if known && s.Topic == "" && !kind.bridge {
		return fmt.Errorf("%s is a setting of a topic: say whose with --topic", s)
	}
	if !known || s.Topic == "" && !kind.bridge || s.Topic != "" && !kind.topic {
		return fmt.Errorf("%s is no setting: there are %s", s, strings.Join(SettingNames(s.Topic != ""), ", "))
	}
	if s.Value == nil {
		return nil
	}
	v, most := *s.Value, float64(maxSetting)
	switch {
	case kind.unit == Seconds:
		most = float64(math.MaxInt64 / int64(time.Second))
	case s.Name == "workers":
		most = MaxWorkers
	}
	switch {
	case math.IsNaN(v) || v < 0 || v > most:
		return fmt.Errorf("%s: %s is out of range: 0 to %s", s, decimal(v), decimal(most))
	case (kind.unit == Count || kind.unit == Bytes) && v != math.Trunc(v):
		return fmt.Errorf("%s: %v is not a whole number", s, v)
	}
	return nil
}

// decimal is a number without an exponent.
func decimal(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// String is the key as in the configuration file.
func (s Setting) String() string {
	if s.Topic == "" {
		return s.Name
	}
	return "topics." + s.Topic + "." + s.Name
}

// Unset is the command that forgets a setting.
func (s Setting) Unset() string {
	if s.Topic == "" {
		return "holdfast set --unset " + words.Quoted(s.Name)
	}
	return "holdfast set --topic " + words.Quoted(s.Topic) + " --unset " + words.Quoted(s.Name)
}

func (s Setting) is(other Setting) bool { return s.Topic == other.Topic && s.Name == other.Name }

// storedSetting is the store's form. Its key is only to be the setting's own.
type storedSetting struct {
	Topic string  `json:"topic,omitempty"`
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

const settingPrefix = "set/"

func (s Setting) key() string { return settingPrefix + s.Name + "/" + s.Topic }

// Ledger is where settings are stored: a *queue.Store.
type Ledger interface{ Settings() []queue.Setting }

// StoredSettings reads settings from the store's. Strange are those that cannot
// be used, because they are damaged or a version wrote them that knows more.
func StoredSettings(store Ledger) (list, strange []Setting) {
	for _, stored := range store.Settings() {
		if !strings.HasPrefix(stored.Name, settingPrefix) {
			continue
		}
		var v storedSetting
		err := stored.Damaged
		if err == nil {
			err = json.Unmarshal(stored.Value, &v)
		}
		s := Setting{Topic: v.Topic, Name: v.Name, Value: &v.Value, Unit: settingKinds[v.Name].unit, Since: stored.Since}
		if err = cmp.Or(err, s.Validate()); err != nil {
			name, topic, _ := strings.Cut(strings.TrimPrefix(stored.Name, settingPrefix), "/")
			strange = append(strange, Setting{Topic: topic, Name: name, Unit: settingKinds[name].unit, Since: stored.Since, Problem: err.Error()})
			continue
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b Setting) int {
		return cmp.Or(cmp.Compare(a.Topic, b.Topic), cmp.Compare(a.Name, b.Name))
	})
	return list, strange
}

func (i *inspector) Settings(context.Context) ([]Setting, error) {
	if err := i.store.Err(); err != nil {
		return nil, err
	}
	return i.settings(), nil
}

// settings are all that are stored, those among them that are not in force.
func (i *inspector) settings() []Setting {
	list, strange := StoredSettings(i.store)
	for j, problem := range i.unfit(list) {
		list[j].Problem = problem
	}
	list = append(list, strange...)
	for j := range list {
		list[j].Configured = i.configured(list[j])
	}
	return list
}

// unfit tells of settings why they do not go with the configuration, as far as
// that is known.
func (i *inspector) unfit(list []Setting) []string {
	if i.opt.Unfit == nil || len(list) == 0 {
		return make([]string, len(list))
	}
	return i.opt.Unfit(list)
}

func (i *inspector) configured(s Setting) *float64 {
	if i.opt.SettingOf == nil {
		return nil
	}
	if v, ok := i.opt.SettingOf(s.Topic, s.Name); ok {
		return &v
	}
	return nil
}
