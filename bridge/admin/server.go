package admin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/seed-2837c37b/holdfast/bridge/inspect"
)

// Config is what a server works with.
type Config struct {
	// Inspector answers. Required.
	Inspector inspect.Inspector
	// Health tells whether the bridge goes on. Nil: that cannot be asked.
	Health func() inspect.Health
	// ReadOnly refuses to carry commands out.
	ReadOnly bool
	// Logger receives which commands came, from whom. Nil: nothing is logged.
	Logger *slog.Logger
}

// Server answers requests. It is safe for concurrent use.
type Server struct {
	cfg    Config
	routes map[string]map[string]route // by path and method
	limits limits
	reads  slots
	edits  slots
	// requests are those that are being answered.
	requests sync.WaitGroup
}

// NewServer prepares a server; it listens on nothing yet.
func NewServer(cfg Config) (*Server, error) {
	if cfg.Inspector == nil {
		return nil, errors.New("admin: Config.Inspector is missing")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, routes: make(map[string]map[string]route)}
	s.limit(defaultLimits())
	for _, r := range append(routesOf(cfg.Inspector), s.ownRoutes()...) {
		if s.routes[r.path] == nil {
			s.routes[r.path] = make(map[string]route)
		}
		s.routes[r.path][r.method] = r
	}
	return s, nil
}

func (s *Server) limit(to limits) {
	s.limits, s.reads, s.edits = to, make(slots, to.reads), make(slots, to.changes)
}

// Serve answers on the listeners until ctx ends, which is no error, or one of
// them fails. It closes them, and returns when every request has ended: those
// under way have two seconds, then their contexts end.
func (s *Server) Serve(ctx context.Context, listeners ...net.Listener) error {
	base, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	server := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.limits.header,
		IdleTimeout:       s.limits.idle,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return base },
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return inspect.As(ctx, peerOf(conn))
		},
		ErrorLog: slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- server.Serve(limit(l)) }()
	}
	var failure error
	left := len(listeners)
	select {
	case <-ctx.Done():
	case failure = <-ended:
		left--
	}
	grace, cancel := context.WithTimeout(base, s.limits.end)
	defer cancel()
	_ = server.Shutdown(grace) // what it leaves is ended below
	end()
	_ = server.Close()
	for range left {
		<-ended
	}
	s.requests.Wait()
	if failure != nil {
		return fmt.Errorf("admin: %w", failure)
	}
	return nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(to http.ResponseWriter, r *http.Request) {
	s.requests.Add(1)
	defer s.requests.Done()
	began, w := time.Now(), &answer{ResponseWriter: to, limits: s.limits}
	found, err := s.find(r)
	if err == nil {
		err = s.serve(found, w, r)
	}
	s.note(found, r, time.Since(began), err)
	if err != nil && w.refuse(err) != nil {
		panic(http.ErrAbortHandler) // nobody is to take what was sent for whole
	}
}

func (s *Server) find(r *http.Request) (route, error) {
	byMethod, method := s.routes[r.URL.Path], r.Method
	if method == http.MethodHead {
		method = http.MethodGet // net/http leaves the body out
	}
	found, ok := byMethod[method]
	switch {
	case byMethod == nil:
		return route{}, fmt.Errorf("%w: %.100q is nothing that this version of the bridge answers", ErrUnknown, r.URL.Path)
	case !ok:
		return route{}, &notAllowed{path: r.URL.Path, method: r.Method, allowed: allowed(byMethod)}
	case found.changes && s.cfg.ReadOnly:
		return route{}, fmt.Errorf("%w: unset admin.read_only, or stop the bridge and use its data directory", ErrReadOnly)
	}
	return found, nil
}

// allowed are the methods of a path, as the header Allow lists them.
func allowed(byMethod map[string]route) string {
	names := slices.Sorted(maps.Keys(byMethod))
	if byMethod[http.MethodGet].serve != nil {
		names = append(names, http.MethodHead)
	}
	return strings.Join(names, ", ")
}

// serve lets the route answer when it is its turn.
func (s *Server) serve(found route, w *answer, r *http.Request) (err error) {
	turn := s.reads
	if found.method != http.MethodGet {
		turn = s.edits
	}
	if !found.cheap {
		if !turn.take(r.Context(), s.limits.turn) {
			return fmt.Errorf("%w: %d are under way; ask again in some seconds", ErrBusy, cap(turn))
		}
		defer turn.release()
	}
	defer func() {
		if cause := recover(); cause != nil {
			s.cfg.Logger.Error("answering an admin request panicked", "path", found.path, "panic", cause, "stack", string(debug.Stack()))
			err = errors.New("the bridge failed to answer; its log says more")
		}
	}()
	return found.serve(w, r)
}

// note logs the request: commands always.
func (s *Server) note(found route, r *http.Request, took time.Duration, err error) {
	level := slog.LevelDebug
	if found.changes {
		level = slog.LevelInfo
	}
	attrs := []any{"path", found.path, "by", inspect.ActorOf(r.Context()), "took", took}
	if err != nil {
		attrs = append(attrs, "error", err)
	}
	s.cfg.Logger.Log(r.Context(), level, "admin request", attrs...)
}

// parameters are those of the URL.
func parameters(r *http.Request) (url.Values, error) {
	return url.ParseQuery(r.URL.RawQuery)
}
