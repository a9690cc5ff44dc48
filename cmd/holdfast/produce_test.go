package main

import (
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func TestProduceIsInterrupted(t *testing.T) {
	t.Parallel()
	cluster, err := startBroker("127.0.0.1:0", "", []topicSpec{{"orders", 1}})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	stdin, keyboard := io.Pipe() // of which no end comes
	signals := make(chan os.Signal)
	var stderr strings.Builder
	w := &world{stdin: stdin, stdout: io.Discard, stderr: &stderr, signals: func() <-chan os.Signal { return signals }}
	ended := make(chan int)
	go func() {
		ended <- w.main(t.Context(), []string{"holdfast", "produce", "--brokers", cluster.ListenAddrs()[0], "--topic", "orders"})
	}()
	io.WriteString(keyboard, "first\nsec")
	arrived := func() int64 { return cluster.PartitionInfo("orders", 0).HighWatermark }
	for deadline := time.Now().Add(patience); arrived() == 0 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	signals <- os.Interrupt
	if code := <-ended; code != int(exitFailure) {
		t.Errorf("exit code %d, want %d", code, exitFailure)
	}
	keyboard.Close()
	if !strings.Contains(stderr.String(), "holdfast: interrupted before the end of the input\n") {
		t.Errorf("stderr is %s", stderr.String())
	}
	if n := arrived(); n != 1 {
		t.Errorf("%d records arrived, want the whole line before the signal", n)
	}
}
