package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
)

// System is one of those that are compared.
type System string

const (
	// Bare is a sarama consumer group with the handler in its claims: no
	// workers, no order beyond the partition's, nothing stored.
	Bare System = "bare sarama"
	// Holdfast is this project with its defaults.
	Holdfast System = "holdfast"
	// Parallel is Confluent Parallel Consumer in key order.
	Parallel System = "Parallel Consumer"
)

// command is the process of the system that obeys o.
func (o orders) command(jars string) (*exec.Cmd, error) {
	if o.System == Parallel {
		return exec.Command("java", "-cp", jars, "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "Runner",
			o.Broker, o.Topic, o.Group, strconv.Itoa(o.Workers), o.Board,
			strconv.FormatInt(o.Work.Sleep.Milliseconds(), 10), strconv.Itoa(o.Work.Stuck),
			strconv.FormatBool(o.Work.Tally)), nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the benchmark's own executable: %w", err)
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, fmt.Errorf("write the orders: %w", err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), ordersVariable+"="+string(text))
	return cmd, nil
}
