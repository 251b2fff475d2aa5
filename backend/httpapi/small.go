package httpapi

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/coditect-ai/coditect-sync/backend"
)

// maxSmall is the most that a body other than a batch may have.
const maxSmall = 4 << 10

type smallKey struct{}

// withSmallBody reads the body itself: huma's own reading quotes it in its complaints.
func (a *API) withSmallBody(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(a.Limits.BodyTime)) // a test's writer has none
	body, err := io.ReadAll(io.LimitReader(r.Body, maxSmall+1))
	switch {
	case err != nil:
		a.refuse(ctx, backend.Errorf(backend.Invalid, "The body did not arrive.").Wrap(err))
	case len(body) > maxSmall:
		a.refuse(ctx, backend.Errorf(backend.TooLarge, "The body has more than %d bytes.", maxSmall))
	default:
		next(huma.WithValue(ctx, smallKey{}, body))
	}
}

// withBody is withSmallBody for a body that may be as large as a batch, and compressed.
func (a *API) withBody(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(a.Limits.BodyTime)) // a test's writer has none
	body, err := readBody(r)
	if err != nil {
		a.refuse(ctx, err)
		return
	}
	next(huma.WithValue(ctx, smallKey{}, body))
}

// small is the body of a request.
func small[T any](ctx context.Context) (body T, err error) {
	text, _ := ctx.Value(smallKey{}).([]byte)
	if json.Unmarshal(text, &body) != nil { // whose error may quote it
		return body, backend.Errorf(backend.Invalid, "The body is no JSON of the kind that this takes.")
	}
	return body, nil
}

// takes documents the body of an operation. It is said after the registration, because huma reads the bodies that it knows of.
func takes[T any](api huma.API, operation *huma.Operation, name string) {
	operation.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: api.OpenAPI().Components.Schemas.Schema(typeOf[T](), true, name)}}}
}
