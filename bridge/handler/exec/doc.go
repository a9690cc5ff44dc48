// Package exec is the handler that starts one process per job.
//
//	handler, err := exec.New(exec.Config{Command: []string{"./charge.sh"}})
//	...
//	bridge.Topic{Name: "orders", Handler: handler}
//
// The record's value arrives on stdin, whole even when the bridge is killed
// meanwhile; a process need not read it. Exit code 0 completes the job. Anything
// else is an [ExitError] with the end of what was written to stderr and stdout:
// 65 (EX_DATAERR) gives the job up by [bridge.Bury], 75 (EX_TEMPFAIL) and all the
// rest make it run again.
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
// what becomes of its job. A [TimeoutError] is among the errors of a job that took
// too long. What a process leaves running in its group is killed when it ends, so
// that nothing of one job is at work when the next one of its lane starts.
//
// On Linux the process is killed when the bridge dies, however it dies, also as
// another user. That does not reach the process's own children then, nor a program
// that is set-uid or changes its credentials; and no signal reaches a process that
// left the group.
package exec
