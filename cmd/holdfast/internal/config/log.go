package config

import "log/slog"

// Log is what is logged, and how.
type Log struct {
	Level  string
	Format string
}

const formatAuto = "auto" // text on a terminal, JSON otherwise

func (l *Log) fields() fields {
	return fields{
		{"level", one(&l.Level, words("debug", "info", "warn", "error"))},
		{"format", one(&l.Format, words(formatAuto, "text", "json"))},
	}
}

// Slog is the level as slog has it.
func (l Log) Slog() slog.Level {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level)) // the words are slog's own
	return level
}

// JSON tells whether lines are JSON on a stream that is a terminal or not.
func (l Log) JSON(terminal bool) bool {
	return l.Format == "json" || l.Format == formatAuto && !terminal
}
