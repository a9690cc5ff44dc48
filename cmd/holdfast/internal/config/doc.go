// Package config reads the operator's configuration: a YAML file, environment
// variables over it, and flags over both.
//
// Reading is strict. An unknown key is a problem with its line and the nearest
// known name, and all problems are reported at once. Each section of the file
// lists its keys in one place, from which they are decoded, named as variables,
// suggested and printed. Secrets are never printed.
//
//	c, err := config.Load(config.Input{File: "holdfast.yaml"}) // an error lists every problem
//	settings, err := c.Bridge(logger, logger)                  // what bridge.New takes
package config
