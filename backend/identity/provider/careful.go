package provider

import (
	"context"
	"errors"
	"net/http"

	"github.com/zitadel/oidc/v3/pkg/op"
)

// exchangeKey is under what a request's context keeps its exchange.
type exchangeKey struct{}

// exchange is what a storage has to say about a request that zitadel's interfaces have no place for.
type exchange struct {
	err   error  // what failed that is not the client's doing
	nonce string // of a machine without a browser, for its ID token
}

func exchangeOf(ctx context.Context) *exchange {
	x, _ := ctx.Value(exchangeKey{}).(*exchange)
	return x
}

// trouble notes an error that is not the client's doing, and gives it back. zitadel's handlers turn every error of a storage
// into a refusal, with its text: a database that is away for a moment would sign people out, who are told why.
func trouble(ctx context.Context, err error) error {
	if x := exchangeOf(ctx); x != nil && err != nil && !errors.Is(err, errUnknown) {
		x.err = err
	}
	return err
}

// careful lets one of zitadel's handlers answer, unless there was trouble: then the client is told to come again.
func (p *Provider) careful(handler http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{}
		ctx := context.WithValue(op.ContextWithIssuer(r.Context(), p.c.Issuer), exchangeKey{}, x)
		handler(&carefulWriter{ResponseWriter: w, exchange: x, provider: p}, r.WithContext(ctx))
	})
}

// carefulWriter replaces an answer that was made of trouble.
type carefulWriter struct {
	http.ResponseWriter
	exchange *exchange
	provider *Provider
	replaced bool
}

// WriteHeader sends the headers, or the whole other answer.
func (w *carefulWriter) WriteHeader(status int) {
	if w.exchange.err == nil {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.replaced = true
	w.provider.c.Log.Error("a request to the identity provider failed", "error", w.exchange.err)
	h := w.Header()
	h.Del("Location")
	h.Set("Retry-After", "2")
	h.Set("Content-Type", "application/json")
	w.ResponseWriter.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.ResponseWriter.Write([]byte(`{"error":"temporarily_unavailable","error_description":"The server cannot answer now."}` + "\n"))
}

// Write sends a part of an answer that was not replaced.
func (w *carefulWriter) Write(b []byte) (int, error) {
	if w.replaced {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *carefulWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
