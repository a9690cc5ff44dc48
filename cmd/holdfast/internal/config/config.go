package config

import (
	"time"
)

// Config is everything an operator can configure, defaults filled in.
type Config struct {
	Kafka      Kafka
	DataDir    string
	Workers    int
	Rate       float64 // runs per second; 0: no limit
	Flush      time.Duration
	StopWithin time.Duration
	MaxCrashes int // 0: no crash is counted against a job
	Budget     Budget
	Handler    *Handler // of topics without one of their own
	Topics     []*Topic // in the order of the file
	Admin      Admin
	Metrics    Metrics
	Log        Log

	local bool // neither Kafka nor the store is used
}

// defaults are the values of keys that are not set.
func defaults() *Config {
	return &Config{
		Kafka:      defaultKafka(),
		Workers:    64,
		Flush:      10 * time.Millisecond,
		StopWithin: 45 * time.Second,
		MaxCrashes: 3,
		Budget:     Budget{Memory: 256 << 20},
		Admin:      Admin{Socket: socketAuto},
		Log:        Log{Level: "info", Format: formatAuto},
	}
}

func (c *Config) fields() fields {
	return fields{
		{"kafka", within(&c.Kafka)},
		{"data_dir", filePath(&c.DataDir)},
		{"workers", one(&c.Workers, count(1))},
		{"rate", one(&c.Rate, perSecond)},
		{"flush", one(&c.Flush, duration(time.Millisecond))},
		{"stop_within", one(&c.StopWithin, duration(0))},
		{"max_crashes", one(&c.MaxCrashes, count(0))},
		{"budget", within(&c.Budget)},
		{"handler", optional(&c.Handler, newHandler)},
		{"topics", topics{&c.Topics}},
		{"admin", within(&c.Admin)},
		{"metrics", within(&c.Metrics)},
		{"log", within(&c.Log)},
	}
}

// Budget bounds what is used, in bytes.
type Budget struct {
	Memory  int64
	Disk    int64 // 0: no limit
	MinFree int64 // 0: no limit
}

func (b *Budget) fields() fields {
	return fields{
		{"memory", one(&b.Memory, size(1<<20))},
		{"disk", one(&b.Disk, size(1<<20))},
		{"min_free", one(&b.MinFree, size(0))},
	}
}
