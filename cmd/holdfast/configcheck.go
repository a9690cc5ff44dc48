package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/urfave/cli/v2"

	"github.com/seed-2837c37b/holdfast/cmd/holdfast/internal/config"
	"github.com/seed-2837c37b/holdfast/recovery"
)

// configCheck is what is wrong with a configuration.
type configCheck struct {
	OK       bool            `json:"ok"`
	File     string          `json:"file"`
	Problems []configProblem `json:"problems"`
	Warnings []string        `json:"warnings"`
}

type configProblem struct {
	Where string `json:"where"`
	Key   string `json:"key"`
	Text  string `json:"text"`
}

func (w *world) configCheck(c *cli.Context) error {
	format, err := output(c)
	if err != nil {
		return err
	}
	in, err := w.lookedAt(c)
	if err != nil {
		return err
	}
	loaded, err := loadFrom(in)
	var notMade []string
	if err == nil {
		notMade, err = checkPlace(loaded.DataDir)
	}
	check, ok := w.checkOf(in.File, loaded, err)
	if !ok {
		return err
	}
	check.Warnings = append(check.Warnings, notMade...)
	for _, text := range check.Warnings {
		w.warning(text)
	}
	written := w.result(format, check, func(out io.Writer) error {
		if !check.OK {
			return nil // the error says it
		}
		return describeConfig(out, loaded)
	})
	return errors.Join(err, written)
}

// checkPlace tells in the words of a configuration that no store can be in dir, and
// warns where this user could not make it.
func checkPlace(dir string) (warnings []string, err error) {
	err = recovery.CheckDir(dir)
	if errors.Is(err, recovery.ErrNotMade) {
		warnings, err = []string{"data_dir: " + err.Error()}, nil
	}
	if err == nil {
		err = recovery.CheckPlace(dir)
	}
	if err == nil {
		return warnings, nil
	}
	return warnings, &config.Error{Problems: []config.Problem{{Key: "data_dir", Reason: err.Error()}}}
}

// checkOf sums up what was found; false: err is not about the configuration.
func (w *world) checkOf(file string, loaded *config.Config, err error) (configCheck, bool) {
	check := configCheck{OK: err == nil, File: file, Problems: []configProblem{}, Warnings: append([]string{}, w.misspelt()...)}
	if loaded != nil {
		check.Warnings = append(check.Warnings, loaded.Warnings()...)
	}
	if err == nil {
		return check, true
	}
	var found *config.Error
	if !errors.As(err, &found) {
		return check, false
	}
	for _, p := range found.Problems {
		check.Problems = append(check.Problems, configProblem{p.Origin, p.Key, p.Reason})
	}
	return check, true
}

func describeConfig(out io.Writer, c *config.Config) error {
	topics := make([]string, len(c.Topics))
	for i, t := range c.Topics {
		topics[i] = t.Name
	}
	_, err := fmt.Fprintf(out, "ok: group %s, %d workers, store in %s, topics %q\n", c.Kafka.Group, c.Workers, c.DataDir, topics)
	return err
}
