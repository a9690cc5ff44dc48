// Package history judges what an outside observer saw of bridges that were
// killed, stopped and started again: whether promises 1 to 5 held.
//
//  1. Offset: no offset is committed above the durable frontier.
//  2. Lost: every record is handled to its end before it counts as done.
//  3. Order: jobs of a lane run one at a time, in offset order.
//  4. Rerun: a completion that is durable never runs again where it was done,
//     and one that is committed nowhere.
//     And a job that was durably given up runs when an operator asks for it.
//  5. Duplicate: after a crash only what was running or not yet durable runs
//     again; after a planned stop only what was still running.
//
// A history is a list of events, one JSON object per line, which the observer
// and the bridges append to one file:
//
//	log, err := history.OpenLog(path)
//	log.Append(history.Event{Kind: history.Boot, Process: "a"})
//	...
//	events, err := history.Read(file)
//	report := history.Judge(events)
//	for _, v := range report.Violations { t.Error(v) }
//
// # What the observer must guarantee
//
// The judge trusts the order of the lines and nothing else. Each line is
// appended with one write to a file opened with O_APPEND, by whichever process
// the event belongs to, at these moments:
//
//   - Produced: at any time. The lane is what the observer expects, not what a
//     bridge claims.
//   - Boot: before the process can start a job. Crash and Stop: after the
//     process has ended, so that no line of it follows.
//   - Start: by the handler, before anything else. End: by the handler, as the
//     last thing before it returns. What lies between them is never longer
//     than the run itself, so that two runs that seem to overlap did.
//   - Durable: after the fsync that holds the completion, and before any
//     commit to Kafka can rest on it. A line written too early would hide
//     violations of promises 1, 4 and 5; one too late would invent them.
//   - Halted: as Durable. Retry and Skip: before the bridge is asked, of a job
//     that does not run. A job that is to be skipped is never to be retried.
//   - Committed: after the broker has told the offset.
//   - Drained: when the observer has seen that nothing is left to do.
//
// A process killed between the fsync and the line leaves a completion that is
// durable and not told. The judge therefore accepts, from a later life of the
// process, a commit above a job that had ended in a life that crashed, and
// from then on holds the job for durable.
//
// A line that a kill cut short is dropped when a crash follows it: its event
// had not been told to anybody.
package history
