package local

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
)

// What both ends agree on.
const (
	// Host is the only Host a request may have.
	Host = "coditect-sync.local"
	// VersionHeader carries the agent's version in every reply.
	VersionHeader = "Coditect-Sync-Version"
	// RunHeader carries a word in every reply that is new with every start of the server: revisions of different runs
	// do not compare.
	RunHeader = "Coditect-Sync-Run"
)

const (
	maxBody        = 1 << 20
	maxHeader      = 16 << 10
	defaultPoll    = 25 * time.Second
	defaultPatient = 5 * time.Second
)

// Config is what a Server needs.
type Config struct {
	Service app.Service
	Version string // of the agent
	Logger  *slog.Logger
	// Poll is how long a status request waits for a change at most; 0 means 25 seconds.
	Poll time.Duration
	// Patience is how long a client may take to send its header, and again its body; 0 means 5 seconds.
	Patience time.Duration
}

// Server answers the local API. Make one with NewServer; it serves one listener once.
type Server struct {
	cfg     Config
	run     string
	http    *http.Server
	closing context.Context // done once Shutdown is called: waiting status requests answer at once
	close   context.CancelFunc
}

// NewServer returns a server that is not serving yet.
func NewServer(cfg Config) *Server {
	if cfg.Poll == 0 {
		cfg.Poll = defaultPoll
	}
	if cfg.Patience == 0 {
		cfg.Patience = defaultPatient
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, run: rand.Text()}
	s.closing, s.close = context.WithCancel(context.Background())
	s.http = &http.Server{
		Handler:           s.onlyPeers(s.Handler()),
		ConnContext:       withPeer,
		ReadHeaderTimeout: cfg.Patience,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
	}
	return s
}

// Serve answers on ln, which it closes, until Shutdown; then it returns nil, at once and not when the last reply is
// out: that is what Shutdown waits for.
func (s *Server) Serve(ln net.Listener) error {
	err := s.http.Serve(ln)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return app.Errorf(app.CodeFailed, "serve", "The local API has stopped.").Wrap(err)
}

// Shutdown takes no new request, answers waiting status requests, and returns when every reply is out. When ctx ends
// first it cancels what still runs, closes the connections and returns ctx's error.
func (s *Server) Shutdown(ctx context.Context) error {
	s.close()
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.http.Close())
	}
	return err
}

// Handler is the API without its socket: every check but that of the peer. Whoever mounts it elsewhere decides who
// gets in.
func (s *Server) Handler() http.Handler {
	return s.branded(s.recovered(s.onlyOurs(s.routes())))
}
