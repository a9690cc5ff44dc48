package webhook

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge"
)

// topicMark stands for the topic in a source or a type.
const topicMark = "{topic}"

func withTopic(pattern, topic string) string { return strings.ReplaceAll(pattern, topicMark, topic) }

// event describes jobs as CloudEvents in binary mode.
type event struct{ source, kind, contentType string }

// describe adds the attributes of job to header.
func (e event) describe(header http.Header, job *bridge.Job) {
	set := func(name, value string) { header[name] = []string{value} }
	set("Content-Type", e.contentTypeOf(job))
	set("Ce-Specversion", "1.0")
	set("Ce-Id", encode(job.ID()))
	set("Ce-Source", encode(withTopic(e.source, job.Topic)))
	set("Ce-Type", encode(withTopic(e.kind, job.Topic)))
	if t := job.Timestamp.UTC(); !t.IsZero() && t.Year() <= lastYear {
		set("Ce-Time", t.Format(time.RFC3339Nano))
	}
	if job.Key != nil {
		textOr(set, "Ce-Subject", "Ce-Keybase64", string(job.Key))
	}
	if job.Lane != "" {
		textOr(set, "Ce-Lane", "Ce-Lanebase64", job.Lane)
	}
	if job.Value == nil {
		set("Ce-Tombstone", "true")
	}
	set("Ce-Topic", encode(job.Topic))
	set("Ce-Partition", strconv.Itoa(int(job.Partition)))
	set("Ce-Offset", strconv.FormatInt(job.Offset, 10))
	set("Ce-Attempt", strconv.Itoa(job.Attempt))
	if reached := job.LastCheckpoint(); reached != nil {
		set(headerCheckpoint, base64.StdEncoding.EncodeToString(reached))
	}
}

// lastYear is the last one that RFC 3339 can write.
const lastYear = 9999

// contentTypeOf is what the record says of itself, or the default where it says
// nothing that can be sent.
func (e event) contentTypeOf(job *bridge.Job) string {
	if said, ok := fieldValue(string(headerOf(job, "Content-Type"))); ok && isMediaType(said) {
		return said
	}
	return e.contentType
}

// headerOf is the value of the last header of that name, as consumers of Kafka
// commonly read them; nil where there is none.
func headerOf(job *bridge.Job, name string) []byte {
	for i := len(job.Headers) - 1; i >= 0; i-- {
		if strings.EqualFold(job.Headers[i].Key, name) {
			return job.Headers[i].Value
		}
	}
	return nil
}
