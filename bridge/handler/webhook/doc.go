// Package webhook is the handler that posts each job to an HTTP receiver as a
// CloudEvent.
//
//	handler, err := webhook.New(webhook.Config{URL: "https://billing.example/charge"})
//	...
//	bridge.Topic{Name: "orders", Handler: handler}
//
// # Request
//
// The body is the record's value as it is. The rest is in headers, in the binary
// mode of CloudEvents 1.0:
//
//	Content-Type     the record's header content-type where it is a media type,
//	                 else [Config.ContentType]
//	ce-specversion   1.0
//	ce-id            topic-id/partition@offset, the same at every attempt
//	ce-source        [Config.Source]
//	ce-type          [Config.Type]
//	ce-time          the record's timestamp, RFC 3339, UTC; missing where the record
//	                 has none, or one beyond the year 9999
//	ce-subject       the key
//	ce-keybase64     the key instead, where it cannot be a subject
//	ce-tombstone     true where the value is null and not merely empty
//	ce-topic, ce-partition, ce-offset
//	ce-lane          what put the job in its lane, by default its key
//	ce-lanebase64    the lane instead, where it cannot be text
//	ce-attempt       from 1
//	traceparent, tracestate
//	                 the job's trace, see [bridge.Job.Trace], unless [Config.Headers]
//	                 sets a traceparent
//	holdfast-checkpoint
//	                 the last checkpoint of the attempts before, as standard base64
//
// Values are percent-encoded as the HTTP binding of CloudEvents says: space,
// double quote, percent, and what is not ASCII. A key cannot be a subject when it
// is empty, is not valid UTF-8, or has control characters or noncharacters; then
// it comes as standard base64, which of the empty key is an empty header. A null
// key has neither. ce-offset is a string, since an integer of CloudEvents has 32
// bits.
//
// A record whose content-type begins with application/cloudevents carries an
// event of its own: receivers take that from the body, and the headers still say
// which job it is.
//
// Of record headers only those in [Config.ForwardHeaders] are sent, of each the
// last one of its name, unless HTTP cannot carry it because it is null, empty or
// has control characters.
//
// A request is as large as its record: a receiver has to accept headers of three
// times the longest key, twice, and the largest value. One that refuses a value
// before it has read it, and closes the connection at once, may not be heard: the
// job then runs again.
//
// # Answer
//
//	2xx               done
//	[Config.GiveUp]   the job is given up, as [bridge.Bury] does
//	429, 503          again after Retry-After, at most 1 h, or by the retry policy
//	                  where there is none, or one that asks for no pause
//	the rest          again by the retry policy, as are failures of the network
//	                  and what takes longer than [Config.Timeout]
//
// A receiver that knows more than a status can say puts it into headers of the
// answer, which count more than the status:
//
//	Holdfast-Outcome     done, retry, snooze (later, costs no attempt), bury (given
//	                     up) or skip (nothing to do)
//	Holdfast-After       30s, 1m30s: how long a retry or a snooze waits; a snooze
//	                     needs it
//	Holdfast-Reason      why, for the error that operators see
//	Holdfast-Checkpoint  how far the job has come, as standard base64, at most 64
//	                     KiB before that: the next attempt is sent it
//
// An answer that names another outcome, or no duration, is a failed attempt. While
// it works, a receiver may send interim answers, best 102 (Processing): each is a
// heartbeat of the job, see [bridge.Job.Heartbeat], and may have a checkpoint, which
// is on disk soon after. [Config.Timeout] goes on meanwhile.
//
// Redirects are not followed, so that neither a value nor a secret goes where the
// URL does not say. The status decides: a body is read for at most 2 s and 256
// KiB, so that the connection can be used again. The error is a [StatusError]
// whose text shows the beginning of the body.
//
// With [bridge.Produce.Results] the body of a 2xx is the result of the job and
// produced as it is, with its Content-Type as the record's header content-type:
// all of it, at most 1 MiB, read within [Config.Timeout], and nothing where it is
// empty, as with 204.
//
// A receiver sees a job more than once, when an answer was lost or came too late
// or the bridge has crashed: it removes duplicates by ce-id. A request that met a
// connection which the receiver was just closing is sent once more at once.
//
// When a request takes longer than [Config.Timeout], or its job is cancelled, the
// connection (of HTTP/2: the stream) is closed, and nothing more can be done from
// here: a receiver that goes on all the same is still at work on that attempt when
// the next one comes, and perhaps when the next job of the lane does. One that
// minds gives up by itself in less than Timeout.
//
// # Connections
//
// As many requests run at a time as there are workers. Connections are kept for
// 30 s, [Config.IdleConnections] of them. Over TLS, which is 1.2 or later, HTTP/2
// is used where the receiver speaks it. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are
// honoured as they were when the handler was made.
//
// # Secrets
//
// [Config.HeaderFiles] are read for every attempt: a file can be replaced or
// written anew at any time. One that cannot be read fails the attempt with an
// error that names it. The query of the URL is in no error either; its path is.
// Should a receiver send back what it was sent, secrets are removed from what the
// error shows of it, where they come back as they were.
package webhook
