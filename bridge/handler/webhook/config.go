package webhook

import (
	"cmp"
	"net/http"
	"time"
)

// Config says where jobs are posted, as what, and what the answers mean.
type Config struct {
	// URL is where jobs are posted, http or https. It has no user or password:
	// those go into HeaderFiles. Errors show it without its query.
	URL string
	// Timeout is how long one attempt may take, from connecting until the header
	// of the answer is here; zero: 30 s.
	Timeout time.Duration
	// GiveUp lists the status codes that give a job up instead of running it
	// again; nil: 400, 410, 413, 415 and 422; empty: none. Redirects, 4xx and 5xx
	// can be listed, but not 401, 407, 429 and 503, which no job is to blame for.
	GiveUp []int

	// Source is the source of the events, a URI reference, in which {topic}
	// stands for the topic; zero: /kafka/topics/{topic}. With several clusters it
	// tells them apart.
	Source string
	// Type is the type of the events, in which {topic} stands for the topic;
	// zero: holdfast.record. CloudEvents wants a reversed DNS name in front.
	Type string
	// ContentType is the media type of values whose record has no header
	// content-type; zero: application/octet-stream.
	ContentType string

	// Headers are sent with every job. They are no place for secrets.
	Headers map[string]string
	// HeaderFiles are headers whose value is what a file holds, less line breaks
	// at its end. Every attempt reads them again. What they hold appears neither
	// in errors nor in logs.
	HeaderFiles map[string]string
	// ForwardHeaders names the record headers that are sent on, under their own
	// names, whatever their case; nil: none.
	ForwardHeaders []string

	// TLS says how an https URL is checked; nil: by the system's roots.
	TLS *TLS
	// IdleConnections is how many connections are kept between jobs, best the
	// number of workers; zero: 64. It does not bound the open ones.
	IdleConnections int
}

// TLS says how the receiver's certificate is checked and who the client is.
type TLS struct {
	// CAFile holds the certificates to trust, as PEM. Zero: the system's roots.
	CAFile string
	// CertFile and KeyFile are the client's certificate with its chain and its
	// key, as PEM; they are read again at each connection. Zero: none is shown.
	CertFile, KeyFile string
	// ServerName is the name that the certificate is checked for. Zero: the host
	// of the URL.
	ServerName string
}

// Defaults are the values that stand for zero ones.
func Defaults() Config { return Config{}.filled() }

func (c Config) filled() Config {
	c.Timeout = cmp.Or(c.Timeout, 30*time.Second)
	c.Source = cmp.Or(c.Source, "/kafka/topics/"+topicMark)
	c.Type = cmp.Or(c.Type, "holdfast.record")
	c.ContentType = cmp.Or(c.ContentType, "application/octet-stream")
	c.IdleConnections = cmp.Or(c.IdleConnections, 64)
	if c.GiveUp == nil {
		c.GiveUp = []int{
			http.StatusBadRequest, http.StatusGone, http.StatusRequestEntityTooLarge,
			http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
		}
	}
	return c
}
