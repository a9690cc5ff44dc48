package admin

import (
	"bytes"
	"context"
	_ "embed" // openapi.json
	"net/http"
	"os"
)

// Version is that of the requests and answers, and begins their paths.
const Version = "v1"

// About is what a server says of itself.
type About struct {
	API      string `json:"api"` // [Version]
	PID      int    `json:"pid"`
	ReadOnly bool   `json:"read_only"`
}

var about = reading[none, About]("/v1")

func (s *Server) about() route {
	return about.by(func(context.Context, none) (About, error) {
		return About{API: Version, PID: os.Getpid(), ReadOnly: s.cfg.ReadOnly}, nil
	})
}

//go:embed openapi.json
var openAPI []byte

// description is not asked for by the client: it is for others.
func description() route {
	return route{method: http.MethodGet, path: "/v1/openapi.json", serve: func(w *answer, _ *http.Request) error {
		return w.send(http.StatusOK, bytes.TrimSpace(openAPI))
	}}
}
