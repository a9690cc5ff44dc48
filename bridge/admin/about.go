package admin

import (
	"context"
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
