package config

import "time"

// ParseDuration reads a duration as the file has it: 10ms, 45s, 2h30m or 30d.
func ParseDuration(text string) (time.Duration, error) { return parseDuration(text) }

// FormatDuration is the shortest text that ParseDuration reads as d.
func FormatDuration(d time.Duration) string { return formatDuration(d) }

// ParseSize reads a number of bytes as the file has it: 512KiB, 256MiB or 30GiB.
func ParseSize(text string) (int64, error) { return parseSize(text) }

// ParseRate reads a rate as the file has it: 500/s. It is above zero.
func ParseRate(text string) (perSec float64, err error) { return perSecond.parse(text) }
