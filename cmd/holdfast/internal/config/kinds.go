package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// text is any text but the empty one.
var text = kind[string]{
	parse: func(s string) (string, error) {
		if s == "" {
			return "", errors.New("is empty; give it a value or remove the key")
		}
		return s, nil
	},
	format: func(s string) string { return s },
}

// count is a whole number from least on.
func count[T int | int32](least T) kind[T] {
	return kind[T]{
		parse: func(s string) (T, error) {
			n, err := strconv.ParseInt(s, 10, 32)
			if err != nil || T(n) < least {
				return 0, fmt.Errorf("%q is not a whole number of at least %d", s, least)
			}
			return T(n), nil
		},
		format: func(n T) string {
			if n < least {
				return ""
			}
			return strconv.FormatInt(int64(n), 10)
		},
	}
}

// countOrNone is a whole number from 1 on, or none, which is -1.
var countOrNone = kind[int]{
	parse: func(s string) (int, error) {
		if s == "none" {
			return -1, nil
		}
		n, err := count(1).parse(s)
		if err != nil {
			err = fmt.Errorf("%w, or none", err)
		}
		return n, err
	},
	format: func(n int) string {
		if n < 0 {
			return "none"
		}
		return count(1).format(n)
	},
}

// between is a number within bounds, both included.
func between(least, most float64) kind[float64] {
	return kind[float64]{
		parse: func(s string) (float64, error) {
			n, err := strconv.ParseFloat(s, 64)
			if err != nil || !(n >= least && n <= most) {
				return 0, fmt.Errorf("%q is not a number from %g to %g", s, least, most)
			}
			return n, nil
		},
		format: func(n float64) string { return strconv.FormatFloat(n, 'g', -1, 64) },
	}
}

// choice is one of a few words.
func choice[T comparable](words ...word[T]) kind[T] {
	return kind[T]{
		parse: func(s string) (T, error) {
			names := make([]string, len(words))
			for i, w := range words {
				if w.name == s {
					return w.value, nil
				}
				names[i] = w.name
			}
			var zero T
			return zero, fmt.Errorf("%q is unknown; use %s", s, either(names))
		},
		format: func(v T) string {
			for _, w := range words {
				if w.value == v {
					return w.name
				}
			}
			return ""
		},
	}
}

// either lists names as a sentence does.
func either(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

type word[T comparable] struct {
	name  string
	value T
}

// words are names that stand for themselves.
func words(names ...string) kind[string] {
	list := make([]word[string], len(names))
	for i, name := range names {
		list[i] = word[string]{name, name}
	}
	return choice(list...)
}

const day = 24 * time.Hour

// duration is a time span from least on.
func duration(least time.Duration) kind[time.Duration] {
	return kind[time.Duration]{
		parse: func(s string) (time.Duration, error) {
			d, err := parseDuration(s)
			switch {
			case err != nil:
				return 0, err
			case d < least:
				return 0, fmt.Errorf("%s is too short; use at least %s", s, formatDuration(least))
			}
			return d, nil
		},
		format: formatDuration,
	}
}

func parseDuration(s string) (time.Duration, error) {
	wrong := fmt.Errorf("%q is not a duration; write for example 10ms, 45s, 2h30m or 30d", s)
	var days time.Duration
	rest := s
	if before, after, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseFloat(before, 64)
		if err != nil || !(n >= 0 && n <= float64(math.MaxInt64/day/2)) {
			return 0, wrong
		}
		days, rest = time.Duration(n*float64(day)), after
		if rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || d > math.MaxInt64-days {
		return 0, wrong
	}
	return days + d, nil
}

// formatDuration is the shortest of the forms that parseDuration reads.
func formatDuration(d time.Duration) string {
	var out string
	if days := d / day; days > 0 {
		out, d = strconv.FormatInt(int64(days), 10)+"d", d%day
		if d == 0 {
			return out
		}
	}
	rest := d.String()
	if d >= time.Minute {
		if trimmed, ok := strings.CutSuffix(rest, "m0s"); ok {
			rest = trimmed + "m"
		}
		if trimmed, ok := strings.CutSuffix(rest, "h0m"); ok {
			rest = trimmed + "h"
		}
	}
	return out + rest
}

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1},
}

// size is a number of bytes from least on; zero prints as nothing.
func size(least int64) kind[int64] {
	return kind[int64]{
		parse: func(s string) (int64, error) {
			n, err := parseSize(s)
			switch {
			case err != nil:
				return 0, err
			case n < least:
				return 0, fmt.Errorf("%s is too small; use at least %s", s, formatSize(least))
			}
			return n, nil
		},
		format: func(n int64) string {
			if n == 0 {
				return ""
			}
			return formatSize(n)
		},
	}
}

func parseSize(s string) (int64, error) {
	number, unit := s, int64(1)
	for _, u := range sizeUnits {
		if before, ok := strings.CutSuffix(s, u.name); ok {
			number, unit = strings.TrimSpace(before), u.bytes
			break
		}
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && n >= 0 && n <= math.MaxInt64/unit {
		return n * unit, nil
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || !(n >= 0 && n*float64(unit) < math.MaxInt64) {
		return 0, fmt.Errorf("%q is not a size; write for example 512KiB, 256MiB or 30GiB", s)
	}
	return int64(n * float64(unit)), nil
}

func formatSize(n int64) string {
	for _, u := range sizeUnits {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
