// Package queue keeps the jobs of Kafka partitions in per-key queues, called
// lanes, durably in one bbolt file.
//
// A [Store] is one file. [Store.Attach] gives the [Partition] that records are
// appended to; [Store.Take] hands out the heads of lanes, and [Store.Finish]
// takes their outcomes in. One goroutine, the committer, writes: every few
// milliseconds one transaction takes what changed, and its fsync makes it
// durable.
//
// A lane that is parked waits apart from Kafka's order, with all later records
// of it and without memory, until [Partition.Release].
//
// For operators, [Partition.Pending] lists the open jobs with their states, and
// [Partition.Retry] and [Partition.Skip] act on one of them, as it was seen.
// [Store.Pause] keeps the jobs of a topic, a partition or a lane from starting
// until [Store.Resume], over restarts too. [Store.LimitTopic],
// [Store.LimitTopicRate] and [Store.LimitRate] bound how many run, and begin, at
// a time.
//
// A run that ends with [Bury], or an operator's [Partition.Bury], makes a dead
// letter of the job: it is complete, and kept until it is requeued, discarded or
// expires by Options.DeadLetters, whether its partition is attached or not.
//
// Beside its partitions a store keeps a ledger: an audit trail, operations that
// are executed over restarts, and settings. What they say is their user's.
//
// # Guarantees
//
//   - Jobs of one lane run one at a time in offset order, over retries and
//     restarts.
//   - [Partition.Frontier], the only offset that may be committed to Kafka, is
//     the lowest unfinished offset as it is on disk.
//   - Every record at or above the frontier that was appended is finished,
//     stored, or in memory behind a frontier that has not passed it, so that
//     Kafka delivers it again after a crash.
//   - A completion that Options.Durable has told of never runs again.
//   - At most 65,536 outcomes, and none for longer than a second, are not
//     durable; then no job starts.
//   - After a failed commit nothing starts, moves or is written any more.
//   - A buried job is a dead letter in the transaction that completes it, and a
//     requeued one is a job in the transaction that removes the letter: it is
//     exactly one of the two at any time, crashes included.
//   - Every stored value is framed with a checksum that is verified before
//     anything is decoded. A damaged body is reported by the job's name.
//
// A record that finishes before the next flush is never written. FORMAT.md
// describes the file.
//
// The package knows nothing of Kafka. It reads no clock but Options.Clock,
// except to measure flushes.
package queue
