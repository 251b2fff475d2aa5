package httpapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/coditect-ai/coditect-sync/backend"
	"github.com/coditect-ai/coditect-sync/backend/pushapi"
)

func (a *API) register(api huma.API) {
	registry := api.OpenAPI().Components.Schemas
	signedIn := huma.Middlewares{a.signedIn}
	huma.Register(api, huma.Operation{
		OperationID: "push", Method: http.MethodPost, Path: "/v1/push", Summary: "Push changes",
		Description: "Applies groups of changes, each whole or not at all and once. A 200 means that all it says is committed.",
		Middlewares: huma.Middlewares{a.signedIn, a.fewAtOnce, a.withBatch},
		Responses:   problems(registry, 401, 403, 413, 422, 429, 503),
	}, a.push)
	// Said after the registration, because huma reads the bodies that it knows of.
	api.OpenAPI().Paths["/v1/push"].Post.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: registry.Schema(typeOf[pushapi.Batch](), true, "Batch")}}}
	huma.Register(api, huma.Operation{
		OperationID: "lost", Method: http.MethodGet, Path: "/v1/lost", Summary: "Values that lost a conflict",
		Middlewares: signedIn, Responses: problems(registry, 401, 403, 422, 429, 503),
	}, a.lost)
	huma.Register(api, huma.Operation{
		OperationID: "rejected", Method: http.MethodGet, Path: "/v1/rejected", Summary: "Groups that were not applied",
		Middlewares: signedIn, Responses: problems(registry, 401, 403, 422, 429, 503),
	}, a.rejected)
	a.registerProof(api, signedIn)
	if a.Machines != nil {
		a.registerMachines(api, signedIn)
	}
	if a.Sharing != nil {
		a.registerSharing(api, signedIn)
	}
	if a.Teams != nil {
		a.registerTeams(api, signedIn)
	}
	if a.Account != nil {
		a.registerAccount(api, signedIn)
	}
	if a.Invitations != nil {
		a.registerInvitations(api, signedIn)
	}
}

// What the middlewares leave for the operations.
type principalKey struct{}
type batchKey struct{}

// signedIn lets verified requests within the limits pass.
func (a *API) signedIn(ctx huma.Context, next func(huma.Context)) {
	r, _ := humago.Unwrap(ctx)
	p, err := a.principal(r)
	if err != nil {
		a.refuse(ctx, err)
		return
	}
	noteMachine(r.Context(), p.Machine)
	next(huma.WithValue(ctx, principalKey{}, p))
}

func (a *API) principal(r *http.Request) (backend.Principal, error) {
	p, err := a.Verifier.Verify(r.Context(), bearer(r))
	if err != nil {
		return p, err
	}
	now := a.Now()
	if !a.machines.allow(p.Tenant+" "+p.Machine, now) || !a.tenants.allow(p.Tenant, now) {
		return p, backend.Errorf(backend.RateLimited, "There are too many requests.")
	}
	return p, nil
}

// bearer is the token of a request; both schemes are in use among clients of the stream, which takes the same token.
func bearer(r *http.Request) string {
	header := r.Header.Get("Authorization")
	for _, scheme := range []string{"Bearer ", "Token "} {
		if len(header) > len(scheme) && header[:len(scheme)] == scheme {
			return header[len(scheme):]
		}
	}
	return ""
}

// fewAtOnce lets a machine push only so often at the same time.
func (a *API) fewAtOnce(ctx huma.Context, next func(huma.Context)) {
	p, _ := ctx.Context().Value(principalKey{}).(backend.Principal)
	key := p.Tenant + " " + p.Machine
	if !a.pushes.enter(key) {
		a.refuse(ctx, backend.Errorf(backend.RateLimited, "There are too many requests at the same time."))
		return
	}
	defer a.pushes.leave(key)
	next(ctx)
}

// withBatch reads the batch itself: huma's own reading would put values into its complaints.
func (a *API) withBatch(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(a.Limits.BodyTime)) // a test's writer has none
	body, err := readBody(r)
	if err != nil {
		a.refuse(ctx, err)
		return
	}
	batch, err := pushapi.Decode(body)
	if err != nil {
		a.refuse(ctx, err)
		return
	}
	a.metrics.received(len(body), batch)
	next(huma.WithValue(ctx, batchKey{}, batch))
}

func (a *API) refuse(ctx huma.Context, err error) {
	r, w := humago.Unwrap(ctx)
	a.note(r.Context(), err)
	problemOf(err, requestID(r.Context())).write(w)
}

type answer[T any] struct{ Body T }

func (a *API) push(ctx context.Context, _ *struct{}) (*answer[pushapi.Answer], error) {
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	batch, _ := ctx.Value(batchKey{}).(pushapi.Batch)
	results, err := a.Store.Push(ctx, p, batch)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	a.metrics.decided(results)
	return &answer[pushapi.Answer]{pushapi.Answer{Results: results, Time: a.timeText()}}, nil
}

// page is which part of a list is asked for.
type page struct {
	Before string `query:"before" doc:"Only what has a smaller number than this; of the last one of the page before."`
	Limit  string `query:"limit" doc:"At most so many, 1 to 1000; 100 when it is not said."`
}

func (p *page) numbers() (before int64, limit int, err error) {
	if p.Before != "" {
		before, err = strconv.ParseInt(p.Before, 10, 64)
	}
	limit = 100
	if p.Limit != "" && err == nil {
		limit, err = strconv.Atoi(p.Limit)
	}
	if err != nil || before < 0 || limit < 1 || limit > 1000 {
		return 0, 0, backend.Errorf(backend.Invalid, "The page asked for is none.")
	}
	return before, limit, nil
}

type lostList struct {
	Lost []backend.Lost `json:"lost"`
}

func (a *API) lost(ctx context.Context, in *page) (*answer[lostList], error) {
	found, err := listed(ctx, in, a.Store.Lost)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	return &answer[lostList]{lostList{found}}, nil
}

type rejectedList struct {
	Rejected []backend.Rejected `json:"rejected"`
}

func (a *API) rejected(ctx context.Context, in *page) (*answer[rejectedList], error) {
	found, err := listed(ctx, in, a.Store.Rejected)
	if err != nil {
		return nil, a.fail(ctx, err)
	}
	return &answer[rejectedList]{rejectedList{found}}, nil
}

func listed[T any](ctx context.Context, in *page, list func(context.Context, backend.Principal, int64, int) ([]T, error)) ([]T, error) {
	before, limit, err := in.numbers()
	if err != nil {
		return nil, err
	}
	p, _ := ctx.Value(principalKey{}).(backend.Principal)
	found, err := list(ctx, p, before, limit)
	if found == nil {
		found = []T{}
	}
	return found, err
}
