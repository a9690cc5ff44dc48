package config

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPrecedence(t *testing.T) {
	t.Parallel()
	in := Input{Environ: []string{"HOLDFAST_WORKERS=7", "HOLDFAST_KAFKA_GROUP=env", "HOLDFAST_DATA_DIR=there", "HOLDFAST_LOG_LEVEL="}}
	content := smallest + "workers: 5\nlog: {level: warn}\n"
	c := mustLoad(t, content, in)
	if c.Workers != 7 || c.Kafka.Group != "env" || c.DataDir != "/srv/there" || c.Log.Level != "warn" || c.Flush != 10*time.Millisecond {
		t.Errorf("with variables: %+v", c)
	}
	in.Flags = []Flag{{"--workers", "workers", "9"}, {"--brokers", "kafka.brokers", "a:1, b:2"}}
	c = mustLoad(t, content, in)
	if c.Workers != 9 || !cmp.Equal(c.Kafka.Brokers, []string{"a:1", "b:2"}) {
		t.Errorf("with flags: %+v", c)
	}
}

func TestProblemsOfVariablesAndFlags(t *testing.T) {
	t.Parallel()
	_, err := load(t, smallest, Input{
		Environ: []string{"HOLDFAST_FLUSH=soon", "HOLDFAST_KAFKA_BROKERS=nowhere"},
		Flags:   []Flag{{"--workers", "workers", "0"}},
	})
	want := `3 problems in the configuration:
  --workers: workers: "0" is not a whole number of at least 1
  HOLDFAST_FLUSH: flush: "soon" is not a duration; write for example 10ms, 45s, 2h30m or 30d
  HOLDFAST_KAFKA_BROKERS: kafka.brokers: "nowhere" is not host:port`
	if err == nil || err.Error() != want {
		t.Errorf("error is\n%v\nwant\n%s", err, want)
	}
}
