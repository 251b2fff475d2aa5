package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/coditect-ai/coditect-sync/backend"
)

// Config is what New needs.
type Config struct {
	Store    backend.Store
	Verifier backend.Verifier
	Machines backend.Machines // nil: machines are managed elsewhere
	Teams    backend.Teams    // nil: teams are
	Sharing  backend.Sharing  // nil: who sees what is not told
	Account  backend.Account  // nil: nobody exports or erases his own
	// Invitations is nil where only whoever runs the server invites.
	Invitations backend.Invitations
	Log         *slog.Logger
	Version     string
	Limits      Limits
	Now         func() time.Time // nil: time.Now
}

// API answers requests. It is an http.Handler.
type API struct {
	Config
	metrics  *metrics
	machines *limiter
	tenants  *limiter
	pushes   *gate
	proofs   proofLimits
	draining atomic.Bool
	handler  http.Handler
}

// New returns the API. It does not listen; Serve does.
func New(c Config) *API {
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Limits = c.Limits.orDefaults()
	a := &API{Config: c, metrics: newMetrics(), machines: newLimiter(c.Limits.MachinePerSecond, c.Limits.MachineBurst),
		tenants: newLimiter(c.Limits.TenantPerSecond, c.Limits.TenantBurst), pushes: newGate(c.Limits.MachineAtOnce),
		proofs: newProofLimits(c.Limits)}
	mux := http.NewServeMux()
	mux.HandleFunc("/", a.notFound)
	mux.HandleFunc("GET /healthz", a.health)
	mux.HandleFunc("GET /readyz", a.ready)
	a.register(humago.New(mux, a.humaConfig()))
	a.handler = a.observe(mux)
	return a
}

func (a *API) humaConfig() huma.Config {
	c := huma.DefaultConfig("CODITECT Sync", a.Version)
	c.DocsPath, c.SchemasPath = "", ""
	c.CreateHooks = nil // no $schema member in every answer
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"}}
	c.Security = []map[string][]string{{"bearer": {}}}
	return c
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

func (a *API) notFound(w http.ResponseWriter, r *http.Request) {
	(&Problem{Title: http.StatusText(http.StatusNotFound), Status: http.StatusNotFound, Code: backend.Invalid,
		Detail: "There is nothing at this address, or not for this method.", RequestID: requestID(r.Context())}).write(w)
}

func (a *API) health(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("alive\n"))
}

// readyPatience is shorter than what a prober waits.
const readyPatience = 2 * time.Second

func (a *API) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyPatience)
	defer cancel()
	err := a.Store.Ready(ctx)
	if a.draining.Load() {
		err = backend.Errorf(backend.Unavailable, "The server is about to end.")
	}
	if err != nil {
		problemOf(err, requestID(r.Context())).write(w)
		return
	}
	_, _ = w.Write([]byte("ready\n"))
}

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }
