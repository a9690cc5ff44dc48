package exec

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seed-2837c37b/holdfast/bridge"
)

const (
	ownPrefix = "HOLDFAST_"
	jobPrefix = "HOLDFAST_JOB_"

	// maxJobBytes bounds what one job adds to the environment. The kernel refuses a
	// single string of 128 KiB and, with the usual stack limit, 2 MiB in total: a
	// record must never be able to make its own process unstartable.
	maxJobBytes = 64 << 10
	// reservedBytes of them are for the list of what was left out.
	reservedBytes = 4 << 10
	maxName       = 255
)

// inherited are the variables every child gets from the bridge. It is a list of what is
// allowed, not of what is hidden: only so is it certain that no credential of the
// bridge reaches a worker.
var inherited = []string{
	"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TZDIR", "TMPDIR",
	"SSL_CERT_FILE", "SSL_CERT_DIR",
}

// baseEnvironment is the part of a child's environment that is the same for every job.
func baseEnvironment(own, entries []string) []string {
	allowed := make(map[string]bool)
	for _, name := range inherited {
		allowed[name] = true
	}
	set := make(map[string]string)
	for _, entry := range entries {
		if name, value, ok := strings.Cut(entry, "="); ok {
			set[name] = value
		} else {
			allowed[name] = true
		}
	}
	var env []string
	for _, variable := range own {
		name, _, _ := strings.Cut(variable, "=")
		if _, replaced := set[name]; !replaced && (allowed[name] || strings.HasPrefix(name, "LC_")) {
			env = append(env, variable)
		}
	}
	for name, value := range set {
		env = append(env, name+"="+value)
	}
	return env
}

// jobEnvironment describes job, in the order of what matters most while there is room.
func jobEnvironment(job *bridge.Job) []string {
	v := variables{room: maxJobBytes - reservedBytes}
	v.add("TOPIC", job.Topic)
	v.add("PARTITION", strconv.FormatInt(int64(job.Partition), 10))
	v.add("OFFSET", strconv.FormatInt(job.Offset, 10))
	v.add("ID", job.ID())
	v.add("ATTEMPT", strconv.Itoa(job.Attempt))
	if !job.Timestamp.IsZero() {
		v.add("TIMESTAMP", job.Timestamp.UTC().Format(time.RFC3339Nano))
	}
	if job.Value == nil {
		v.add("TOMBSTONE", "1")
	}
	if job.Key != nil {
		v.text("KEY", string(job.Key))
	}
	v.text("LANE", job.Lane)
	v.headers(job.Headers)
	v.truncated()
	return append(v.env, traceEnvironment(job)...)
}

// traceEnvironment is the job's trace by the names that tracing libraries know.
func traceEnvironment(job *bridge.Job) (env []string) {
	t := job.Trace()
	if t.Parent != "" {
		env = append(env, "TRACEPARENT="+t.Parent)
	}
	if t.State != "" {
		env = append(env, "TRACESTATE="+t.State)
	}
	return env
}

// headers adds the last header of each name, as consumers of Kafka commonly read them.
func (v *variables) headers(headers []bridge.Header) {
	seen := make(map[string]bool, len(headers))
	for i := len(headers) - 1; i >= 0; i-- {
		name := headerVariable(headers[i].Key)
		if seen[name] {
			continue
		}
		seen[name] = true
		if headers[i].Value != nil {
			v.text(name, string(headers[i].Value))
		}
	}
}

// variables collects what describes one job, within maxJobBytes.
type variables struct {
	env     []string
	room    int
	omitted []string
}

// text adds name, or name_BASE64 where the value cannot stand in an environment.
func (v *variables) text(name, value string) {
	if !isText(value) {
		name += "_BASE64"
		if len(value) <= v.room { // no need to encode what cannot fit
			value = base64.StdEncoding.EncodeToString([]byte(value))
		}
	}
	v.add(name, value)
}

func (v *variables) add(name, value string) {
	size := len(jobPrefix) + len(name) + len("=") + len(value) + 1 + 8 // the NUL and the pointer count, too
	if size > v.room || len(name) > maxName {
		v.omitted = append(v.omitted, name)
		return
	}
	v.room -= size
	v.env = append(v.env, jobPrefix+name+"="+value)
}

// truncated names what was left out, as far as the reserve goes, and counts the rest.
func (v *variables) truncated() {
	if len(v.omitted) == 0 {
		return
	}
	var list strings.Builder
	for i, name := range v.omitted {
		if len(name) > maxName {
			name = name[:maxName] + "..."
		}
		if list.Len()+len(name) > reservedBytes/2 {
			fmt.Fprintf(&list, ",+%d", len(v.omitted)-i)
			break
		}
		if i > 0 {
			list.WriteByte(',')
		}
		list.WriteString(name)
	}
	v.env = append(v.env, jobPrefix+"TRUNCATED="+list.String())
}

// isText reports whether s can be an environment variable as it is.
func isText(s string) bool {
	return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0
}

// headerVariable maps a header's name to A-Z, 0-9 and _.
func headerVariable(header string) string {
	name := []byte("HEADER_" + header)
	for i, c := range name {
		switch {
		case c >= 'a' && c <= 'z':
			name[i] = c - 'a' + 'A'
		case c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		default:
			name[i] = '_'
		}
	}
	return string(name)
}
