// Package recovery opens a store after anything that can have happened to it,
// and decides how each partition continues when Kafka assigns it.
//
// [Open] takes the lock of a data directory, refuses a store that is in use,
// damaged, foreign or newer with one sentence that names the remedy, mends what
// a crash or a failed write left behind, and returns the open store:
//
//	opened, err := recovery.Open(ctx, recovery.Options{Dir: "data", Group: "billing"})
//	if err != nil {
//		return err
//	}
//	defer opened.Close()
//
// [Reconcile] compares what the store holds of a partition with what the group
// committed to Kafka. It is a pure function. It never skips a record that is
// neither complete here nor covered by the commit of another holdfast store,
// and never runs a completed one again, unless the policy says to follow an
// offset that was set from outside; in doubt it returns a [Conflict] whose
// choices count what each would skip or run again. [Stamp] is the metadata of
// each commit, by which stores recognise each other and pass on what is complete
// above the offset. [MovedOn] tells when what is left here of a partition is
// another store's business.
//
// [Verify], [Compact] and [Repair] work on a store that no bridge has open,
// [Snapshot] on one that is.
//
// Nothing here trusts bbolt with a file that it has not seen: the page tree is
// first checked with plain reads, because damage found through the memory map
// can kill the process.
package recovery
