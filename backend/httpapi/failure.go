package httpapi

import (
	"context"
	"net/http"
)

// failure makes a Problem an error that huma writes as it is.
type failure struct{ *Problem }

func (f failure) Error() string                { return f.Detail }
func (f failure) GetStatus() int               { return f.Status }
func (f failure) ContentType(string) string    { return "application/problem+json" }
func (f failure) MarshalJSON() ([]byte, error) { return marshal(f.Problem) }

// GetHeaders are those that belong to the problem.
func (f failure) GetHeaders() http.Header {
	h := http.Header{}
	f.headers(h)
	return h
}

// fail notes the cause and returns what the client is told.
func (a *API) fail(ctx context.Context, err error) error {
	a.note(ctx, err)
	return failure{problemOf(err, requestID(ctx))}
}
