package httpapi

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

// Problem is the body of every answer that is not 2xx (RFC 9457). It has no value of any row.
type Problem struct {
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Detail    string       `json:"detail" doc:"One sentence for people."`
	Code      backend.Code `json:"code" doc:"For programs."`
	RequestID string       `json:"request_id,omitempty"`

	after time.Duration
}

var statusOf = map[backend.Code]int{
	backend.Internal:        http.StatusInternalServerError,
	backend.Invalid:         http.StatusUnprocessableEntity,
	backend.TooLarge:        http.StatusRequestEntityTooLarge,
	backend.Unauthenticated: http.StatusUnauthorized,
	backend.Denied:          http.StatusForbidden,
	backend.NotFound:        http.StatusNotFound,
	backend.RateLimited:     http.StatusTooManyRequests,
	backend.Unavailable:     http.StatusServiceUnavailable,
}

// problemOf is what a client is told of an error: the sentence of a *backend.Error, never the cause.
func problemOf(err error, requestID string) *Problem {
	code, detail := backend.Internal, "The server made a mistake; it is in its log."
	var after time.Duration
	var known *backend.Error
	var envelope *pushapi.EnvelopeError
	switch {
	case errors.As(err, &known):
		code, detail, after = known.Code, known.Message, known.After
	case errors.As(err, &envelope):
		code, detail = backend.Invalid, envelope.Error()
		if envelope.Large {
			code = backend.TooLarge
		}
	}
	status := statusOf[code]
	return &Problem{Title: http.StatusText(status), Status: status, Detail: detail, Code: code, RequestID: requestID, after: after}
}

// retryAfter is how long a client should wait, where waiting helps and the error does not say.
var retryAfter = map[backend.Code]time.Duration{backend.RateLimited: time.Second, backend.Unavailable: 2 * time.Second}

func (p *Problem) headers(h http.Header) {
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if wait := cmp.Or(p.after, retryAfter[p.Code]); wait > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
	if p.Code == backend.Unauthenticated {
		h.Set("WWW-Authenticate", "Bearer")
	}
}

// write answers with the problem.
func (p *Problem) write(w http.ResponseWriter) {
	p.headers(w.Header())
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone, or has it
}

// problems documents the answers of an operation that are not 2xx.
func problems(registry huma.Registry, statuses ...int) map[string]*huma.Response {
	schema := registry.Schema(typeOf[Problem](), true, "Problem")
	out := map[string]*huma.Response{}
	for _, status := range statuses {
		out[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: schema}},
		}
	}
	return out
}
