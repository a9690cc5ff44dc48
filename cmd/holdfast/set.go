package main

import (
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
)

// settingFlags are the flags of set, by the settings that they are of.
var settingFlags = []struct{ flag, setting, usage string }{
	{"workers", "workers", "`N` jobs at a time; 0: none"},
	{"rate", "rate", "`RATE` of runs, as 100/s, or 0 for no limit; with --topic of that entry"},
	{"stop-within", "stop_within", "`DURATION` that running jobs may go on after SIGTERM"},
	{"concurrency", "concurrency", "`N` jobs of the entry at a time; 0: no limit of its own"},
	{"timeout", "timeout", "`DURATION` of a run; 0: none"},
	{"heartbeat", "heartbeat", "`DURATION` of silence after which a run is reported as stuck; 0: none"},
	{"delay", "delay", "`DURATION` that a record waits before it runs; 0: none"},
	{"expire-after", "expire_after", "`DURATION` after which a record is left out; 0: none"},
	{"dead-keep", "dead_letter.keep", "`DURATION` that dead letters are kept; 0: for ever"},
	{"dead-keep-bytes", "dead_letter.keep_bytes", "`SIZE` that dead letters may take up, as 5GiB; 0: no bound"},
}

func (w *world) set() *cli.Command {
	flags := []cli.Flag{&cli.StringFlag{Name: "topic", Usage: "`NAME` of an entry of the configuration, a topic or ~pattern; without it the bridge"}}
	for _, f := range settingFlags {
		flags = append(flags, &cli.StringFlag{Name: f.flag, Usage: f.usage})
	}
	return w.change(change{
		name: "set", whole: true, usage: "change settings, from now on and over restarts",
		description: "A setting is stored and goes before the configuration, also where that is read again, until it is unset.\n" +
			"It is in force at once; without a running bridge, at the next start. holdfast config print --effective\n" +
			"shows what is in force.\n\n" +
			"holdfast set --workers 16 --execute\n" +
			"holdfast set --topic orders --dead-keep-bytes 5GiB --rate 200/s --execute\n" +
			"holdfast set --topic orders --unset rate --execute",
		flags:   append(flags, &cli.StringSliceFlag{Name: "unset", Usage: "`SETTING` that the configuration is to say again, as rate; several with commas"}),
		command: settingsOf,
	})
}

func settingsOf(c *cli.Context) (inspect.Command, error) {
	topic := c.String("topic")
	command := inspect.Command{Verb: inspect.Set, Select: inspect.Query{Topic: topic}}
	for _, f := range settingFlags {
		if !c.IsSet(f.flag) {
			continue
		}
		value, err := settingValue(inspect.UnitOf(f.setting), c.String(f.flag))
		if err != nil {
			return command, usagef("--%s is %q: %v", f.flag, c.String(f.flag), err)
		}
		command.Settings = append(command.Settings, inspect.Setting{Topic: topic, Name: f.setting, Value: &value})
	}
	for _, text := range c.StringSlice("unset") {
		for name := range strings.SplitSeq(text, ",") {
			command.Settings = append(command.Settings, inspect.Setting{Topic: topic, Name: settingNamed(strings.TrimSpace(name))})
		}
	}
	if len(command.Settings) == 0 {
		return command, usagef("holdfast set says nothing that is to be set; see holdfast set --help")
	}
	return command, nil
}

// settingNamed is a setting by its flag or by its key.
func settingNamed(name string) string {
	for _, f := range settingFlags {
		if name == f.flag {
			return f.setting
		}
	}
	return name
}

// settingValue reads a value as the configuration file has it. Zero needs no unit.
func settingValue(unit inspect.Unit, text string) (float64, error) {
	if text == "0" {
		return 0, nil
	}
	switch unit {
	case inspect.PerSecond:
		return config.ParseRate(text)
	case inspect.Seconds:
		d, err := config.ParseDuration(text)
		return d.Seconds(), err
	case inspect.Bytes:
		n, err := config.ParseSize(text)
		return float64(n), err
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, usagef("write a whole number")
	}
	return float64(n), nil
}
