package config

import "strings"

// Handler is what runs the jobs. One of its fields is set.
type Handler struct {
	Exec *Exec
	HTTP *HTTP
	Log  *LogHandler
}

func newHandler() *Handler { return new(Handler) }

func (h *Handler) fields() fields {
	return fields{
		{"exec", optional(&h.Exec, newExec)},
		{"http", optional(&h.HTTP, newHTTP)},
		{"log", optional(&h.Log, newLogHandler)},
	}
}

// kinds are the names of what is set: one, once that was checked.
func (h *Handler) kinds() (named []string) {
	for _, f := range h.fields() {
		if f.codec.encode() != nil {
			named = append(named, f.name)
		}
	}
	return named
}

func (h *Handler) check(n node) {
	named := h.kinds()
	switch len(named) {
	case 0:
		n.fail("names no handler; write exec: {command: [...]}, http: {url: ...} or log: {}")
	case 1:
	default:
		n.fail("has both %s; keep one", strings.Join(named, " and "))
	}
}

// LogHandler prints each job.
type LogHandler struct{}

func newLogHandler() *LogHandler { return new(LogHandler) }

func (*LogHandler) fields() fields { return nil }
