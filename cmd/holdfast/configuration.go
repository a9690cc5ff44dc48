package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/listing"
)

// keyFlags are the flags that set a key of the configuration.
var keyFlags = []struct{ name, key, usage string }{
	{"brokers", "kafka.brokers", "`HOST:PORT` of brokers, separated by commas"},
	{"group", "kafka.group", "consumer group `NAME`"},
	{"instance-id", "kafka.instance_id", "static member `ID`: auto, none or a name"},
	{"data-dir", "data_dir", "`DIR` of the store"},
	{"workers", "workers", "`N` jobs at a time"},
	{"stop-within", "stop_within", "`DURATION` that running jobs may go on after SIGTERM"},
	{"log-level", "log.level", "`LEVEL`: debug, info, warn or error"},
	{"log-format", "log.format", "`FORMAT`: auto, text or json"},
}

const configVariable = "HOLDFAST_CONFIG"

func configFlag() cli.Flag {
	return &cli.StringFlag{Name: "config", Aliases: []string{"c"}, Usage: "`FILE` with the configuration, also " + configVariable}
}

// configFlags are --config and the flags that go over it.
func configFlags() []cli.Flag {
	flags := []cli.Flag{configFlag()}
	for _, f := range keyFlags {
		flags = append(flags, &cli.StringFlag{Name: f.name, Usage: f.usage + ", over " + f.key + " and " + config.Variable(f.key)})
	}
	return flags
}

// load reads the configuration that the flags of configFlags name.
func (w *world) load(c *cli.Context) (*config.Config, error) {
	in, err := w.settings(c)
	if err != nil {
		return nil, err
	}
	return loadFrom(in)
}

func loadFrom(in config.Input) (*config.Config, error) {
	if in.File == "" {
		return nil, noConfig(in.Dir)
	}
	return config.Load(in)
}

// noConfig asks for the configuration. What runs jobs does not take the file that
// happens to be in the current directory, as what looks at a bridge does.
func noConfig(dir string) error {
	if exists(filepath.Join(dir, configFile)) {
		return usagef("--config is missing; it names the configuration file, as --config %s", configFile)
	}
	return usagef("--config is missing; it names the configuration file")
}

// settings is where the configuration of a command comes from.
func (w *world) settings(c *cli.Context) (config.Input, error) {
	dir, err := os.Getwd()
	if err != nil {
		return config.Input{}, fmt.Errorf("find the working directory: %w", err)
	}
	in := config.Input{File: cmp.Or(c.String("config"), w.variable(configVariable)), Environ: w.environ, Dir: dir}
	for _, f := range keyFlags {
		if c.IsSet(f.name) {
			in.Flags = append(in.Flags, config.Flag{Name: "--" + f.name, Key: f.key, Value: c.String(f.name)})
		}
	}
	return in, nil
}

// lookedAt is the same for a command that only looks at the configuration: that of
// the current directory is enough.
func (w *world) lookedAt(c *cli.Context) (config.Input, error) {
	in, err := w.settings(c)
	if err == nil && in.File == "" && exists(filepath.Join(in.Dir, configFile)) {
		in.File = configFile
	}
	return in, err
}

func (w *world) config() *cli.Command {
	return &cli.Command{
		Name:  "config",
		Usage: "check or print the configuration",
		Subcommands: []*cli.Command{
			{
				Name:  "check",
				Usage: "report everything that is wrong with the configuration",
				Description: "The files that it names are read, and the place of data_dir is looked at; the store is not opened\n" +
					"and Kafka is not asked. It looks as the user who types it: check as the user of the bridge.\n" +
					"Without --config it is holdfast.yaml of the current directory.",
				Flags:  append(configFlags(), resultFlag()),
				Action: w.configCheck,
			},
			{
				Name:  "print",
				Usage: "print the configuration in force, with every default and without secrets",
				Description: "Flags go over the environment, that over the file, and that over the defaults. Without --config\n" +
					"it is holdfast.yaml of the current directory.",
				Flags: append(configFlags(),
					&cli.BoolFlag{Name: "effective", Usage: "with what operators have set, which goes over all of them"}),
				Action: w.configPrint,
			},
		},
	}
}

func (w *world) configPrint(c *cli.Context) error {
	in, err := w.lookedAt(c)
	if err != nil {
		return err
	}
	loaded, err := loadFrom(in)
	if err != nil {
		return err
	}
	w.warn(loaded)
	if !c.Bool("effective") {
		return loaded.Print(w.stdout)
	}
	n, err := w.connect(c.Context, loaded)
	if err != nil {
		return err
	}
	settings, err := n.Settings(c.Context)
	if err = errors.Join(err, n.close()); err != nil {
		return err
	}
	for _, s := range settings {
		if s.Problem != "" {
			fmt.Fprintf(w.stderr, "holdfast: warning: the stored setting %s is not in force: %s; %s forgets it\n", s, listing.Line(s.Problem), targetOf(c).at(s.Unset()))
		}
	}
	for _, s := range loaded.Effective(settings) {
		fmt.Fprintf(w.stderr, "holdfast: warning: %s is set, and the configuration has no entry for it\n", s)
	}
	return loaded.Print(w.stdout)
}

// warn tells what is allowed and probably not meant.
func (w *world) warn(c *config.Config) {
	for _, text := range w.warnings(c) {
		w.warning(text)
	}
}

func (w *world) warning(text string) { fmt.Fprintf(w.stderr, "holdfast: warning: %s\n", text) }

func (w *world) warnings(c *config.Config) []string {
	return append(w.misspelt(), c.Warnings()...)
}

// misspelt are variables that have no effect but look as if they had.
func (w *world) misspelt() []string {
	var found []string
	for name, meant := range config.Misspelt(w.environ) {
		if name != configVariable {
			found = append(found, fmt.Sprintf("the variable %s has no effect; did you mean %s?", name, meant))
		}
	}
	slices.Sort(found)
	return found
}
