package stream

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
	"github.com/coditect-ai/coditect-sync/backend/stream/rules"
)

// Config is what a Server needs.
type Config struct {
	Database string // address, of a role that may read sync_log and write its table requests
	Rules    rules.Definition
	Verifier Verifier
	Log      *slog.Logger
	Trace    oplog.Tracer // nil: nobody follows commits

	MaxConns   int32         // to the database; 0 = 10. One more listens
	MaxBuckets int           // of one person; 0 = 10,000
	MaxStreams int           // at once; 0 = 1,000
	Quiet      time.Duration // longest silence of a stream; 0 = 20 s
	Patience   time.Duration // with a client that does not read; 0 = 60 s
	Recheck    time.Duration // how often the token of an open stream is verified again; 0 = 5 s
}

// Server serves streams. Its methods may be used concurrently.
type Server struct {
	config Config
	store  *oplog.Store
	hub    hub
}

// New returns a Server, or what is wrong with its configuration. It connects when it is asked. The caller closes it.
func New(ctx context.Context, c Config) (*Server, error) {
	if err := c.Rules.Validate(); err != nil {
		return nil, err
	}
	if c.Database == "" || c.Verifier == nil || c.Log == nil {
		return nil, errors.New("a stream needs a database, a verifier and a log")
	}
	c.MaxBuckets, c.MaxStreams = or(c.MaxBuckets, 10_000), or(c.MaxStreams, 1000)
	c.Quiet, c.Patience = or(c.Quiet, 20*time.Second), or(c.Patience, time.Minute)
	c.Recheck = or(c.Recheck, 5*time.Second)
	store, err := oplog.Open(ctx, c.Database, or(c.MaxConns, 10), c.Rules)
	if err != nil {
		return nil, err
	}
	return &Server{config: c, store: store, hub: hub{sleepers: map[*sleeper]bool{}}}, nil
}

// Close gives up the connections. Streams that are open fail.
func (s *Server) Close() { s.store.Close() }

// Streams is how many are open.
func (s *Server) Streams() int { return s.hub.count() }

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// Run wakes streams when there is news, until ctx ends; then it ends them all and returns ctx's error.
func (s *Server) Run(ctx context.Context) error {
	defer s.hub.close()
	return oplog.NewTail(s.store, s.config.Database, s.config.Log, s.hub.tell).Run(ctx)
}

// Handler serves the paths of the protocol: the stream, write checkpoints and probes.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /sync/stream", s.serveStream)
	mux.HandleFunc("GET /write-checkpoint2.json", s.serveWriteCheckpoint)
	mux.HandleFunc("POST /sync/checkpoint-request", s.serveCheckpointRequest)
	mux.HandleFunc("GET /probes/startup", s.serveReady)
	mux.HandleFunc("GET /probes/liveness", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]any{"data": map[string]bool{"ready": true}})
	})
	mux.HandleFunc("GET /probes/readiness", s.serveReady)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.fail(w, r, errNotFound) })
	return mux
}

func (s *Server) serveReady(w http.ResponseWriter, r *http.Request) {
	if err := s.ready(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	answer(w, http.StatusOK, map[string]any{"data": map[string]bool{"ready": true}})
}

func (s *Server) ready(ctx context.Context) error {
	err := s.store.Ready(ctx)
	if errors.Is(err, oplog.ErrNotReady) {
		return errNotReady
	}
	return err
}
