package local

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"

	"github.com/coditect-ai/coditect-sync/app"
)

// browserHeaders are what only a web page's request carries.
var browserHeaders = []string{"Origin", "Referer", "Sec-Fetch-Site"}

type peerKey struct{}

// verdict is what withPeer found; err is nil for this user.
type verdict struct{ err error }

func withPeer(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, peerKey{}, verdict{checkPeer(c)})
}

// onlyPeers refuses other users, and connections nobody has looked at.
func (s *Server) onlyPeers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, ok := r.Context().Value(peerKey{}).(verdict)
		if !ok {
			v.err = app.Errorf(app.CodeDenied, "connect", "The other side of the connection is unknown.")
		}
		if v.err != nil {
			s.cfg.Logger.Warn("connection refused", "error", v.err)
			s.brand(w)
			s.fail(w, "connect", v.err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// onlyOurs refuses what a browser sends, directly or through a name that was made to point here.
func (s *Server) onlyOurs(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := notOurs(r); err != nil {
			s.cfg.Logger.Warn("request refused", "error", err)
			s.fail(w, "connect", err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

func notOurs(r *http.Request) error {
	for _, name := range browserHeaders {
		if len(r.Header.Values(name)) > 0 {
			return app.Errorf(app.CodeDenied, "connect", "Requests from web pages are refused (%s).", name)
		}
	}
	if r.Host != Host {
		return app.Errorf(app.CodeDenied, "connect", "Requests for another host are refused.")
	}
	return nil
}

// branded puts version and run on every reply, also on errors and panics.
func (s *Server) branded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.brand(w)
		next.ServeHTTP(w, r)
	})
}

func (s *Server) brand(w http.ResponseWriter) {
	w.Header().Set(VersionHeader, s.cfg.Version)
	w.Header().Set(RunHeader, s.run)
}

// recovered turns a panic into a 500. Replies are written whole at the end of a handler, so nothing is out yet.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			s.cfg.Logger.Error("handler panicked", "path", r.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			s.fail(w, "api", app.Errorf(app.CodeFailed, "api", "The agent failed inside.").
				WithHint("Its log has the details."))
		}()
		next.ServeHTTP(w, r)
	})
}
