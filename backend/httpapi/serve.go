package httpapi

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Limits of a connection. There is no limit for writing: a stream on the same listener is written to for hours.
const (
	idleTime    = 2 * time.Minute
	headerBytes = 64 << 10
)

// Serve answers on ln until ctx ends, with handler, which is this API or has it among others. Then it reports not to be
// ready, goes on for settle so that load balancers notice, and lets what has begun finish for up to drain. It returns nil
// when everybody was answered.
func (a *API) Serve(ctx context.Context, ln net.Listener, handler http.Handler, settle, drain time.Duration) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: a.Limits.HeaderTime, IdleTimeout: idleTime, MaxHeaderBytes: headerBytes,
		ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn)}
	done := make(chan error, 1)
	go func() { done <- server.Serve(ln) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	a.draining.Store(true)
	time.Sleep(settle)
	drained, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err := server.Shutdown(drained)
	if err != nil {
		_ = server.Close()
	}
	if served := <-done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
