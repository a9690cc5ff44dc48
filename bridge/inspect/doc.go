// Package inspect shows what a bridge has to do and lets an operator act on it:
// the jobs of a running bridge through bridge.Bridge.Inspector, those of a
// stopped one through [Open]. Both give the same [Inspector].
//
// A job whose handler gave it up is halted and holds its lane: the later jobs
// of its key wait, and the committed offset stays. Nothing mends that but a
// command, which is planned first and then executed:
//
//	plan, err := inspector.Plan(ctx, inspect.Command{
//		Verb:   inspect.Retry, // or inspect.Skip: done without a run
//		Select: inspect.Query{Topic: "orders", Partitions: []int32{3}, Offsets: []int64{118204}},
//	})
//	... show plan.Jobs and plan.Refused ...
//	done, err := inspector.Execute(ctx, plan)
//
// A job that was buried is a dead letter: complete, and kept with its record and
// its errors. [Inspector.Dead] lists them, also of partitions that others hold
// now; Requeue makes jobs of them and Discard removes them:
//
//	plan, err := inspector.Plan(ctx, inspect.Command{
//		Verb: inspect.Requeue,
//		Dead: inspect.DeadQuery{Topic: "orders", ErrorMatches: "http 503"},
//	})
//
// A requeued job keeps its identity and goes before the later jobs of its lane
// that wait; those that are done are done, and the plan counts the letters that
// they have overtaken.
//
// A record that is finished, without a letter, runs again by its offset, for as
// long as Kafka has it (Command.FromKafka). Its job has the id of before, or with
// Command.NewID one of its own. All records of one plan are requeued with one
// transaction, so that after a crash all of them are, or none.
//
// Few letters are requeued by Execute itself. More than that, or with a pace or a
// stop condition, it stores a [BulkOperation] instead, as the plan says with
// Background: a running bridge executes it, over restarts, and
// [Inspector.Operations] shows how far it is. What dies again is not taken twice,
// and when too many do, it stops:
//
//	plan, err := inspector.Plan(ctx, inspect.Command{
//		Verb: inspect.Requeue,
//		Dead: inspect.DeadQuery{Topic: "orders", ErrorMatches: "http 503"},
//		Rate: 100, StopAt: 0.2,
//	})
//	done, err := inspector.Execute(inspect.As(ctx, "uid 1000 (eva)"), plan)
//	... done.Stored.ID, and to end it: inspect.Command{Verb: inspect.StopOperation, Operation: id}
//
// Retry, Skip, Bury and Park of many jobs, or with a pace, are stored as well. Such
// an operation takes the jobs that were stored when it was planned, in each partition
// from the last one to the first; Plan.Cutoffs says how far. A retry stops when too
// many have failed again, and retries none twice. Release and DiscardParked of many
// lanes take those that were parked when it was planned; a release stops when too
// many are parked again.
//
// A plan takes [MaxJobs] at most where it is executed at once: then execute it and
// plan again with plan.Command, until nothing is left.
//
// What is parked, by a topic's on-failure policy or by Park, is a lane with all of
// its jobs, and with those to come: the committed offset goes on without them.
// [Inspector.Parked] lists such lanes, and where other stores keep the rest of
// them. Release lets the jobs of this store run in their order, once each, with
// new ones behind them; DiscardParked removes them. Both need the partition:
//
//	plan, err := inspector.Plan(ctx, inspect.Command{
//		Verb:   inspect.Release,
//		Select: inspect.Query{Topic: "orders", Key: []byte("cust-8812")},
//	})
//
// What is paused lets no job start: a topic, partitions, or a lane, which need
// not have a job yet. Running jobs finish, and records are still stored.
// [Inspector.Pauses] lists what is:
//
//	plan, err := inspector.Plan(ctx, inspect.Command{
//		Verb:   inspect.Pause, // or inspect.Resume
//		Select: inspect.Query{Topic: "orders", Partitions: []int32{3}, Key: []byte("cust-8812")},
//		Until:  time.Now().Add(time.Hour), // left out: until it is resumed
//	})
//
// A job that hangs is cancelled with [Cancel], while a bridge runs: its handler
// is told to end, and Command.Then says what becomes of the job once it has.
//
// [Drain] and [Leave] empty a bridge and take it out of its group, [Seek] moves
// partitions to another offset, [Forget] removes what is left of a topic, and [Set]
// changes settings over restarts. Their plans tell in Plan.Says what would be
// skipped, run again or lost:
//
//	offset := int64(118204)
//	plan, err := inspector.Plan(ctx, inspect.Command{
//		Verb:   inspect.Seek,
//		Select: inspect.Query{Topic: "orders", Partitions: []int32{3}},
//		To:     &inspect.Position{Offset: &offset},
//	})
//
// # Looking
//
// [Inspector.Status] tells at once how everything is, and what needs a person.
// [Inspector.Explain] tells in sentences why the committed offset of a partition
// is where it is, what happens next and when, what a restart or another machine
// would run again, and what one can do:
//
//	e, err := inspector.Explain(ctx, "orders", 3, nil)
//	fmt.Print(e) // Not moved for 3h12m: orders/3@118204, key cust-8812, is unfinished. ...
//
// [Inspector.Lanes], [Inspector.Job], [Inspector.Workers] and [Inspector.Disk] show
// parts of that in full. What only a running bridge knows, such as the end of
// Kafka's log, is nil without one.
//
// # Guarantees
//
//   - A plan changes nothing.
//   - Execute acts on the jobs of the plan only, and on each only as the plan
//     showed it: one that has run since, or that somebody acted on, is refused
//     by name.
//   - A stored operation acts on the letters, jobs or parked lanes that are as the
//     plan's selection asks for when their turn comes, on each once, whatever crashes.
//   - A dead letter is requeued exactly once, whatever crashes: to execute a
//     plan a second time, or after a restart, finds it gone.
//   - Every Execute is in the audit trail, which [Inspector.Audit] lists, in the
//     name of whom [As] says: it is there before it acts, and with its result
//     before it returns.
//   - What Execute calls done is on disk, or for Cancel was told to the handler, and
//     the log names each job. A command
//     that is executed again answers already done.
//   - Reading a million jobs stops no worker: they are read in pages, and
//     nothing is locked between or for long. Status reads no jobs at all but the
//     oldest of each partition, once.
//
// A skip is noted in the log and in the bridge's Durable hook; the store keeps
// of a skipped job what it keeps of any finished one, that it is done.
package inspect

// The files, by the word that they begin with:
//
//	inspector, open   the doors, and what they ask of a bridge (live) and of Kafka (kafka)
//	job, lanes, ...   what is seen of jobs, lanes, dead letters, workers and the disk
//	status, health    all at a glance, and what needs a person
//	explain           a scene is gathered first, then judged: one file for each kind of answer
//	command, verb     what can be asked for; a verbX file plans and executes its verb
//	plan, execute     what all verbs have in common, with the audit trail
//	bulk              stored operations: what they are about; internal/bulk carries them out
//	json              the form of all of it, with tags in the types
//
// Sentences are made of internal/words.
