package window

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httputil"
	"sync"
	"time"

	"github.com/coditect-ai/coditect-sync/app"
	"github.com/coditect-ai/coditect-sync/app/local"
)

// callHeader names a request, so that it can be canceled.
const callHeader = "Coditect-Sync-Call"

// pageHeaders tell of a web page. The agent refuses requests that have one.
var pageHeaders = []string{
	"Origin", "Referer", "Cookie", "Sec-Fetch-Site", "Sec-Fetch-Mode", "Sec-Fetch-Dest", "Sec-Fetch-User", callHeader,
}

// proxy leads the page's requests to the agent.
type proxy struct {
	forward http.Handler
	starter *starter
	calls   calls
	log     *slog.Logger
	opened  time.Time // when the window began to open
	asked   sync.Once
}

func newProxy(socket string, s *starter, log *slog.Logger) *proxy {
	p := &proxy{starter: s, log: log, opened: time.Now()}
	p.forward = &httputil.ReverseProxy{
		Transport: local.Transport(socket),
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", local.Host, local.Host
			for _, name := range pageHeaders {
				r.Out.Header.Del(name)
			}
		},
		ModifyResponse: p.answered,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			fail(w, local.Unanswered(r.Context(), err))
		},
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	return p
}

// ServeHTTP waits for an agent that is being started, so that the page does not call it missing meanwhile.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, end := p.calls.begin(r.Context(), r.Header.Get(callHeader))
	defer end()
	p.log.Debug("page asks", "method", r.Method, "path", r.URL.Path)
	_ = p.starter.wait(ctx) // without an agent the page is told so below
	p.forward.ServeHTTP(w, r.WithContext(ctx))
}

// answered notes how long it took until the page could show something.
func (p *proxy) answered(r *http.Response) error {
	if r.StatusCode == http.StatusOK && r.Request.URL.Path == "/v1/status" {
		p.asked.Do(func() { p.log.Info("page has a status", "after_ms", time.Since(p.opened).Milliseconds()) })
	}
	return nil
}

// calls are the requests under way that have a name.
type calls struct {
	mu     sync.Mutex
	cancel map[string]context.CancelFunc
}

// begin returns the context of a request, and what ends it. A name that is taken already belongs to the first.
func (c *calls) begin(ctx context.Context, name string) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cancel[name] != nil || name == "" {
		return ctx, cancel
	}
	if c.cancel == nil {
		c.cancel = map[string]context.CancelFunc{}
	}
	c.cancel[name] = cancel
	return ctx, func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.cancel, name)
		cancel()
	}
}

// end cancels the request of that name; one that is over is no error.
func (c *calls) end(name string) {
	c.mu.Lock()
	cancel := c.cancel[name]
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// fail replies as the agent does.
func fail(w http.ResponseWriter, err error) {
	e := app.AsError("window", err)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.Code.HTTPStatus())
	_ = json.NewEncoder(w).Encode(e) // a page that closed needs no reply
}
