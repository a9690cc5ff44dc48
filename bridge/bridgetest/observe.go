package bridgetest

import (
	"context"
	"encoding/base64"
	"testing"
	"time"
)

// Commit is what a group has committed for one partition.
type Commit struct {
	Offset   int64
	Metadata string
}

// Committed returns what a group has committed in a topic, by partition. A
// partition without a commit is absent.
func (b *Broker) Committed(group, topic string) map[int32]Commit {
	commits := make(map[int32]Commit)
	info := b.cluster.GroupInfo(group)
	if info == nil {
		return commits
	}
	for p, c := range info.Commits[topic] {
		commits[p] = Commit{Offset: c.Offset, Metadata: c.Metadata}
	}
	return commits
}

// EndOffsets returns the offset after the last record of each partition.
func (b *Broker) EndOffsets(topic string) map[int32]int64 {
	ends := make(map[int32]int64)
	for _, p := range b.cluster.PartitionInfos(topic) {
		ends[p.Partition] = p.HighWatermark
	}
	return ends
}

// TopicID returns a topic's id as Kafka prints it, or "" where there is no
// such topic.
func (b *Broker) TopicID(topic string) string {
	info := b.cluster.TopicInfo(topic)
	if info == nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(info.TopicID[:])
}

// WaitCommitted waits until the group has committed the end of each of the
// topic's partitions.
func (b *Broker) WaitCommitted(tb testing.TB, group, topic string) {
	tb.Helper()
	ends := b.EndOffsets(topic)
	commits := b.Committed(group, topic)
	caughtUp := func() bool {
		commits = b.Committed(group, topic)
		for p, end := range ends {
			if end > 0 && commits[p].Offset < end {
				return false
			}
		}
		return true
	}
	if !poll(caughtUp) {
		tb.Fatalf("group %s has not committed all of %s within %v: committed %v, ends %v", group, topic, patience, commits, ends)
	}
}

// WaitMembers waits until the group is stable with n members.
func (b *Broker) WaitMembers(tb testing.TB, group string, n int) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	info, err := b.cluster.WaitGroupStable(ctx, group, n)
	if err != nil {
		tb.Fatalf("group %s is not stable with %d members within %v: %+v", group, n, patience, info)
	}
}

// Members returns how many members a group has.
func (b *Broker) Members(group string) int {
	info := b.cluster.GroupInfo(group)
	if info == nil {
		return 0
	}
	return len(info.Members)
}

// poll asks until the answer is yes, or patience ends.
func poll(done func() bool) bool {
	deadline := time.Now().Add(patience)
	for !done() {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(5 * time.Millisecond)
	}
	return true
}
