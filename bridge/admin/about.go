package admin

import (
	"bytes"
	"context"
	_ "embed" // openapi.json
	"net/http"
	"os"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// Version is that of the requests and answers, and begins their paths.
const Version = "v1"

// About is what a server says of itself.
type About struct {
	API      string `json:"api"` // [Version]
	PID      int    `json:"pid"`
	ReadOnly bool   `json:"read_only"`
}

var (
	about  = reading[none, About]("/v1")
	health = reading[none, inspect.Health]("/v1/health")
)

// ownRoutes are about the server and its bridge, not about jobs.
func (s *Server) ownRoutes() []route {
	routes := []route{
		about.by(func(context.Context, none) (About, error) {
			return About{API: Version, PID: os.Getpid(), ReadOnly: s.cfg.ReadOnly}, nil
		}),
		description(),
	}
	if s.cfg.Health != nil {
		routes = append(routes, health.by(func(context.Context, none) (inspect.Health, error) { return s.cfg.Health(), nil }))
	}
	for i := range routes {
		routes[i].cheap = true
	}
	return routes
}

// Health asks whether the bridge goes on.
func (c *Client) Health(ctx context.Context) (inspect.Health, error) {
	return health.ask(ctx, c, none{})
}

//go:embed openapi.json
var openAPI []byte

// description is not asked for by the client: it is for others.
func description() route {
	const path = "/v1/openapi.json"
	return route{method: http.MethodGet, path: path, serve: func(w *answer, r *http.Request) error {
		if r.URL.RawQuery != "" {
			return invalid("%s has no parameters", path)
		}
		return w.send(http.StatusOK, bytes.TrimSpace(openAPI))
	}}
}
