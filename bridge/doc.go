// Package bridge runs Kafka records as durable jobs: many at a time per
// partition, in order per key.
//
// A [Bridge] consumes topics as a member of a consumer group, splits every
// partition into lanes (by default one per key) and runs the heads of the lanes
// concurrently on a pool of workers. What is waiting and what is done lives in
// a local store, so a slow or failing key delays nothing but itself, and a
// restart continues where each lane was.
//
// # Guarantees
//
//   - The offset committed to Kafka is never above the lowest unfinished job
//     that the store has on disk.
//   - Every record at or above the committed offset is run until it is done.
//   - Jobs of a lane run one at a time, in offset order, retries included.
//   - A completion that is on disk here never runs again here.
//   - A partition that another bridge takes over brings along what is finished
//     above its offset, as far as Kafka's 4,096 bytes of metadata carry it:
//     the rest, counted in [Revoked], runs again there. After a kill, so does
//     what was finished in the last 30 s.
//   - Side effects happen at least once: after a kill, the jobs that were
//     running or whose completion was not yet on disk run again, with the same
//     [Job.ID]. After a planned stop, only those that did not end in time do.
//   - When a write to the store fails, nothing runs and no offset moves:
//     [Bridge.Run] returns [ErrStoreFailed].
//
// A partition belongs to one process at a time; lanes do not span partitions.
//
// # A job that cannot be done
//
// A handler that returns an error runs again: after a time that the topic's
// [RetryPolicy] says, or a [Class] of errors, or the handler itself by
// [RetryAfter]. [Snooze] is the same without an attempt, and [Skip] completes the
// job with nothing done. Attempts, due times and the errors so far outlive
// restarts and crashes; a run that a stop or a revocation interrupts is no
// attempt.
//
// A job is given up by its handler with [Bury], by a class, or by the policy once
// its attempts are used up. [Topic.OnFailure] says what that means:
//
//	Block     halted: it holds its lane and the offset until an operator acts
//	BuryJob   a dead letter, kept until it is requeued, discarded or expires; its lane goes on
//	ParkLane  set aside with every later job of its lane, in order; the offset moves on
//
// Under BuryJob the topic's [Guard] lets only so many jobs be given up while few
// succeed: the others go on retrying, so that an outage of what they all depend
// on does not make dead letters of the stream.
//
// A handler that panics has failed. One that ends the process, as os.Exit, C code
// and a lack of memory do, is found by the next start: after two crashes in a
// row the jobs that were running then run one at a time, all others as ever, and
// a job that the process did not survive [Config.MaxCrashes] times in that turn
// is given up. recovery/README.md has the rules.
//
// [Bridge.Inspector] lists such jobs and acts on them, a plan first; package
// inspect does the same with the directory of a stopped bridge.
//
// # What runs, and when
//
// A record that a topic's Filter refuses, or that is older than its Expiry, is
// left out when it is read: it counts as complete. One that expires while it
// waits is skipped instead of its next run. Delay and DelayHeader keep a job back
// until a time, and Rate until its turn comes, without a worker; OnlyLatest
// completes jobs that a newer one of their lane makes pointless. [Bridge.Inspector]
// pauses and resumes topics, partitions and lanes, over restarts.
// [Bridge.Apply] changes workers, rates, retries, delays and timeouts while jobs
// run.
//
// # Work that takes long
//
// A job may run for hours: its lane waits, nothing else does, and no membership
// depends on it. [Topic.Timeout] ends the context of a run that takes too long,
// [Topic.Heartbeat] reports one that is silent, with its stack, and an operator
// can cancel one; [context.Cause] tells which: [ErrTimeout], [ErrCancelled],
// [ErrRevoked] or [ErrStopping]. A handler that ignores its context keeps its
// lane and a worker until it returns, and what it returns then counts.
//
// [Job.Checkpoint] keeps how far a job has come, on disk when it returns; the
// next attempt continues from [Job.LastCheckpoint], after a kill too. With
// [Job.Defer] a handler returns before its job is done, and [Deferred.Finish]
// completes it later: the lane is held meanwhile, and no worker. [Batch] runs
// several jobs of a lane in one call, each with a result of its own. What ends
// after its partition went to another member is kept as done here, commits
// nothing, and does not run again if the partition comes back.
//
// # Results
//
// A handler hands over records with [Job.Produce]. The job is done when Kafka
// has acknowledged them, and they arrive at least once, each with [HeaderID] and
// [HeaderIndex] for consumers to remove duplicates by. Copies of dead letters go
// to [DeadLetter.Topic] in the order of their burials, whenever that is there to
// take them.
//
// # What others see
//
// [Hooks] tell what happens, and [JoinHooks] lets several listen; package metrics
// makes a Prometheus collector of them. [Bridge.Health] is for watchdogs: it looks
// at what must never stand still, and not at jobs. The W3C trace context of a
// record goes on in what its job causes: see [Job.Trace], and [Spans] for how a
// tracing library takes part.
//
// # Use
//
//	b, err := bridge.New(bridge.Config{
//		Brokers: []string{"127.0.0.1:9092"},
//		Group:   "billing",
//		DataDir: "./data",
//		Topics: []bridge.Topic{{
//			Name: "orders",
//			Handler: bridge.HandlerFunc(func(ctx context.Context, job *bridge.Job) error {
//				return charge(ctx, job.ID(), job.Value)
//			}),
//		}},
//	})
//	if err != nil {
//		return err
//	}
//	return b.Run(ctx) // until ctx ends
package bridge
