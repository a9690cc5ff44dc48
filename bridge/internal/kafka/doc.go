// Package kafka is the bridge's side of Kafka: membership in the group, the
// records of the partitions it owns, and the offsets it commits. sarama is
// imported here and, for one type of the configuration, in package bridge.
//
// # Three clients
//
// A member that does everything over one sarama client stands still while
// another member drains: joining, fetching and committing wait for each other.
// Here each has a client, and so connections, of its own:
//
//   - The group client is membership only. Each of its claims is paused before
//     it is used and never resumed; its Messages() closing is the news that a
//     partition was revoked.
//   - The fetch client reads an owned partition from the offset it is asked for.
//   - The commit client sends offset commits fenced by member id and generation,
//     heartbeats of its own, tail probes and metadata requests.
//
// # Guarantees
//
//   - [Owner].Own runs once per partition taken, on a goroutine of its own, and
//     its context says by [context.Cause] why the partition goes: [ErrRevoked],
//     [ErrStopping] or [ErrLost].
//   - No commit of a claim is on its way once Own has returned, and each commit
//     carries the member id and generation of the assignment current at that
//     moment: what another member has meanwhile committed is never overwritten.
//   - At most one commit of a partition is on its way at a time; one request
//     carries those of all partitions that wait.
//   - The lease ([Claim.Lease]) never reaches beyond the moment at which the
//     group could have given the partition to another member.
//   - Records of a partition arrive in offset order, each once per [Stream].
//
// # Example
//
//	cluster, err := kafka.Dial(ctx, kafka.Config{Brokers: brokers, Group: "billing"})
//	...
//	defer cluster.Close()
//	err = cluster.Consume(ctx, kafka.Subscription{Topics: []string{"orders"}}, owner)
//
// with an owner whose Own reads one partition until its context ends:
//
//	func (o *owner) Own(ctx context.Context, c *kafka.Claim) {
//		offset, _, err := c.Committed(ctx)
//		...
//		stream, err := c.Fetch(ctx, offset)
//		...
//		defer stream.Close()
//		for {
//			select {
//			case record, open := <-stream.Messages():
//				...
//			case <-ctx.Done():
//				return // within c.DrainWithin
//			}
//		}
//	}
//
// # Producing
//
// A [Producer] is a client of its own, connected when something is produced. A
// message counts as delivered when all in-sync replicas have it; the messages of
// one partition arrive in the order in which they were sent, whatever is retried.
//
// sarama's loggers are variables of its package, shared by everything in the
// process that uses sarama. They are left alone: a host program that wants them
// sets them itself. What holdfast has to say goes to [Config].Logger.
package kafka
