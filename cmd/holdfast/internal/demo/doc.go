// Package demo shows a bridge at work without a Kafka cluster, and judges it.
//
// [Run] starts an embedded broker, fills a topic with a skewed stream of records over
// many keys, has a bridge work on it with a handler that takes its time, and proves
// from the outside what happened: every event of the handler is compared with what
// lies in the log, and the committed offsets are read back from the broker.
//
// With Options.Crash the bridge works in a child process that is killed with SIGKILL
// half-way and started again on the same directory. The child tells its events over a
// pipe, which outlives it: what it had told to be durable must not run again.
//
//	options := demo.Defaults()
//	options.Crash = true
//	options.Self = []string{executable, "demo-worker"} // calls demo.Work
//	err := demo.Run(ctx, options, os.Stdout, os.Stderr)
package demo
