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
	orders, child := os.LookupEnv(ordersVariable)
	if !child {
		os.Exit(m.Run())
	}
	if err := work(orders); err != nil {
		fmt.Fprintln(os.Stderr, "bridge under test:", err)
		os.Exit(1)
	}
}
