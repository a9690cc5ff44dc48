package crashtest

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"
)

var (
	soak = flag.Duration("for", 15*time.Second, "how long to go on killing")
	seed = flag.Uint64("seed", 0, "repeats the kills of a run before; 0: new ones")
)

// TestMain is where a child process begins too.
func TestMain(m *testing.M) {
	for variable, work := range map[string]func(string) error{ordersVariable: work, longVariable: workLong} {
		orders, child := os.LookupEnv(variable)
		if !child {
			continue
		}
		if err := work(orders); err != nil {
			fmt.Fprintln(os.Stderr, "bridge under test:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}
