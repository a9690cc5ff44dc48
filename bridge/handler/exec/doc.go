// Package exec has the handlers whose work is done by other programs: [New]
// starts a process for each job, a [Stream] keeps processes that work on many
// jobs each.
//
//	handler, err := exec.New(exec.Config{Command: []string{"./charge.sh"}})
//	...
//	bridge.Topic{Name: "orders", Handler: handler}
//
// # A process per job
//
// The record's value arrives on stdin, whole even when the bridge is killed
// meanwhile; a process need not read it. Exit code 0 completes the job. Anything
// else is an [ExitError] with the end of what was written to stderr and stdout:
// 65 (EX_DATAERR) gives the job up by [bridge.Bury], 75 (EX_TEMPFAIL) and all the
// rest make it run again.
//
// With [bridge.Produce.Results], what a process that ends with 0 has written to
// stdout is the result of the job and produced as it is: all of it, at most 1 MiB,
// and nothing where it is empty. Messages for people belong on stderr then.
//
// # Environment
//
// The job is described by these variables; those without a value are unset:
//
//	HOLDFAST_JOB_TOPIC, _PARTITION, _OFFSET
//	HOLDFAST_JOB_ID             topic-id/partition@offset, the same at every attempt
//	HOLDFAST_JOB_ATTEMPT        from 1
//	HOLDFAST_JOB_TIMESTAMP      RFC 3339, UTC
//	HOLDFAST_JOB_KEY            unset for a null key
//	HOLDFAST_JOB_LANE           what put the job in its lane, by default its key
//	HOLDFAST_JOB_HEADER_<NAME>  last header of that name; a-z become A-Z, and what is
//	                            neither letter nor digit becomes _
//	HOLDFAST_JOB_TOMBSTONE      1 where the value is null and not merely empty
//	HOLDFAST_JOB_TRUNCATED      names of what was left out, comma-separated
//
// A key, lane or header that is not text (valid UTF-8 without NUL) comes as
// standard base64 in the variable with _BASE64 appended to its name instead.
// A job that belongs to a trace, see [bridge.Job.Trace], adds TRACEPARENT and
// TRACESTATE, under which tracing libraries look for it.
// All of it together stays below 64 KiB, and a name below 256 bytes; what does
// not fit is left out and listed in HOLDFAST_JOB_TRUNCATED, without the prefix.
//
// Of the bridge's own environment a process gets only PATH, HOME, USER, LOGNAME,
// SHELL, LANG, LANGUAGE, LC_*, TZ, TZDIR, TMPDIR, SSL_CERT_FILE and SSL_CERT_DIR,
// and what [Config.Env] names. No setting or secret of the bridge is among them.
//
// With [Config.User], HOME, USER and LOGNAME are that user's, and unset for a uid
// that the system does not know.
//
// # Life of a process
//
// Each process leads a process group of its own. When the job's context ends, or
// the job takes longer than [Config.Timeout], the group gets SIGTERM and, after
// [Config.Grace], SIGKILL; a process that then ends with 0 or 65 has still said
// what becomes of its job. Once the job's context has ended, the grace is 3 s at
// most: a bridge that stops, or whose partition moves away, waits no longer, and
// the next owner's run is not to meet this one. A [TimeoutError] is among the
// errors of a job that took too long. What a process leaves running in its group is killed when it ends, so
// that nothing of one job is at work when the next one of its lane starts.
//
// On Linux the process is killed when the bridge dies, however it dies, also as
// another user. That does not reach the process's own children then, nor a program
// that is set-uid or changes its credentials; and no signal reaches a process that
// left the group.
//
// # A stream
//
// The children of a stream are started when jobs first need them, and live until
// Close:
//
//	stream, err := exec.NewStream(exec.StreamConfig{
//		Config:   exec.Config{Command: []string{"./worker.py"}},
//		InFlight: 32,
//	})
//	...
//	bridge.Topic{Name: "orders", Handler: stream}
//	... Run ...
//	stream.Close()
//
// A child reads lines from stdin and writes lines to stdout. Each is one JSON
// object, in UTF-8, and ends with a line break: what the end of a pipe cuts off
// is no line, and neither side acts on it. A child has to flush each answer: most
// languages keep back what is written to a pipe. It has at most InFlight jobs that
// it has not answered, and answers in any order.
//
// A job:
//
//	{"id":"7","job":"...","topic":"orders","partition":3,"offset":1042,
//	 "timestamp":"2026-01-31T08:00:00Z","attempt":1,"last_error":"...",
//	 "key":"anna","lane":"anna","headers":[{"name":"tenant","value":"acme"}],
//	 "value":"7.50"}
//
//	id          of this run, digits; always first. No two runs have the same one
//	job         the job's id, the same at every attempt
//	timestamp   RFC 3339, UTC; left out where there is none
//	last_error  left out at the first attempt
//	traceparent, tracestate
//	            its trace; left out where it has none
//	checkpoint  the last one of the attempts before; left out where there is none
//	key, lane, value, and value of a header
//	            text, or null; what is not text (valid UTF-8) comes as standard
//	            base64 in the field with _base64 appended to its name instead.
//	            With [StreamConfig.Base64] there is always a value_base64, which
//	            may be null
//
// Its answer is one of:
//
//	{"id":"7","ok":true}                             done
//	{"id":"7","ok":true,"result":"..."}              done: the result is produced where
//	                                                 [bridge.Produce.Results] is set; bytes
//	                                                 come as base64 in result_base64
//	{"id":"7","error":"why"}                         failed: runs again
//	{"id":"7","error":"why","retry_after":"1m30s"}   failed: see [bridge.RetryAfter]
//	{"id":"7","error":"why","give_up":true}          given up: see [bridge.Bury]
//	{"id":"7","snooze":"5m"}                         later, costs no attempt: see [bridge.Snooze]
//	{"id":"7","skip":"why"}                          nothing to do: see [bridge.Skip]
//
// Before it, as often as it likes, a child may say:
//
//	{"id":"7","heartbeat":true}                      it is at work: see [bridge.Job.Heartbeat]
//	{"id":"7","checkpoint":"so far"}                 how far it has come: see [bridge.Job.Checkpoint];
//	                                                 checkpoint_base64 for what is not text
//
// Every line about a run is a sign of life. A checkpoint, which may also stand in
// an answer that the job has failed, comes with the next attempt. The child reads
//
//	{"saved":"7"}
//
// when its last one is on disk; of several in quick succession only the last one
// is written.
//
// The cancellation of a run:
//
//	{"cancel":"7"}
//
// It comes when the job's context has ended or [Config.Timeout] has passed, which
// counts from when the job was put in line for its child. The child answers the
// run nevertheless, in whatever way it ended. If it does not within the grace, of
// which the same is true, it is killed: Handle returns when the run is answered or its process has ended,
// so that no run goes on unseen while its lane does. A run whose line has not been
// written yet is taken back without a word.
//
// A reader needs no more than this:
//
//	while IFS= read -r line; do # fails for a line that is cut off
//		case $line in '{"id":"'*) ;; *) continue ;; esac
//		id=${line#'{"id":"'} id=${id%%'"'*}
//		... && printf '{"id":"%s","ok":true}\n' "$id"
//	done
//
// Each child has HOLDFAST_STREAM_VERSION, which is 2, and HOLDFAST_STREAM_IN_FLIGHT
// in its environment, and none of the variables that describe a job.
//
// Later versions may add fields, lines to children, and kinds of answers. A child
// passes over fields that it does not know, and lines that begin with neither
// {"id": nor {"cancel":. The stream passes over fields that it does not know. A
// line with the id of an open run that says nothing of the above is of a later
// kind: the job stays open, and the first such line of a child is logged. The
// version grows with the kinds that are understood, so a child can look before
// it relies on one.
//
// # Life of a child
//
// A child that ends is followed by another one when jobs need it, after 100 ms,
// and up to 10 s while children end without having answered anything. The jobs it
// had fail with how it ended, an [ExitError], and run again. So does a child that
// answers nonsense, which is killed for it: a [ProtocolError] quotes the line.
// Nonsense is what is no JSON object, is longer than 1 MiB, has the id of no open
// run (one that was answered is not open), has a known field of another type or a
// checkpoint above 64 KiB, or contradicts itself. What a child writes to stderr is logged, 1 KiB of a line
// and 100 lines per second.
//
// Close ends stdin: the child should finish and exit. SIGTERM follows after the
// grace and SIGKILL after another one. Groups, users and the death with the
// bridge are as above.
package exec
