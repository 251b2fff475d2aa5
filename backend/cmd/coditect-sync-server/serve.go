package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/httpapi"
	"github.com/coditect-ai/coditect-sync/backend/identity"
	"github.com/coditect-ai/coditect-sync/backend/identity/keys"
	"github.com/coditect-ai/coditect-sync/backend/identity/letters"
	"github.com/coditect-ai/coditect-sync/backend/identity/password"
	"github.com/coditect-ai/coditect-sync/backend/identity/provider"
	"github.com/coditect-ai/coditect-sync/backend/identity/session"
	"github.com/coditect-ai/coditect-sync/backend/postgres"
	"github.com/coditect-ai/coditect-sync/backend/stream"
	"github.com/coditect-ai/coditect-sync/backend/stream/oplog"
	"github.com/coditect-ai/coditect-sync/backend/telemetry"
)

// server is everything that serves, wired.
type server struct {
	s     *settings
	log   *slog.Logger
	post  backend.Post // nil: nobody sends letters
	trace backend.Tracer
	store *postgres.Store
	api   *httpapi.API
	mux   *http.ServeMux
	tasks []func(context.Context) // run until the server ends
	after []func()                // what is done then, the last first
}

// newServer connects and wires. close must be called after it, also when it fails.
func newServer(ctx context.Context, s *settings, log *slog.Logger, version string) (*server, error) {
	v := &server{s: s, log: log, mux: http.NewServeMux()}
	var err error
	if v.post, err = s.post(); err != nil {
		return v, err
	}
	api, err := v.tracing(ctx, version)
	if err != nil {
		return v, err
	}
	if v.store, err = postgres.Open(ctx, postgres.Config{DSN: s.databases["app_api"], Daily: s.daily, Log: log, Trace: v.trace}); err != nil {
		return v, err
	}
	v.after = append(v.after, v.store.Close)
	if err := v.store.Ready(ctx); err != nil {
		return v, fmt.Errorf("The database is not up to date, or does not answer: run `coditect-sync-server migrate`. %w", err)
	}
	if err := v.store.UpToDate(ctx); err != nil {
		return v, fmt.Errorf("The database is not up to date: run `coditect-sync-server migrate`. %w", err)
	}
	sessions, err := v.identity(ctx)
	if err != nil {
		return v, err
	}
	forAPI, err := sessions.Verifier(identity.AudienceAPI)
	if err != nil {
		return v, err
	}
	v.api = httpapi.New(v.apiConfig(sessions, forAPI, version))
	v.mux.Handle("/", api(v.api))
	v.api.Add(slotGauges(v.store)...)
	v.every(time.Hour, "what is kept for a time only cannot be forgotten", v.sweep)
	if !s.stream {
		return v, nil
	}
	err = v.builtInStream(ctx, sessions)
	return v, err
}

// sweep forgets what is kept for a time only, if no other process has done it today.
func (v *server) sweep(ctx context.Context) error {
	gone, done, err := v.store.Sweep(ctx)
	if done {
		v.log.Info("forgot what is kept for a time only", "lines", gone)
	}
	return err
}

func (v *server) apiConfig(sessions *session.Sessions, verifier backend.Verifier, version string) httpapi.Config {
	c := httpapi.Config{Store: v.store, Verifier: verifier, Machines: sessions, Teams: v.store, Sharing: v.store, Account: v.store, Log: v.log, Version: version}
	if v.s.invitations && v.s.provider {
		c.Invitations = letters.Invitations{Store: v.store, Post: v.post, Issuer: v.s.embedded(), Now: time.Now}
	}
	return c
}

// tracing wires telemetry, where the environment turns it on, and returns what follows the API's requests.
func (v *server) tracing(ctx context.Context, version string) (func(http.Handler) http.Handler, error) {
	v.trace = backend.Untraced{}
	t, err := telemetry.New(ctx, version, os.Getenv)
	if err != nil || t == nil {
		return func(h http.Handler) http.Handler { return h }, err
	}
	v.trace = t
	v.after = append(v.after, func() {
		last, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = t.Close(last) // the collector is gone, or has it
	})
	return t.Handler, nil
}

// identity wires sign-in: the keys, the sessions, and the embedded provider where it is on.
func (v *server) identity(ctx context.Context) (*session.Sessions, error) {
	pool, err := v.connect(ctx, "app_identity")
	if err != nil {
		return nil, err
	}
	access, err := v.ring(ctx, pool, keys.Access)
	if err != nil {
		return nil, err
	}
	issuers := v.s.issuers
	if v.s.provider {
		own, err := v.embedded(ctx, pool)
		if err != nil {
			return nil, err
		}
		issuers = append([]session.Issuer{own}, issuers...)
	}
	sessions, err := session.New(session.Config{Pool: pool, Keys: access, URL: v.s.url, Issuers: issuers, Log: v.log, Life: v.s.tokenLife})
	if err != nil {
		return nil, err
	}
	v.every(time.Hour, "old sessions cannot be deleted", sessions.Sweep)
	for _, path := range []string{"/v1/token", "/v1/revoke", "/.well-known/jwks.json", "/.well-known/oauth-authorization-server"} {
		v.mux.Handle(path, v.noted(sessions.Handler()))
	}
	return sessions, nil
}

// embedded wires the embedded provider. Sessions take its keys from the database: a server need not reach itself by its
// public address.
func (v *server) embedded(ctx context.Context, pool *pgxpool.Pool) (session.Issuer, error) {
	ring, err := v.ring(ctx, pool, keys.ID)
	if err != nil {
		return session.Issuer{}, err
	}
	p, err := provider.New(provider.Config{Pool: pool, Keys: ring, Secret: v.s.secret, Issuer: v.s.embedded(), ClientID: v.s.clientID,
		Callbacks: v.s.callbacks, Passwords: password.NewHasher(), Post: v.post, Log: v.log, Forwarded: v.s.forwarded})
	if err != nil {
		return session.Issuer{}, err
	}
	v.tasks = append(v.tasks, p.Run)
	v.mux.Handle("/id/", v.noted(p.Handler()))
	return session.Issuer{URL: v.s.embedded(), ClientID: v.s.clientID, Algorithms: []string{"ES256"}, Keys: ring}, nil
}

func (v *server) ring(ctx context.Context, pool *pgxpool.Pool, purpose keys.Purpose) (*keys.Ring, error) {
	ring := keys.New(keys.Config{Pool: pool, Secret: v.s.secret, Purpose: purpose})
	if err := ring.Rotate(ctx); err != nil {
		return nil, err
	}
	if _, err := ring.Signing(ctx); err != nil {
		return nil, err
	}
	v.every(time.Hour, "signing keys cannot be rotated", ring.Rotate)
	return ring, nil
}

// builtInStream wires the stream and the writer of its log.
func (v *server) builtInStream(ctx context.Context, sessions *session.Sessions) error {
	if _, err := v.connect(ctx, stream.Role); err != nil { // which refuses a role that is too powerful
		return err
	}
	forStream, err := sessions.Verifier(identity.AudienceStream)
	if err != nil {
		return err
	}
	address := v.s.databases[stream.Role]
	s, err := stream.New(ctx, stream.Config{Database: address, Rules: stream.Memory(), Verifier: stream.Tokens(forStream), Log: v.log, Trace: v.trace})
	if err != nil {
		return err
	}
	v.after = append(v.after, s.Close)
	v.api.Add(httpapi.Gauge{Name: "coditect_streams", Help: "Streams that are open on this server.",
		Read: func(context.Context) (float64, error) { return float64(s.Streams()), nil }})
	writer, err := oplog.NewWriter(oplog.Config{Database: address, Schema: stream.Schema, Publication: stream.Publication, Rules: stream.Memory(), Log: v.log, Trace: v.trace})
	if err != nil {
		return err
	}
	v.task("the stream ended", s.Run)
	v.task("the writer of the stream's log ended", writer.Run)
	for _, path := range []string{"/sync/", "/write-checkpoint2.json", "/probes/"} {
		v.mux.Handle(path, v.noted(s.Handler()))
	}
	return nil
}

func (v *server) connect(ctx context.Context, role string) (*pgxpool.Pool, error) {
	pool, err := postgres.Connect(ctx, v.s.databases[role], 0)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", role, err)
	}
	v.after = append(v.after, pool.Close)
	return pool, nil
}

// task adds one that should not end before the server does.
func (v *server) task(ended string, run func(context.Context) error) {
	v.tasks = append(v.tasks, func(ctx context.Context) {
		if err := run(ctx); err != nil && ctx.Err() == nil {
			v.log.Error("a task of the server ended", "task", ended, "error", err)
		}
	})
}

// every adds a task that is done at the start and again and again.
func (v *server) every(pause time.Duration, failed string, do func(context.Context) error) {
	v.tasks = append(v.tasks, func(ctx context.Context) {
		tick := time.NewTicker(pause)
		defer tick.Stop()
		for {
			if err := do(ctx); err != nil && ctx.Err() == nil {
				v.log.Error("upkeep failed", "what", failed, "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

// serve answers until ctx ends, and returns when everybody was answered and every task has ended.
func (v *server) serve(ctx context.Context, ln net.Listener) error {
	var running sync.WaitGroup
	defer running.Wait()
	tasks, stop := context.WithCancel(ctx)
	defer stop()
	for _, task := range v.tasks {
		running.Go(func() { task(tasks) })
	}
	if v.s.metrics != "" {
		if err := v.serveMetrics(tasks, &running); err != nil {
			return err
		}
	}
	v.log.Info("ready to serve", "address", ln.Addr().String(), "url", v.s.url)
	return v.api.Serve(ctx, ln, v.mux, v.s.settle, v.s.drain)
}

// serveMetrics answers Prometheus, beside the public address.
func (v *server) serveMetrics(ctx context.Context, running *sync.WaitGroup) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", v.s.metrics)
	if err != nil {
		return mistake("%sMETRICS: %v.", prefix, err)
	}
	web := &http.Server{Handler: v.api.Metrics(), ReadHeaderTimeout: 5 * time.Second}
	running.Go(func() {
		if err := web.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
			v.log.Error("metrics are served no longer", "error", err)
		}
	})
	context.AfterFunc(ctx, func() { _ = web.Close() })
	return nil
}

func (v *server) close() {
	for _, do := range slices.Backward(v.after) {
		do()
	}
}
