package window

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/coditect-ai/coditect-sync/app/local"
	"github.com/coditect-ai/coditect-sync/frontend"
)

// Config is what Run needs.
type Config struct {
	Home   string
	View   string // to begin with; empty is the home view
	Logger *slog.Logger
	// Dark tells that the desktop is set to dark, where the web view does not find out by itself.
	Dark bool
	// Start starts an agent and returns once it answers. It is called where none runs: when the window opens, and when a
	// person asks for it. nil: the page says how to start one.
	Start   func(context.Context) error
	Version string
}

// running is a window that is open.
type running struct {
	cfg     Config
	claim   *claim
	starter *starter
	proxy   *proxy
	native  *native
	up      chan struct{} // closed when the page is there
}

// open claims the window of the home and makes everything that the web view asks. It returns nil when another process
// has the window, which shows the view now.
func open(ctx context.Context, cfg Config) (*running, error) {
	if err := checkView(cfg.View); err != nil {
		return nil, err
	}
	c, err := takeClaim(ctx, cfg.Home, cfg.View)
	if c == nil || err != nil {
		return nil, err
	}
	socket := local.SocketPath(cfg.Home)
	client := local.NewClient(socket, cfg.Version)
	s := &starter{start: cfg.Start, log: cfg.Logger, runs: func(ctx context.Context) error {
		_, err := client.Status(ctx)
		return err
	}}
	s.begin(ctx)
	w := &running{cfg: cfg, claim: c, starter: s, proxy: newProxy(socket, s, cfg.Logger), up: make(chan struct{})}
	w.native = &native{life: ctx, starter: s, cancel: w.proxy.calls.end, log: cfg.Logger}
	return w, nil
}

func (w *running) handler() http.Handler {
	s := &site{page: frontend.Page(), view: w.cfg.View, api: w.proxy, native: w.native.handler()}
	return s.handler()
}

// close gives the claim back. What it returns is for a log: the system frees the lock in any case.
func (w *running) close() error { return w.claim.release() }
