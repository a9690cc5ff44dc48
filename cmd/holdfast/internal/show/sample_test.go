package show

import (
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// The night that the samples are about.
var now = time.Date(2026, 3, 4, 2, 58, 14, 0, time.UTC)

func ago(d time.Duration) time.Time { return now.Add(-d) }

func ptr[T any](v T) *T { return &v }

// night is a bridge with a halted job, a parked lane, an outage and little room.
func night() inspect.Status {
	orders := inspect.PartitionStatus{
		Topic: "orders", Partition: 3, Committed: 118204, Frontier: 118204, Next: 131990, LogStart: ptr[int64](9000), LogEnd: ptr[int64](131990),
		Lag:   inspect.Lag{NotStored: ptr[int64](0), Halted: 1, Blocked: 41, Running: 3, Ready: 120, Dead: 10391},
		Rates: inspect.Rates{StoredPerSecond: ptr(310.2), DonePerSecond: ptr(308.7)},
		Lanes: 102, OldestAt: ago(3*time.Hour + 12*time.Minute), MovedAt: ago(3*time.Hour + 12*time.Minute), LeaseUntil: now.Add(time.Minute),
	}
	payments := inspect.PartitionStatus{
		Topic: "payments-eu", Partition: 11, Committed: 1184204123, Frontier: 1184204190, Next: 1184209900, LogEnd: ptr[int64](1185209900),
		Lag:   inspect.Lag{NotStored: ptr[int64](1000000), Retrying: 17, Delayed: 2000, Running: 38, Deferred: 4, Parked: 410001},
		Rates: inspect.Rates{StoredPerSecond: ptr(0.0), DonePerSecond: ptr(12.3)},
		Lanes: 80, OldestAt: ago(4 * time.Minute), Throttled: inspect.ThrottledByDisk, CommitLag: 67,
	}
	idle := inspect.PartitionStatus{
		Topic: "orders", Partition: 0, Committed: 99120, Frontier: 99120, Next: 99120, LogEnd: ptr[int64](99120),
		Lag:   inspect.Lag{NotStored: ptr[int64](0)},
		Rates: inspect.Rates{StoredPerSecond: ptr(0.0), DonePerSecond: ptr(0.0)},
	}
	fresh := inspect.PartitionStatus{
		Topic: "orders", Partition: 1, Committed: -1, Frontier: -1, Next: 0, HeldError: "somebody else has set the offset",
		Throttled: inspect.ThrottledByWindow,
	}
	s := inspect.Status{
		At: now, Live: true, Group: "billing", Cluster: "kfk-1", Store: "hf3kq9", Epoch: 4,
		Problems: []inspect.Problem{
			{Severity: inspect.Critical, Code: "held", Topic: "orders", Partition: ptr[int32](1), Text: "stopped for a person to decide: somebody else has set the committed offset from 99 to 12", Command: "holdfast explain --topic orders --partition 1"},
			{Severity: inspect.Critical, Code: "halted", Topic: "orders", Partition: ptr[int32](3), Text: "1 job is halted and holds its lane", Command: "holdfast explain --topic orders --partition 3"},
			{Severity: inspect.Warning, Code: "disk", Text: "fetching throttles in about 14 min", Command: "holdfast inspect disk"},
			{Severity: inspect.Notice, Code: "parked", Topic: "payments-eu", Text: "1 lane with 410,001 jobs is parked", Command: "holdfast inspect parked --topic payments-eu"},
		},
		Member:    &inspect.Member{ID: "holdfast-hf3kq9-6b1f", Instance: "holdfast-hf3kq9", Generation: 41, Confirmed: ago(2 * time.Second), Rebalances: 3},
		Workers:   &inspect.Pool{Workers: 64, Busy: 41, Deferred: 4},
		Lag:       inspect.Lag{NotStored: ptr[int64](1000000), Ready: 120, Running: 41, Deferred: 4, Retrying: 17, Blocked: 41, Halted: 1, Delayed: 2000, Parked: 410001, Dead: 10391},
		Rates:     inspect.Rates{StoredPerSecond: ptr(310.2), DonePerSecond: ptr(321.0)},
		CommitLag: 67, OldestAt: ago(3*time.Hour + 12*time.Minute),
		Disk:       inspect.DiskSummary{FileBytes: 28<<30 + 600<<20, InUseBytes: 23 << 30, FreeBytes: 1<<30 + 100<<20, Budget: ptr[int64](30 << 30), MinFree: ptr[int64](1 << 30), FullIn: ptr(14 * time.Minute)},
		Partitions: []inspect.PartitionStatus{idle, fresh, orders, payments},
		Away:       []inspect.PartitionAway{{Topic: "orders", Partition: 7, Frontier: 5, Next: 5, Since: ago(time.Hour), Dead: 12, Parked: 1}},
		Topics: []inspect.TopicStatus{
			{Topic: "orders", Partitions: 3, Running: 3, Concurrency: 40, Rate: 500, OnFailure: "bury", Guard: &inspect.GuardStatus{Tokens: 18, Bucket: 20}, Dead: 10391, OldestDead: ago(22 * 24 * time.Hour)},
			{Topic: "payments-eu", Partitions: 1, Running: 38, OnFailure: "park", Guard: &inspect.GuardStatus{Active: true, Refused: 1204, Bucket: 20}},
		},
	}
	return s
}

// calm is a bridge that has nothing to do.
func calm() inspect.Status {
	s := night()
	s.Healthy, s.Problems, s.Away, s.Lag, s.OldestAt = true, nil, nil, inspect.Lag{NotStored: ptr[int64](0)}, time.Time{}
	s.Disk = inspect.DiskSummary{FileBytes: 1 << 20, FreeBytes: 20 << 30, Budget: ptr[int64](0)}
	s.Workers, s.Rates = &inspect.Pool{Workers: 64}, inspect.Rates{StoredPerSecond: ptr(0.0), DonePerSecond: ptr(0.0)}
	s.Partitions, s.Topics = s.Partitions[:1], s.Topics[:1]
	return s
}

// dynamic is a bridge whose member has no name of its own.
func dynamic() inspect.Status {
	s := calm()
	m := *s.Member
	m.Instance, m.ID = "", "holdfast.store-iwxwbxvyyp45a62jyoggklwuz2.17.vnpfh6ey.60000-8dfd3c2a-90f1-4a57-b7ab-4f2c1a2c66ca"
	s.Member = &m
	return s
}

// offline is what the file alone tells.
func offline() inspect.Status {
	s := night()
	s.Live, s.Member, s.Workers, s.Rates, s.NotStored, s.Topics = false, nil, nil, inspect.Rates{}, nil, nil
	s.Disk.Budget, s.Disk.FullIn = nil, nil
	s.Problems = s.Problems[1:2]
	for i := range s.Partitions {
		p := &s.Partitions[i]
		p.LogStart, p.LogEnd, p.Rates, p.NotStored, p.LeaseUntil, p.HeldError, p.Throttled = nil, nil, inspect.Rates{}, nil, time.Time{}, "", ""
		p.Ready, p.Running = p.Ready+p.Running, 0
	}
	return s
}

// crowd is a bridge with many partitions.
func crowd() inspect.Status {
	s := night()
	s.Topics, s.Away = s.Topics[:1], nil
	idle := s.Partitions[0]
	for i := range 300 {
		idle.Partition = int32(100 + i)
		s.Partitions = append(s.Partitions, idle)
	}
	return s
}

func stuckJob() inspect.JobDetail {
	return inspect.JobDetail{
		Name: inspect.Name{Topic: "orders", Partition: 3, Offset: 118204}, ID: "M1uSw0XcQFm0yYhgOQpYvA/3@118204", State: inspect.Halted,
		Key: []byte("cust-8812"), Lane: "cust-8812", Timestamp: ago(3*time.Hour + 12*time.Minute),
		Value: []byte(`{"amount":3,"currency":"EUR"}`), ValueBytes: 29,
		Headers:  []inspect.Header{{Key: "traceparent", Value: []byte("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")}, {Key: "raw", Value: []byte{0, 255}}, {Key: "none"}},
		Attempts: 10, Error: `http 409 from https://billing/charge "account locked"`,
		History: []inspect.Attempt{
			{Number: 1, At: ago(3*time.Hour + 11*time.Minute), Error: `http 409 from https://billing/charge "account locked"`},
			{Number: 10, At: ago(11 * time.Second), Error: `http 409 from https://billing/charge "account locked" and a remark that is a good deal longer than a line of 80 columns`},
		},
		Checkpoint: []byte("page 17"), Behind: 41, Holds: true, Stored: ago(3*time.Hour + 12*time.Minute),
	}
}

func deadJob() inspect.JobDetail {
	j := stuckJob()
	j.State, j.Behind, j.Holds, j.Stored, j.Checkpoint, j.History = inspect.Dead, 0, false, time.Time{}, nil, nil
	j.Value, j.ValueBytes, j.Key = []byte("\x1b[31mred\xff"), 1<<21, nil
	j.Headers = nil
	j.Letter = &inspect.Burial{Number: 3, Buried: ago(22 * 24 * time.Hour), Reason: "10 of 10 attempts", Unsent: true, Others: 1}
	return j
}

func full() inspect.Disk {
	return inspect.Disk{
		At: now, Path: "/var/lib/holdfast", FileSystem: "ext4", FreeBytes: 1<<30 + 100<<20, TotalBytes: 32 << 30, MinFree: ptr[int64](1 << 30), Budget: ptr[int64](30 << 30),
		FileBytes: 28<<30 + 600<<20, InUseBytes: 23 << 30, FreePages: 4<<30 + 900<<20, Finished: 200 << 20,
		Uses: []inspect.DiskUse{
			{Topic: "orders", Kind: inspect.UseDead, Bytes: 18<<30 + 400<<20, Jobs: 1702118, Oldest: ago(22 * 24 * time.Hour), Bound: ptr("keep 30d, keep_bytes none"), Largest: true},
			{Topic: "orders", Kind: inspect.UseWaiting, Bytes: 3<<30 + 100<<20, Jobs: 2914220, Oldest: ago(5*time.Hour + 2*time.Minute), Bound: ptr("budget")},
			{Topic: "payments", Kind: inspect.UseParked, Bytes: 2<<30 + 200<<20, Jobs: 410001, Oldest: ago(9 * time.Hour), Bound: ptr("none")},
		},
		FullIn: ptr(14 * time.Minute), Outlook: "fetching throttles in about 14 min; workers go on; nothing is lost.",
		Actions: []inspect.Action{
			{Command: "holdfast dead export --topic orders --buried-before 7d --to /mnt/x.ndjson --discard"},
			{Command: "holdfast set --topic orders --dead-keep-bytes 5GiB"},
			{Command: "holdfast compact --to /mnt/big", Effect: "returns 4.9 GiB now; needs 24 GiB there"},
		},
	}
}

func busyLanes() []inspect.Lane {
	return []inspect.Lane{
		{Name: inspect.Name{Topic: "orders", Partition: 3, Offset: 118204}, Lane: "cust-8812", State: inspect.Halted, Jobs: 42, Attempts: 10, Error: `http 409 from https://billing/charge "account locked"`, Timestamp: ago(3*time.Hour + 12*time.Minute), Holds: true},
		{Name: inspect.Name{Topic: "orders", Partition: 3, Offset: 131100}, Lane: "cust-1", State: inspect.Running, Jobs: 7, Attempts: 1, Timestamp: ago(time.Minute), Started: ago(40 * time.Second)},
		{Name: inspect.Name{Topic: "payments-eu", Partition: 11, Offset: 1184204190}, Own: true, State: inspect.Retrying, Jobs: 1, Attempts: 3, Due: now.Add(12 * time.Second), Error: "http 503", Timestamp: ago(4 * time.Minute), Holds: true},
		{Name: inspect.Name{Topic: "payments-eu", Partition: 11, Offset: 1184204191}, Lane: "\x1b]0;evil\x07", State: inspect.Ready, Jobs: 1},
		{Name: inspect.Name{Topic: "payments-eu", Partition: 11, Offset: -1}, Lane: "acct-9", State: inspect.Parked, Jobs: 410001, Error: "account locked"},
	}
}

func busyWorkers() []inspect.Worker {
	return []inspect.Worker{
		{Name: inspect.Name{Topic: "orders", Partition: 3, Offset: 131100}, Lane: "cust-1", Attempt: 1, Started: ago(40 * time.Second), Running: 40 * time.Second, Batch: 1, Timeout: now.Add(2 * time.Hour)},
		{Name: inspect.Name{Topic: "payments-eu", Partition: 11, Offset: 1184204100}, Lane: "acct-7", Attempt: 2, Running: 6 * time.Hour, Silent: ptr(400 * time.Second), Stuck: true, Batch: 1},
		{Name: inspect.Name{Topic: "payments-eu", Partition: 11, Offset: 1184204101}, Lane: "acct-8", Attempt: 1, Running: time.Second / 4, Deferred: true, Cancelled: true, Batch: 20},
	}
}

// stuck explains the first night.
func stuck() inspect.Explanation {
	return inspect.Explanation{
		At: now, Live: true, Topic: "orders", Partition: 3, Here: true, Committed: 118204, Frontier: 118204, Next: 131990, LogEnd: ptr[int64](131990),
		Cause: inspect.CauseJob, Summary: "Not moved for 3h12m: orders/3@118204, key cust-8812, is unfinished.",
		Facts: []inspect.Fact{
			{Name: "state", Text: "halted after 10 of 10 attempts, last 02:58:03, on_failure: block"},
			{Name: "error", Text: `http 409 from https://billing/charge "account locked" (10 of 10 the same)`},
			{Name: "behind", Text: "41 jobs of this key, oldest 3h10m"},
			{Name: "others", Text: "13744 jobs of other keys done ahead; no other key fails: not an outage"},
		},
		NextStep: "nothing, until you act.", Restart: "re-runs 0.", Moved: "about 2100 would run again.",
		Retention: "reaches offset 118204 in about 4 days.",
		Actions: []inspect.Action{
			{Command: "holdfast retry --topic orders --partition 3 --offset 118204", Effect: "once more"},
			{Command: "holdfast bury --topic orders --partition 3 --offset 118204", Effect: "the 41 run at once"},
			{Command: "holdfast park --topic orders --partition 3 --key cust-8812", Effect: "all 42 aside; the offset moves"},
		},
	}
}
